"""Export to Coq and its guards: what is refused, what a forged file meets, what a replay is bound to."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from unittest.mock import Mock

import pytest
from cases import INEQUALITIES, build
from click.testing import CliRunner
from small_records import state

from dltsym import batch, index
from dltsym.cache import Cache
from dltsym.cli import main
from dltsym.formal import coqc, grades, run
from dltsym.formal import export as exporting
from dltsym.formal.claims import claims
from dltsym.formal.export import export
from dltsym.formal.guards import AXIOMS, axioms, compare, inspect
from dltsym.formal.reader import Reader, evaluate
from dltsym.formal.text import Refused
from dltsym.prove.check import check_theorem
from dltsym.prove.problem import Problem

ROWS = {case.id: case for case in INEQUALITIES}
# The statements that every continuous integration run replays.
REQUIRED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "Pinsker on all of (0,1)^2": (ROWS["L01"].statement, ROWS["L01"].given, "p @ q"),
    "refined Pinsker": (ROWS["L02"].statement, ROWS["L02"].given, "q @ p"),
    "log cosh": (ROWS["L06"].statement, (), "x @ 0"),
    "Hoeffding's lemma": (ROWS["L07"].statement, ROWS["L07"].given, "s @ 0"),
    "Bennett": (ROWS["L08"].statement, ROWS["L08"].given, "x @ 0"),
    "log-sum-exp, lower": ("a <= log(exp(a)+exp(b))", ("b<=a",), ""),
    "log-sum-exp, upper": ("log(exp(a)+exp(b)) <= a+log(2)", ("b<=a",), "b @ a"),
    "AM-GM of two": ("K/lam+lam/(8*n) >= sqrt(K/(2*n))", ("K>0", "lam>0", "n>0"), ""),
    "slope of Pinsker's gap": (
        "diff(kl(w,p)-2*(p-w)**2,p) = (p-w)*(2*p-1)**2/(p*(1-p))",
        ("0<p", "p<1", "0<w", "w<1"),
        "",
    ),
    "AM-GM of three": (ROWS["P01"].statement, ROWS["P01"].given, ""),
}
FALSE = {
    "Pinsker": ("kl(p,q) >= Rational(201,100)*(p-q)**2", ("0<p", "p<1", "0<q", "q<1"), "p @ q"),
    "log cosh": ("log(cosh(x)) <= Rational(49,100)*x**2", (), "x @ 0"),
    "Hoeffding's lemma": ("log(1-p+p*exp(s))-p*s <= s**2/9", ("0<p", "p<1"), "s @ 0"),
    "Bennett": ("(1+x)*log(1+x)-x >= x**2/(2*(1+x/4))", ("x>=0",), "x @ 0"),
    "tangent": ("exp(x) >= 1+Rational(101,100)*x", (), "x @ 0"),
    "a pole inside": ("1/(1-x)+1-exp(-x) >= 0", ("x>=0", "x!=1"), "x @ 0"),
    "a contact outside": ("log(x) >= 0", ("x>0",), "x @ 1"),
    "AM-GM": ("(x+y)**3 <= Rational(39,10)*(x**3+y**3)", ("x>=0", "y>=0"), ""),
    "a square root": ("sqrt(u**2) = u", (), ""),
}
TANGENT = build(ROWS["L10"])
GOOD = {"variable": "x", "contact": "0"}


def problem(row: tuple[str, tuple[str, ...], str]) -> tuple[Problem, dict[str, str]]:
    """Build a problem and what the evidence of a ladder would say."""
    statement, given, hint = row
    variable, _, contact = hint.partition("@")
    return build(statement, given), {"variable": variable.strip(), "contact": contact.strip()} if hint else {}


@pytest.fixture(scope="module")
def tangent() -> str:
    """Return the file of ``exp(x) >= 1 + x``."""
    return export(TANGENT, GOOD)[0]


needs_coq = pytest.mark.skipif(
    coqc.command() is None, reason=f"coqc not found: {len(REQUIRED)} required certificates not replayed"
)


# ---- what is exported ----


@lru_cache(maxsize=len(REQUIRED))
def files(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the file of a required statement, and the theorems in it."""
    return export(*problem(REQUIRED[name]))[:2]


