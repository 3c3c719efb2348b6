"""The habits of the house, held by machine: nothing forgotten, nothing too large, nothing heavy loaded."""

import ast
import functools
import importlib
import inspect
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from pybtex.database import parse_file

import dltsym
from dltsym import catalogue
from dltsym.packs import sources as sources_of

ROOT = Path(__file__).resolve().parent.parent
DERIVATIONS = ROOT / "derivations"
FOLDERS = ("dltsym", "derivations", "docs", "tests", "examples")

FILE_LIMIT, FUNCTION_LIMIT, RECORD_LIMIT = 400, 40, 60
HEAVY = {"sympy", "mpmath", "flint", "z3", "numpy", "scipy", "torch", "triton", "pybtex"}

PUBLIC = [
    "Arithmetic", "Audit", "Bound", "Break", "BrokenRecord", "Case", "Convex", "Cost", "CyclicLemma", "DTypeError",
    "DltsymError", "DomainError", "Eq", "Expr", "Gap", "Law", "MixedDirections", "Ne", "NotationError", "Ode",
    "Operator", "Optimum", "ProofError", "Rate", "RecordError", "Rel", "Relation", "Root", "Scope", "ShapeError",
    "SideConditionOpen", "StepOpen", "StepRefuted", "Theorem", "UndeclaredSymbol", "Undefined", "UnknownKey",
    "UnknownNode", "UnsupportedError", "VacuousHypotheses", "abs_", "acos", "alpha_equal", "argmax_over",
    "argmin_over", "arrays", "asin", "atan", "audit", "bessel_i", "bessel_ie", "binary_entropy", "binomial", "bound",
    "calc", "cases_", "check", "compare", "compile", "cos", "cosh", "counts", "delta", "derive", "diff", "ei", "erf",
    "exp", "explain", "find", "fold_over", "forget", "get", "given", "graph", "hyp", "implements", "indices",
    "integers", "iterate", "keys", "kl_bernoulli", "kl_lower", "kl_upper", "lgamma", "log", "lse_over", "max_",
    "max_over", "min_", "min_over", "minimise", "non_vacuous", "nonnegatives", "phi1", "pi", "positives", "premise",
    "probs", "prod_over", "rank_over", "reals", "relax", "scan_over", "sigmoid", "simplify", "sin", "sinh",
    "softplus", "solve_for", "sqrt", "substitute", "sum_over", "tan", "tanh", "thm", "topk_over", "value", "verify",
    "xlogx",
]  # fmt: skip


def sources(*folders: str) -> list[Path]:
    """List the Python files that people write."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "__pycache__" not in path.parts)


def name(path: Path) -> str:
    """Name a file in a message and a test id."""
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


def code_lines(path: Path) -> set[int]:
    """Number the lines that hold code: no blank line, no comment."""
    quiet = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
    }  # fmt: skip
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return {n for t in tokens if t.type not in quiet for n in range(t.start[0], t.end[0] + 1)}


def body_size(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef, lines: set[int]) -> int:
    """Count the code lines of a body without its docstring."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return len(lines & set(range(body[0].lineno, body[-1].end_lineno + 1))) if body else 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the checkout; show what went wrong if it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done


def record_files() -> dict[str, Path]:
    """Map the key that each file's place implies to the file; names that start with ``_`` are not records."""
    paths = (path for path in DERIVATIONS.rglob("*.py") if not path.name.startswith("_"))
    return {".".join(path.relative_to(DERIVATIONS).with_suffix("").parts): path for path in paths}


@functools.cache
def everything() -> catalogue.Catalogue:
    """Load the catalogue once."""
    return catalogue.load()


# Sizes


def test_files_are_short() -> None:
    size = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(*FOLDERS)}
    assert {path: lines for path, lines in size.items() if lines >= FILE_LIMIT} == {}


def test_functions_are_short() -> None:
    long = {}
    for path in sources(*FOLDERS):
        lines = code_lines(path)
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = body_size(node, lines)
                if size >= FUNCTION_LIMIT:
                    long[f"{name(path)}:{node.lineno} {node.name}"] = size
    assert long == {}


def test_records_are_short() -> None:
    size = {name(path): body_size(parse(path), code_lines(path)) for path in record_files().values()}
    assert {path: lines for path, lines in size.items() if lines >= RECORD_LIMIT} == {}


# Imports


