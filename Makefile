# Two commands do everything on a fresh machine with Python >= 3.11: `make verify` and `make test`.
PYTHON      ?= python3
VENV        := .venv
BIN         := $(VENV)/bin
STAMP       := $(VENV)/stamp
PIP         := $(BIN)/python -m pip install --disable-pip-version-check --no-input -qq -c constraints.txt
VERIFY_ARGS ?=
PYTEST_ARGS ?= -n 2
FORMAL_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install verify test formal lint format docs bench clean distclean
.PHONY: kernels-quick kernels-fresh kernels-table kernels-gpu

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

# Torch comes first and pinned: an unpinned torch can pull gigabytes of GPU packages. The build tools come with it,
# because the project itself is then built with them in place (--no-build-isolation) and every version is a pinned one.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dltsym needs Python 3.11 or newer")'
	@test -x $(BIN)/python || { echo "[1/3] create $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "[2/3] install torch and the build tools (pinned by constraints.txt)"
	@$(PIP) torch hatchling editables
	@echo "[3/3] install dltsym with its extras (pinned by constraints.txt)"
	@$(PIP) --no-build-isolation -e '.[gpu,plot,test,dev,docs]'
	@touch $@

install: $(STAMP)  ## create .venv with everything the other targets need

verify: $(STAMP)  ## main job: prove every record, write build/report.json and build/report.html
	$(BIN)/dltsym verify $(VERIFY_ARGS)

test: lint  ## lint, then all tests and doctests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

formal: $(STAMP)  ## replay exported proofs in Coq, if coqc is there; FORMAL_ARGS=--write puts them on record
	$(BIN)/dltsym formal --date $(shell date -u +%F) $(FORMAL_ARGS)

lint: $(STAMP)  ## style, types, layers, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python --level error
	$(BIN)/lint-imports --no-logo --cache-dir build/cache/import-linter
	$(BIN)/codespell

format: $(STAMP)  ## apply the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)  ## build the documentation into build/docs; warnings are errors
	$(BIN)/python -m sphinx -W -n -q --keep-going -j auto -d build/doctrees -b html docs build/docs

# Triton's interpreter is asked for before anything is imported, and small products are faster on one thread.
kernels-quick kernels-fresh kernels-table: export TRITON_INTERPRET = 1
kernels-quick kernels-fresh kernels-table: export OPENBLAS_NUM_THREADS = 1
kernels-quick kernels-fresh kernels-table: export OMP_NUM_THREADS = 1

kernels-quick: $(STAMP)  ## a few cases of every kernel in f32 and bf16, without planted bugs
	$(BIN)/python tests/kernels/quick.py --few --dtypes f32,bf16 $(KERNELS)

kernels-fresh: $(STAMP)  ## all cases of every kernel with new seeds, which it prints
	$(BIN)/python tests/kernels/quick.py --fresh $(KERNELS)

kernels-table: $(STAMP)  ## check and compile every kernel, and write down what the labels are read from
	$(BIN)/python -m dltsym.oracle.evidence $(KERNELS)

kernels-gpu: $(STAMP)  ## on a machine with a device: run, check and time every kernel; SUITE=FILE of gpu_suite.py
	$(BIN)/python tests/kernels/gpu_run.py $(if $(SUITE),--suite $(SUITE)) --minutes $(or $(MINUTES),9)

bench: $(STAMP)  ## run every benchmark, write build/bench/*.json
	@for script in tests/bench/bench_*.py; do $(BIN)/python $$script || exit 1; done

clean:  ## remove what was built; keep .venv
	rm -rf build dist docs/theorems docs/kernels .pytest_cache .ruff_cache .hypothesis
	find dltsym derivations tests docs examples -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	rm -rf $(VENV)