@pytest.mark.parametrize("name", REQUIRED)
def test_required_statements_are_exported(name: str) -> None:
    assert "claim_0" in files(name)[1]


def test_a_file_is_the_same_every_time(tangent: str) -> None:
    assert tangent == export(TANGENT, GOOD)[0]


@pytest.mark.parametrize(
    ("statement", "node"),
    [
        ("sin(x) <= 1", "sin"),
        ("Sum(X[i]**2,(i,1,n)) >= 0", "Sum"),
        ("Abs(x) >= x", "abs"),
        ("pi > 3", "Const"),
        ("limit((exp(x)-1)/x,x,0) = 1", "Limit"),
        ("diff(X[1]**2,X[1]) = 2*X[1]", "Diff"),
        ("max(x,1) >= x", "max"),
        ("erf(x) < 1", "erf"),
        ("x**200 >= 0", "exponent 200"),
    ],
)
def test_other_nodes_refuse_and_are_named(statement: str, node: str) -> None:
    with pytest.raises(Refused, match=node):
        export(build(statement), {})


@pytest.mark.parametrize("name", FALSE)
def test_false_statements_find_no_proof(name: str) -> None:
    with pytest.raises(Refused):
        export(*problem(FALSE[name]))


def test_undefined_terms_are_not_exported() -> None:
    with pytest.raises(Refused):
        export(build("x/x = 1"), {})
    with pytest.raises(Refused):
        export(build("sqrt(x)**2 = x"), {})
    text, theorems, _ = export(build("x/x = 1", ("x!=0",)), {})
    assert "claim_0_defined_0" in theorems
    assert "(v_x <> 0) -> (v_x <> 0)" in text


# ---- guards, each broken on purpose ----


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Qed.", "Admitted.", "between|follows|word"),
        ("Proof.\n", "Proof.\n  admit.\n", "admit"),
        ("Proof.\n", "Proof.\n  give_up.\n", "give_up"),
        ("\nTheorem", "\nAxiom false : False.\nTheorem", "between"),
        ("\nTheorem", "\nParameter f : R.\nTheorem", "between"),
        ("\nTheorem", "\nNotation x := 0.\nTheorem", "between"),
        ("\nTheorem", "\nLemma exp : True. Proof. exact I. Qed.\nTheorem", "between"),
        ("Proof.\n", "Proof.\n  (* Admitted *)\n", r"\(\*"),
        ("Proof.\n", 'Proof.\n  idtac "Qed.".\n', '"'),
        ("Open Scope R_scope.", "Open Scope Z_scope.", "header"),
        ("Require Import Ladder.", "Require Import Evil.", "header"),
        ("Proof.\n", "Proof.\n Abort. Definition R := nat.\n", "Abort"),
        ("Proof.\n", "Proof.\n  Unset Guard Checking.\n", "Unset"),
        ("exp", "ехр", "ASCII"),
    ],
)
def test_form_of_the_file(tangent: str, old: str, new: str, says: str) -> None:
    inspect(tangent)
    with pytest.raises(Refused, match=says):
        inspect(tangent.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(1 + v_x) <= (exp v_x)", "0 <= 0"),
        ("(1 + v_x) <= (exp v_x)", "(1 + v_x) <= (exp v_y)"),
        ("(1 + v_x) <= (exp v_x)", "(0 + v_x) <= (exp v_x)"),
        ("(1 + v_x) <= (exp v_x)", "(1 + v_x) < (exp v_x)"),
        ("(1 + v_x) <= (exp v_x)", "(exp v_x) <= (1 + v_x)"),
        ("(1 + v_x) <= (exp v_x)", "(1 + v_x) <= (exp (v_x + 0))"),
        ("forall v_x : R, ((1", "forall v_x : R, (0 < v_x) -> ((1"),
        ("forall v_x : R, ((1", "forall v_x : nat, ((1"),
        ("forall v_x : R, ((1", "forall v_x v_y : R, ((1"),
    ],
)
def test_statement_is_read_back(tangent: str, old: str, new: str) -> None:
    found = claims(TANGENT)
    assert compare(tangent, TANGENT, found) == ("claim_0",)
    at = tangent.index("Theorem claim_0 ")
    forged = tangent[:at] + tangent[at:].replace(old, new, 1)
    assert forged != tangent
    with pytest.raises(Refused):
        compare(forged, TANGENT, found)


