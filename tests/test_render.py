"""Views of records: what is not proved never looks proved, text is escaped, and exactly what was used is cited."""

import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dltsym import Gap, Ode, Optimum, Rate, derive, diff, log, premise, sqrt, thm, value
from dltsym.errors import UnknownKey
from dltsym.notation.tree import Eq
from dltsym.prove.obligations import obligations
from dltsym.prove.report import AuditReport, MutantReport, Report, StepReport, ValueReport
from dltsym.prove.verdict import Row
from dltsym.record import Theorem
from dltsym.render import bib, html, latex, lines, sphinx_nodes, text, view
from dltsym.statement import Scope

BIB = """@article{abel1826, author = {Abel, Niels {\\'e}}, title = {On {R}oots}, journal = {J. Test}, year = {1826},
  doi = {10.1/a_b}}
@book{gauss1801, author = {Gauss, Carl Friedrich and de Moivre, A.}, title = {Works}, publisher = {P}, year = {1801}}
"""


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, ...]:
    path = tmp_path / "references.bib"
    path.write_text(BIB, encoding="utf-8")
    return (path,)


def bound() -> Theorem:
    v = Scope()
    n = v.count("n", "training examples & more")
    s, r = v.prob("s", "empirical risk", latex=r"\hat r"), v.prob("r", "true risk", open=True)
    D = v.nonneg("D", "relative entropy || of $Q$", unit="nat")
    B = v.let("B", D / n)
    theorem = v.theorem(
        title="A 100% bound", cite=("abel1826", "Theorem 5"), claim=r <= s + sqrt(B / 2),
        given=[premise("cap", r - s <= sqrt(B / 2), ("gauss1801", "p. 3"), "loss in [0, 1]")],
        proof=derive(r).le(s + (r - s), "add $s$ & subtract").le(s + sqrt(B / 2), by="cap"),
        values=[value("0.5", "by hand", n=1, s=0, r="0.5", D="0.5")],
    )  # fmt: skip
    return replace(theorem, key="test.bound", prose="Some *prose* with $x_1$ and 50% ``code``.")


def report_for(theorem: Theorem, *grades: str) -> Report:
    steps = []
    for ob, grade in zip(obligations(theorem), grades, strict=True):
        bad = grade == "refuted"
        evidence = {"lhs - rhs": "[-0.25 +/- 1e-30]"} if bad else {}
        witness = {"r": "1/2"} if bad else None
        steps.append(StepReport(str(ob.goal), ob.reason, grade, "tower", 0.1, evidence, witness,
                                (Row("n != 0", "smt", "z3"),), ob.role, ob.chain, (), ob.number))  # fmt: skip
    worst = "refuted" if "refuted" in grades else grades[-1]
    values = (ValueReport({"n": "1"}, "0.5", "0.5", 1, 1, True, "value", "by hand"),)
    return Report(theorem.key, theorem.title, theorem.area, theorem.kind, worst, "exact", tuple(steps), values,
                  MutantReport(4, 3, ({"mutant": "r < s", "what": "relation", "reason": "not decided"},)))  # fmt: skip


def test_statement_names_domains_premise_claim_and_let() -> None:
    out = latex.statement(bound())
    assert out.startswith("$$\\boxed{")
    for part in (r"0 < r < 1", r"0 \le \hat r \le 1", r"n \in \{1, 2, \dots\}", r"\text{assume }",
                 r"r \le \hat r + \sqrt{\frac{B}{2}}", r"\text{where } B = \frac{D}{n}", r"100\%"):  # fmt: skip
        assert part in out


def test_derivation_is_aligned_with_reasons_and_grades() -> None:
    out = latex.derivation(bound(), report_for(bound(), "exact", "cited"), label="eq:b")
    rows = out.split(r"\begin{align}\label{eq:b}")[1].split(r"\end{align}")[0].strip().split(r"\\")
    assert len(rows) == 2
    assert rows[0].strip().startswith(r"r &\le \hat r + (r - \hat r) && \text{add $s$ \& subtract [exact]}")
    assert rows[1].strip().startswith(r"&\le \hat r + \sqrt{\frac{B}{2}} && \text{cap [cited]}")
    assert r"\cite[Theorem 5]{abel1826}" in out
    assert r"\cite[p. 3]{gauss1801}" in out
    assert "Grade: cited" in out