def test_no_star_imports() -> None:
    stars = [
        f"{name(path)}:{node.lineno}"
        for path in sources(*FOLDERS)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    assert stars == []


def test_the_machine_imports_no_theorem() -> None:
    guilty = []
    for path in sources("dltsym"):
        for node in ast.walk(parse(path)):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            guilty += [name(path) for m in modules if m.startswith(("derivations", "dltsym.theorems."))]
    assert guilty == []


def test_records_import_only_public_names() -> None:
    # fractions is for audits that run a source's code in exact numbers
    allowed = ("dltsym", "dltsym.relations", "sympy", "fractions", "itertools")
    guilty = []
    for path in record_files().values():
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Import):
                guilty += [f"{name(path)}: {a.name}" for a in node.names if a.name not in allowed]
            elif isinstance(node, ast.ImportFrom) and node.module == "dltsym":
                guilty += [f"{name(path)}: {a.name}" for a in node.names if a.name not in dltsym.__all__]
            elif isinstance(node, ast.ImportFrom) and node.module not in allowed:
                guilty.append(f"{name(path)}: {node.module}")
    assert guilty == []


@pytest.mark.parametrize("arguments", [("-c", "import dltsym"), ("-m", "dltsym", "--help")], ids=["import", "help"])
def test_starting_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    lines = run("-X", "importtime", *arguments).stderr.splitlines()
    loaded = {line.split("|")[-1].strip().split(".")[0] for line in lines if line.startswith("import time:")}
    assert "dltsym" in loaded
    assert loaded & HEAVY == set()


# The public surface


def test_public_names_are_the_ones_listed_here() -> None:
    assert sorted(dltsym.__all__) == PUBLIC
    assert sorted(n for n in dir(dltsym) if not n.startswith("_")) == [n for n in PUBLIC if not n.startswith("_")]
    assert [n for n in PUBLIC if getattr(dltsym, n, None) is None] == []


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = dltsym.no_such_name


@pytest.mark.parametrize("package", ["dltsym", "dltsym.bounds", "dltsym.lints", "dltsym.systems"])
def test_names_on_first_use_have_one_helper(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__getattr__.__module__ == "dltsym.lazy"
    assert "def __getattr__" not in Path(str(module.__file__)).read_text(encoding="utf-8")
    assert module.__all__ == sorted(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    assert [n for n in module.__all__ if getattr(module, n, None) is None] == []
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'no_such_name'"):
        _ = module.no_such_name


def test_public_functions_and_classes_are_documented() -> None:
    silent = []
    for public in dltsym.__all__:
        value = getattr(dltsym, public)
        members = {public: value}
        if inspect.isclass(value):
            members |= {f"{public}.{k}": v for k, v in vars(value).items() if not k.startswith("_")}
        for label, member in members.items():
            documented = inspect.isroutine(member) or inspect.isclass(member) or isinstance(member, property)
            if documented and not inspect.getdoc(member):
                silent.append(label)
    assert silent == []


# Completeness: files = records = tests, and keys used = keys present


def test_every_file_is_a_record_and_every_record_a_file() -> None:
    found = everything()
    assert {key: str(error) for key, error in found.broken.items()} == {}
    assert {key: Path(path).resolve() for key, path in found.paths.items()} == record_files()
    assert set(found.records) == set(found.paths)


def test_every_record_is_tested() -> None:
    listing = run("-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", "tests/test_theorems.py").stdout
    tested = {key.split("-")[0] for key in re.findall(r"\[([^\]]+)\]$", listing, re.MULTILINE)}
    assert tested == set(record_files())


def test_bibliography_holds_what_is_cited_and_nothing_else() -> None:
    present = parse_file(DERIVATIONS / "references.bib").entries.keys()  # a repeated key is an error of the parser
    used = {key for record in everything().records.values() for key in sources_of(record)}
    assert used == set(present)


# Hygiene


def test_no_file_names_a_path_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    local = re.compile(r"(?<![\w.~$})-])/(?:home|tmp|work|root|Users|opt|mnt|srv)(?:/|\b)")
    guilty = []
    for path in (ROOT / line for line in listed.stdout.splitlines()):
        data = path.read_bytes() if path.is_file() else b""
        lines = [] if b"\0" in data else data.decode("utf-8").splitlines()
        guilty += [f"{name(path)}:{i}: {line.strip()}" for i, line in enumerate(lines, 1) if local.search(line)]
    assert guilty == []