def test_a_derivative_is_stated_as_one() -> None:
    case = build("diff(x*log(x),x) = 1+log(x)", ("x>0",))
    text, theorems, _ = export(case, {})
    assert theorems[0] == "claim_0"
    assert "(is_derive (fun v_x : R => (v_x * (ln v_x))) v_x (1 + (ln v_x)))" in text
    for old, new in (
        ("(fun v_x : R => (v_x * (ln v_x)))", "(fun v_x : R => (v_x + (ln v_x)))"),
        ("=> (v_x", "=> (v_y"),
    ):
        with pytest.raises(Refused):
            compare(text.replace(old, new), case, claims(case))
    twice = export(build("1+diff(x*log(x),x,2) = 1+1/x", ("x>0",)), {})
    assert {"claim_0", "claim_1", "claim_2"} <= set(twice[1])
    with pytest.raises(Refused, match="closed"):
        export(build("diff(x**3,x,2) = 6*x", ("x>=0",)), {})
    with pytest.raises(Refused, match="no equal forms"):
        export(build("diff(x*log(x),x) = 2+log(x)", ("x>0",)), {})


def test_every_condition_of_definedness_is_a_theorem() -> None:
    case = build("log(x) <= x-1", ("x>0",))
    text, theorems, _ = export(case, {"variable": "x", "contact": "1"})
    assert theorems == ("claim_0", "claim_0_defined_0")
    start = text.index("Lemma claim_0_defined_0")
    without = text[:start] + text[text.index("Qed.\n", start) + 5 :].lstrip("\n")
    with pytest.raises(Refused, match="defined_0 is missing"):
        compare(without, case, claims(case))
    bare = tuple(replace(c, rows=()) for c in claims(case))
    with pytest.raises(Refused, match="conditions"):
        compare(text, case, bare)


def test_reader_follows_the_rules_of_coq() -> None:
    half = Reader("((1 / 2) <= 1)").statement()[1][0]
    assert half[1] == ("/", ("num", 1), ("num", 2))
    assert evaluate(half[1], {}).contains(Fraction(1, 2).__float__()), "real division"
    assert Reader("(- v_x ^ 2 <= 1 - 2 - 3)").statement()[1][0] == (
        "<=", ("neg", ("^", ("var", "v_x"), 2)), ("-", ("-", ("num", 1), ("num", 2)), ("num", 3)),
    )  # fmt: skip
    for text in (
        "(v_x ^ v_y <= 1)",
        "(x <= 1)",
        "(v_x ^ 2 ^ 3 <= 1)",
        "(1 <= 2) /\\ (1 <= 2)",
        "(1 <= 2",
        "(f 1 <= 2)",
    ):
        with pytest.raises(Refused):
            Reader(text).statement()


def test_axioms_are_those_of_classical_reals() -> None:
    usual = "Axioms:\n" + "".join(f"{name}\n  : forall P : Prop, P\n" for name in sorted(AXIOMS))
    assert axioms(usual) == AXIOMS
    assert axioms("Closed under the global context\n") == frozenset()
    with pytest.raises(Refused, match=r"Ladder\.false"):
        axioms(usual + "Ladder.false : False\n")