def test_without_a_report_nothing_is_graded() -> None:
    out = latex.derivation(bound(), reasons=False)
    assert "[exact]" not in out
    assert "not checked" in out
    assert "&&" not in out


@pytest.mark.parametrize("grade", ["open", "tested", "refuted", "vacuous"])
def test_what_is_not_proved_never_looks_proved(grade: str) -> None:
    theorem = bound()
    report = report_for(theorem, "exact", grade)
    mark = "?" if grade in ("open", "tested") else r"\times"
    out = latex.derivation(theorem, report)
    assert rf"&\mathrel{{\overset{{{mark}}}{{\le}}}} \hat r + \sqrt" in out
    assert rf"\textbf{{[{grade}]}}" in out
    assert "WARNING" in out
    data = {"reports": {"test.bound": report.to_json()}, "steps_by_grade": {grade: 1}}
    page = html.page(data, {"test.bound": theorem})
    assert f">{grade}</span>" in page


def test_every_view_says_how_a_grade_came_about() -> None:
    """A replay that is only on record leaves the grade alone, and a timeout is no refusal: both are said."""
    theorem = bound()
    report = report_for(theorem, "exact", "open")
    first, second = report.steps
    steps = (replace(first, evidence={"formal": {"shown": "formal (recorded)"}}),
             replace(second, evidence={"timeout": True}))  # fmt: skip
    report = replace(report, steps=steps)
    page = html.page({"reports": {"test.bound": report.to_json()}}, {"test.bound": theorem})
    nodes = [n.pformat() for n in sphinx_nodes.derivation_nodes(theorem, report)]
    nodes += [sphinx_nodes.checked_table(report, theorem).pformat()]
    for words, grade in (("formal (recorded)", "exact"), ("open (timeout)", "open")):
        assert words in text.step_table(report)
        assert f"[{words}]" in latex.derivation(theorem, report)
        assert re.search(rf'<span class="badge {grade}"[^>]*>{re.escape(words)}</span>', page)
        assert all(re.search(rf'dlt-badge dlt-{grade}">\s*{re.escape(words)}\s', n) for n in nodes)


def test_a_failing_step_prints_witness_and_enclosures() -> None:
    out = text.report_text(report_for(bound(), "exact", "refuted"))
    assert "witness: r = 1/2" in out
    assert "[-0.25 +/- 1e-30]" in out


def test_structured_claims() -> None:
    v = Scope()
    x, k, t, y0 = v.real("x", "x"), v.pos("k", "rate"), v.nonneg("t", "time"), v.pos("y_0", "start")
    y = v.real("y", "solution")
    gap = Gap((x - k) ** 2)
    optimum = Optimum("min", (x - k) ** 2, (x,), {x: k}, 0, gap, subject_to=[x <= 2 * k])
    shown = "\n".join(lines.claim_lines(v._claims(optimum)[0]))
    assert r"x^{\star} = k" in shown
    assert r"\text{minimises } (x - k)^{2} \text{ over } x" in shown
    assert r"\text{subject to } x \le 2 k" in shown
    ode = Ode(y, t, Eq(diff(y, t), -k * y), "y_0*exp(-k*t)", 0, y0)
    shown = lines.claim_lines(v._claims(ode)[0])[1]
    assert shown == r"\text{solves } \frac{dy}{dt} = -k y, \quad y(0) = y_{0}"
    rate = Rate(y0 * k**2, k, 2)
    assert lines.claim_lines(v._claims(rate)[0]) == (
        r"\frac{\partial \log \left(y_{0} k^{2}\right)}{\partial \log k} = 2",
    )
    for claim in (optimum, ode, rate):
        assert text.claim_text(v._claims(claim)[0])


def test_an_array_given_by_its_index_is_shown_entry_by_entry() -> None:
    v = Scope()
    n = v.count("n")
    p = v.array("p", n)
    assert lines.assignment(p, lambda i: 1 / n, r"^{\star}") == r"p^{\star}_{i} = \frac{1}{n}"


def test_escape() -> None:
    assert latex.escape("50% of $n_1$ & a_b ≤ λ #1 {x} ~ ^ \\$5") == (
        r"50\% of $n_1$ \& a\_b $\le$ $\lambda$ \#1 \{x\} \textasciitilde{} \textasciicircum{} \$5"
    )


