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

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# Torch comes first and pinned: an unpinned torch can pull gigabytes of GPU packages. The build tools come with it,
# because the project itself is then built with them in place (--no-build-isolation) and every version is a pinned one.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dltsym needs Python 3.11 or newer")'
	@test -x $(BIN)/python || { echo "[1/3] create $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "[2/3] install torch and the build tools (pinned by constraints.txt)"
	@$(PIP) torch hatchling editables
	@echo "[3/3] install dltsym with its extras (pinned by constraints.txt)"
	@$(PIP) --no-build-isolation -e '.[gpu,test,dev,docs]'
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
	$(BIN)/python -m sphinx -W -n -q --keep-going -d build/doctrees -b html docs build/docs

bench: $(STAMP)  ## run every benchmark, write build/bench/*.json
	@for script in tests/bench/bench_*.py; do $(BIN)/python $$script || exit 1; done

clean:  ## remove what was built; keep .venv
	rm -rf build dist docs/theorems .pytest_cache .ruff_cache .hypothesis
	find dltsym derivations tests docs examples -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	rm -rf $(VENV)