# ---- the grade ----


def entry(**changes: str) -> dict[str, object]:
    """Make an entry as a replay leaves it, then alter it."""
    made = {"record": "a.b", "relation": "x <= y", "claim": "c", "file": "f", "axioms": [], "date": "2026-01-01",
            "coq": "8.16.1", "lemmas": grades.lemmas(), "exporter": grades.fingerprint()}  # fmt: skip
    made["seal"] = grades.seal("c", "f", "8.16.1")
    return made | changes


REPORT = {
    "grade": "exact", "grade_without_cited": "exact", "cited": [],
    "steps": [
        {"key": "", "grade": "exact", "role": "hypotheses", "evidence": {}},
        {"key": "one", "grade": "exact", "role": "step", "evidence": {"contact": "0"}},
        {"key": "two", "grade": "exact", "role": "claim", "evidence": {}},
    ],
}  # fmt: skip


def shown(report: Mapping[str, object]) -> list[str]:
    """List the grades of the steps."""
    return [s["evidence"].get("formal", {}).get("shown", s["grade"]) for s in report["steps"]]  # type: ignore[index]


def test_a_replay_here_lifts_the_grade_and_keeps_the_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grades, "version", lambda: "8.16.1")
    store = Cache(tmp_path)
    store.put("replay one", entry())
    half = grades.upgrade(REPORT, {}, store)
    assert [s["grade"] for s in half["steps"]] == ["exact", "formal", "exact"]
    assert half["grade"] == "exact", "every step has to be formal"
    assert half["steps"][1]["evidence"]["contact"] == "0"
    assert half["steps"][1]["evidence"]["formal"]["weaker"] == "exact"
    store.put("replay two", entry())
    assert grades.upgrade(REPORT, {}, store)["grade"] == "formal"
    monkeypatch.setattr(grades, "version", lambda: "8.17.0")
    assert grades.upgrade(REPORT, {}, store)["grade"] == "exact", "another Coq is installed"
    cited = {**REPORT, "steps": [{**s, "grade": "cited"} for s in REPORT["steps"]]}
    assert shown(grades.upgrade(cited, {}, store)) == ["cited"] * 3


def test_a_recorded_replay_is_shown_and_lifts_nothing(tmp_path: Path) -> None:
    out = grades.upgrade(REPORT, {"one": entry(), "two": entry()}, Cache(None))
    assert shown(out) == ["exact", "formal (recorded)", "formal (recorded)"]
    assert out["grade"] == "exact"
    assert [s["grade"] for s in out["steps"]] == ["exact"] * 3


@pytest.mark.parametrize("name", ["claim", "file", "lemmas", "coq", "seal", "exporter"])
def test_any_change_drops_the_grade(name: str, tmp_path: Path) -> None:
    assert grades.intact(entry())
    assert not grades.intact(entry(**{name: "other"}))
    store = Cache(tmp_path)
    store.put("replay one", entry(**{name: "other"}))
    assert shown(grades.upgrade(REPORT, {}, store)) == ["exact"] * 3