def test_bibliography(paths: tuple[Path, ...]) -> None:
    source = bib.bibtex(["abel1826"], paths=paths)
    assert source.count("@") == 1
    assert "doi = {10.1/a_b}" in source
    assert bib.plain(["gauss1801"], paths=paths)[0].startswith("Carl Friedrich Gauss and A. de Moivre. Works.")
    assert bib.short("gauss1801", paths=paths) == "Gauss and de Moivre (1801)"
    with pytest.raises(UnknownKey, match=r"a\.b: no bibliography entry 'abel1827'; did you mean abel1826"):
        bib.entries(["abel1827"], "a.b", paths)


def test_cite_is_exactly_what_was_used() -> None:
    theorem = bound()
    assert bib.cite(theorem) == ("abel1826", "gauss1801", "dltsym")
    user = replace(theorem, key="test.user", given=(), source=replace(theorem.source, key="euler1740"),
                   proof=(derive("x").eq("x", by=thm("test.bound")),))  # fmt: skip
    report = replace(report_for(theorem, "exact", "smt"), uses=("test.bound",))
    keys = bib.cite(user, report, {"test.bound": theorem}.__getitem__)
    assert keys == ("euler1740", "abel1826", "gauss1801", "dltsym", "arb", "z3")
    assert bib.software_keys(report_for(theorem, "formal", "formal"))[:3] == ("dltsym", "coq", "coquelicot")
    assert "Coquelicot" in bib.bibtex(("coq", "coquelicot"))


def test_page_is_self_contained_and_escaped() -> None:
    report = replace(report_for(bound(), "exact", "exact"), title="<script>alert(1)</script>")
    data = {"records": 1, "reports": {"test.bound": json.loads(json.dumps(report.to_json()))},
            "steps_by_grade": {"exact": 2}, "broken": [{"key": "a.b", "error": "<b>boom"}]}  # fmt: skip
    for page in (html.page(data), html.page(data, {"test.bound": bound()})):
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
        assert "<script>alert" not in page
        assert "<b>boom" not in page
        assert page.count("<math") >= 3
    assert html.page({}).startswith("<!DOCTYPE html>")


def test_audit_views() -> None:
    v = Scope()
    b = v.real("b", "bound")
    audit = v.audit(title="Vacuous", source=("abel1826", "p. 1"), prints="the bound is 0.2", claim=b <= 1,
                    verdict="refuted", corrected="it is 3.16", at={"b": "3.16"})  # fmt: skip
    audit = replace(audit, key="audits.x")
    report = AuditReport("audits.x", "Vacuous", "abel1826 p. 1", "the bound is 0.2", "refuted", "refuted",
                         {"b": "3.16"}, "it is 3.16")  # fmt: skip
    assert "witness b = 3.16" in text.audit_text(audit, report)
    assert r"b \le 1" in latex.audit(audit)
    page = html.page({"reports": {"audits.x": report.to_json()}}, {"audits.x": audit})
    assert "the bound is 0.2" in page


def test_show_respects_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    theorem, report = bound(), report_for(bound(), "exact", "refuted")
    bright, plain = Terminal(), Terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    text.show(theorem, report, file=bright)
    monkeypatch.setenv("NO_COLOR", "1")
    text.show(theorem, report, file=plain)
    assert "\x1b[" in bright.getvalue()
    assert "\x1b[" not in plain.getvalue()
    assert "WARNING" in plain.getvalue()


def test_report_relations_are_read_back_with_the_authors_latex() -> None:
    assert view.relation_latex("r <= s + log(2)", bound().symbols) == r"r \le \hat r + \log 2"
    assert view.relation_latex("r <= unknown", bound().symbols) is None


def test_chains_match_reports_by_name_and_number() -> None:
    v = Scope()
    x = v.pos("x")
    first = derive(log(x)).le(x - 1, "tangent").named("t")
    theorem = v.theorem(title="T", cite=("abel1826", ""), claim=[log(x) <= x - 1, log(x) < x],
                        proof=[first, derive(log(x)).le(x - 1, by="t").lt(x, "drop")])  # fmt: skip
    grades = [s.grade for chain in view.derivation(theorem, report_for(theorem, "exact", "smt", "ball", "cas"))
              for s in chain.steps]  # fmt: skip
    assert grades == ["exact", "smt", "ball"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_paper_compiles(tmp_path: Path, paths: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bib, "bib_files", lambda: paths)
    theorem = bound()
    (tmp_path / "p.tex").write_text(latex.paper(theorem, report_for(theorem, "exact", "open")), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "p.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    assert "undefined" not in done.stdout
