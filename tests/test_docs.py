"""The documentation: every page is reachable, code in it runs, and nothing in it needs a network."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if not {"theorems", "kernels"} & set(p.relative_to(DOCS).parts))


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text("utf-8"), re.DOTALL)
    lines = [line.strip() for block in listed for line in block.splitlines()]
    entries = {line for line in lines if line and not line.startswith(":")}
    pages = {p.relative_to(DOCS).with_suffix("").as_posix() for p in PAGES} - {"index"}
    assert entries == pages | {"theorems/index", "kernels/index"}


@pytest.mark.parametrize("path", [*PAGES, *DOCS.rglob("*.css")], ids=lambda p: p.name)
def test_nothing_is_fetched(path: Path) -> None:
    assert not re.search(r"(?:src|href)=|@import|url\(\s*['\"]?https?:", path.read_text("utf-8"))


def test_the_grades_page_explains_every_grade() -> None:
    from dltsym.prove.verdict import GRADES, REFUTED, VACUOUS

    page = (DOCS / "explain" / "grades.md").read_text("utf-8")
    assert [g for g in (*GRADES, REFUTED, VACUOUS) if f"`{g}`" not in page] == []


@pytest.mark.parametrize("page", ["docs/explain/engines.md", "dltsym/prove/README.md"])
def test_the_engines_are_listed_in_their_order(page: str) -> None:
    from dltsym.prove.engines import engines

    text = (ROOT / page).read_text("utf-8")
    names = [e.name for e in engines()]
    if page.startswith("docs"):
        found = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\|( `[^|]*)\|", text, re.MULTILINE)))
    else:
        found = re.findall(r"`([^`]+)`", text.split("each), in this order:")[1].split("sampled")[0] + "sampled`")
        found = [name for name in found if name in names]
    assert found == names


def test_the_checker_of_certificates_explains_every_kind() -> None:
    from dltsym.prove.replay import kinds

    text = (ROOT / "dltsym/prove/replay/README.md").read_text("utf-8")
    table = "".join(re.findall(r"^\|( `[^|]*)\|", text, re.MULTILINE))
    assert sorted(re.findall(r"`([^`]+)`", table)) == sorted(kinds())


def test_quickstart_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "quickstart.py"))
    out = capsys.readouterr().out
    assert "Pinsker" in out
    assert r"\begin{align}" in out


def test_the_reference_of_kernels_is_complete() -> None:
    import inspect

    import dltsym
    from dltsym import errors
    from dltsym.lower.kernel import Kernel
    from dltsym.lower.report import FINDINGS

    parts = re.split(r"^## ", (DOCS / "reference" / "kernels.md").read_text("utf-8"), flags=re.MULTILINE)
    rows = {p.split("\n")[0]: re.findall(r"^\| `([^`]+)` \| (.*) \|$", p, re.MULTILINE) for p in parts}
    assert dict(rows["Findings"]) == FINDINGS
    assert [name for name, _ in rows["Options"]] == list(inspect.signature(dltsym.compile).parameters)[1:]
    assert all(issubclass(getattr(errors, name), errors.DltsymError) for name, _ in rows["Errors"])
    told = {re.split(r"\W", name)[1] for name, _ in rows["What a kernel says of itself"]} - {""}
    assert told <= {*dir(Kernel), *Kernel.__dataclass_fields__}
    public = {n for n, x in vars(Kernel).items() if not n.startswith("_") and (callable(x) or isinstance(x, property))}
    assert public - told == {"program", "axes", "one"}
