"""The transcript of the design note, typed line by line: in plain Python, in IPython, and the how-to page."""

import code
import contextlib
import doctest
import io
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import dltsym

ROOT = Path(__file__).resolve().parent.parent
# dltsym design note, section 5
LINES = """from dltsym import *
reals("A B C alpha beta p q")
with given("A>0", "B>0", "alpha>0", "beta>0", "C>0"):
    N = "(alpha*A/(beta*B))**(1/(alpha+beta))*(C/6)**(beta/(alpha+beta))"
    check(f"alpha*A*({N})**(-alpha) = beta*B*(C/(6*({N})))**(-beta)")
    check(f"alpha*A*({N})**(-alpha) = beta*B*(C/(6*({N})))**(-alpha)")

with given("0<q", "q<p", "p<1", hyp("klbound", "kl(q,p) <= B", cite="Maurer 2004")):
    m = calc("p").le("q + sqrt(B/2)", by=["klbound", thm.pinsker], why="kl bound, Pinsker").close()
    calc("p").le("q + sqrt(B)/2", by=["klbound", thm.pinsker])

m.grade, m.cited, m.grade_without_cited
m.report()
print(m.latex())
"""
WORDS = (
    r"proved  exact  \(.*, [\d.e-]+ s\)   rows: \d+ exact",
    r"refuted  at A=.*, B=.*, C=.*, alpha=.*, beta=.*:  lhs-rhs .*\(certified, (\d+ bits|exact rationals)\)",
    r"StepRefuted: step 1, p <= q \+ sqrt\(B\)/2",
    r"  at B=.*, p=.*, q=.*:  lhs-rhs ",
    r"  hypotheses there: kl_bernoulli\(q, p\) in \[.*\] <= B certified; 0 < q, q < p, p < 1 certified",
    r"  from the facts alone: kl_bernoulli\(q, p\)=.* is allowed",
    r"\('cited', \['Maurer 2004'\], '(smt|exact)'\)",
    r" 1  p <= q \+ sqrt\(B/2\)  .*facts used: klbound, information.pinsker\[\w+\]",
    r"     row  B/2 >= 0 ",
    r"\\begin\{align\}\n  p &\\le q \+ \\sqrt\{\\frac\{B\}\{2\}\} && \\text\{kl bound, Pinsker\}\n\\end\{align\}",
)


@pytest.fixture(autouse=True)
def _no_names() -> Any:
    dltsym.forget()
    yield
    dltsym.forget()


def told(text: str) -> list[str]:
    return [pattern for pattern in WORDS if not re.search(pattern, text)]


def test_in_plain_python() -> None:
    console = code.InteractiveConsole()
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        for line in LINES.splitlines():
            console.push(line)
    text = out.getvalue()
    assert told(text) == []
    assert text.count("Traceback") == 1  # one error, without the ones it was made from
    assert "During handling" not in text


def test_in_ipython(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("IPython")
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    shell.ast_node_interactivity = "all"  # by default a cell shows its last expression only
    for cell in re.split(r"\n(?=\S)", LINES.strip()):
        shell.run_cell(cell)
    text = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert told(text) == []
    assert "Traceback" not in text
    shown, _ = shell.display_formatter.format(shell.user_ns["m"])
    assert r"\begin{aligned}" in shown["text/latex"]
    with provisionalcompleter():
        for text, wanted in (("thm.pin", "pinsker"), ("m.gra", "grade_without_cited")):
            names = [c.text for c in shell.Completer.completions(text, len(text))]
            assert any(n.endswith(wanted) for n in names)


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("howto/derive.md", 15),
        ("howto/compile.md", 20),
        ("howto/run-a-flow.md", 12),
        ("howto/choose-a-temperature.md", 12),
        ("howto/sharpness.md", 6),
        ("howto/lint-attention.md", 4),
        ("explain/engines.md", 2),
        ("reference/kernels.md", 7),
    ],
)
def test_examples_of_a_page(page: str, least: int) -> None:
    text = re.sub(r"^```.*$", "", (ROOT / "docs" / page).read_text("utf-8"), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, page, None, 0)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    said = io.StringIO()
    result = doctest.DocTestRunner(optionflags=flags).run(test, out=said.write)
    assert result.attempted > least
    assert result.failed == 0, said.getvalue()


def test_example_of_the_compiler_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "attention.py"))
    out = capsys.readouterr().out
    assert "passed: z_max" in out
    assert "FAILED: z_max" in out
    assert "@triton.jit" in out


def test_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "derive_a_bound.py"))
    out = capsys.readouterr().out
    assert r"\begin{align}" in out
    assert "refuted" in out