@pytest.mark.parametrize(("required", "status"), [("", 0), ("1", 1)])
def test_without_coq_the_skip_is_counted_and_printed(
    required: str, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DLTSYM_REQUIRE_COQ", required)
    result = CliRunner().invoke(main, ["formal"])
    assert result.exit_code == status
    assert re.search(r"skip: coqc not found: \d+ certificates? not replayed, last replay", result.output)
    assert re.search(r"formal: \d+ recorded, 0 replayed here", result.output)


# ---- with Coq ----


@pytest.mark.coq
@pytest.mark.slow
@needs_coq
def test_coq_accepts_the_required_statements_and_no_forgery(tmp_path: Path) -> None:
    """Replay every required statement, and meet a false one with the proof of a true one."""
    assert coqc.prepared(tmp_path).ok
    text, names = files("log cosh")
    at = text.index("Theorem claim_0 ")
    false = build("log(cosh(x)) <= Rational(49,100)*x**2")
    forged = text[:at] + text[at:].replace("((v_x ^ 2) / 2))", "((49 / 100) * (v_x ^ 2)))", 1)
    assert compare(forged, false, claims(false)) == names, "the guards see a theorem that says what is claimed"
    everywhere = text.replace("(v_x ^ 2) / 2", "(49 / 100) * (v_x ^ 2)")
    with ThreadPoolExecutor(2) as pool:
        runs = {name: pool.submit(coqc.replay, *files(name), tmp_path) for name in REQUIRED}
        lies = [pool.submit(coqc.replay, lie, names, tmp_path) for lie in (forged, everywhere)]
    for name, one in runs.items():
        assert one.result().ok, f"{name}: {one.result().output}"
        assert axioms(one.result().output) <= AXIOMS
    assert not any(lie.result().ok for lie in lies)


@pytest.mark.coq
@needs_coq
def test_files_on_record_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "information.lse_sandwich"
    found = index.build()
    outcomes = batch.run(found, [key], Cache(tmp_path), jobs=1)
    asked: list[str] = []
    monkeypatch.setattr(run, "replayed", lambda _key, step, *_: asked.append(run.sealed(step)) or {"seal": asked[-1]})
    first = run.replay_all(found, outcomes, Cache(None), date="2026-11-23")
    assert asked
    assert (len(first.entries), first.same) == (len(set(asked)), 0)
    known, asked[:] = set(asked[1:]), []
    second = run.replay_all(found, outcomes, Cache(None), date="2026-11-23", known=known)
    assert (len(second.entries), second.same, len(asked)) == (1, len(first.entries) - 1, 1)


@pytest.mark.coq
@needs_coq
def test_time_is_limited(tmp_path: Path, tangent: str) -> None:
    run = coqc.replay(tangent, (), tmp_path, seconds=0.01)
    assert not run.ok
    assert "stopped" in run.output


def test_an_export_that_takes_too_long_is_missed_and_the_next_step_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    theorem = state("x real", ["exp(x) >= 1 + x", "exp(x) >= x"])
    report = check_theorem(theorem, {}.__getitem__, {}.__getitem__)
    rows = [{"relation": s.relation, "grade": s.grade, "evidence": s.evidence, "key": s.key} for s in report.steps]
    slow, real = [], exporting.export

    def export_slowly(problem: Problem, evidence: Mapping[str, object]) -> object:
        slow.append(problem)
        while len(slow) == 1:
            exporting.digest("busy")
        return real(problem, evidence)

    monkeypatch.setattr(exporting, "export", export_slowly)
    monkeypatch.setattr(exporting, "STEP_SECONDS", 0.2)
    first, second = list(exporting.steps(theorem, {"steps": rows}))
    assert isinstance(first, exporting.Missed)
    assert "0.2 s" in first.why
    assert isinstance(second, exporting.Exported)


def test_a_contact_that_is_the_only_point_is_no_ladder() -> None:
    pinned, evidence = problem(("exp(x) + x*log(2 + x) >= 1 + x", ("x>=0", "x<=0"), "x @ 0"))
    with pytest.raises(Refused, match="only point"):
        export(pinned, evidence)


def test_a_kept_replay_is_told_of_the_record_that_asks(tmp_path: Path) -> None:
    store, out = Cache(tmp_path), run.Replays()
    store.put("replay one", entry(record="gone", relation="before"))
    outcome = {"kind": "theorem", "steps": [{"key": "one", "relation": "now"}]}
    run._settled(Mock(content=lambda _: "text"), "here.now", outcome, store, out)
    assert (out.entries["one"]["record"], out.entries["one"]["relation"]) == ("here.now", "now")
