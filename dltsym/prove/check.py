"""`check_theorem`: everything that has to hold for a record, in one report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.errors import DltsymError
from dltsym.form import concluded, parts, same
from dltsym.notation.calculus import add
from dltsym.notation.tree import Expr, Num, Rel
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.prove.audit import check_audit
from dltsym.prove.bounds import bound_problems
from dltsym.prove.computed import check_values
from dltsym.prove.control import Proof
from dltsym.prove.control import control as negative_control
from dltsym.prove.decide import NORMAL, Effort, Memo, decide
from dltsym.prove.facts import ReportOf, Resolve, Used, grade_with, inhabited, lemma_fact, premise_fact
from dltsym.prove.obligations import Obligation, obligations
from dltsym.prove.problem import Fact, Problem, prepare
from dltsym.prove.report import MutantReport, Report, StepReport, as_written
from dltsym.prove.sample import find_point, refute
from dltsym.prove.stage import refuted
from dltsym.prove.vacuous import vacuous
from dltsym.prove.values import check_break, outside_domain
from dltsym.prove.verdict import PROVED, REFUTED, VACUOUS, Verdict, open_, weakest
from dltsym.record import Lemma, Premise, Theorem

__all__ = ["check_audit", "check_theorem"]
Done = dict[str | tuple[str, str], Used]  # finished chains by name; unfinished ones by (name, "so far")


@dataclass(frozen=True)
class Checker:
    """What one check of a record needs."""

    theorem: Theorem
    resolve: Resolve
    report_of: ReportOf
    memo: Memo | None
    effort: Effort

    @property
    def given(self) -> tuple[Rel, ...]:
        """Hypotheses that are always available."""
        return tuple(g for g in self.theorem.given if isinstance(g, Rel))

    @property
    def premises(self) -> tuple[Premise, ...]:
        """Cited premises, available to the steps that name them."""
        return tuple(g for g in self.theorem.given if isinstance(g, Premise))


def check_theorem(
    theorem: Theorem,
    resolve: Resolve,
    report_of: ReportOf,
    *,
    control: bool = True,
    memo: Memo | None = None,
    effort: Effort = NORMAL,
) -> Report:
    """Check a record: hypotheses, steps, tight set, values, points outside the hypotheses, negative control.

    Parameters
    ----------
    theorem : Theorem
        Record.
    resolve, report_of : callable
        Theorem and report of another key.
    control : bool
        Whether to run the negative control.
    memo : Memo, optional
        Store of earlier verdicts.
    effort : Effort
        Budgets.

    Returns
    -------
    Report
    """
    started = time.perf_counter()
    c = Checker(theorem, resolve, report_of, memo, effort)
    start = _hypotheses(c)
    steps: list[StepReport] = [start]
    problems: list[str] = []
    done: Done = {}
    made: list[Proof] = []
    without: list[str] = []
    if start.grade != VACUOUS:
        for ob in _each(c, steps):
            report, bare, proof = _step(c, ob, done)
            steps.append(report)
            without.append(bare)
            if proof is not None and report.grade not in (REFUTED, "open") and ob.role in ("step", "claim"):
                made.append(proof)
            _remember(c, ob, report, bare, done)
        steps += [check_break(theorem, b) for b in theorem.breaks]
        if not any(s.grade == REFUTED for s in steps):
            problems += _refuted_claims(c)
    values, odd = check_values(theorem)
    problems += [*odd, *bound_problems(theorem)]
    problems += _defects(theorem, steps, values)
    control_report, wrong = negative_control(made) if control and not problems else (MutantReport(), [])
    counted = [s.grade for s in steps if s.role not in ("break", "hypotheses")]
    return Report(
        theorem.key,
        theorem.title,
        theorem.area,
        theorem.kind,
        VACUOUS if start.grade == VACUOUS else weakest(counted),
        weakest(without),
        tuple(steps),
        values,
        control_report,
        tuple(dict.fromkeys(x for s in steps for x in s.cited)),
        _uses(theorem, report_of),
        (*problems, *(f"{theorem.key}: {w}" for w in wrong)),
        time.perf_counter() - started,
    )


def _refuted_claims(c: Checker) -> list[str]:
    """Attack every claim once more from its hypotheses alone: facts of its chain must not be able to shield it."""
    out = []
    for claim in c.theorem.claims:
        try:
            problem = prepare(claim, _statement(c)) if isinstance(claim, Rel) else None
            bad = refute(problem, points=48) if problem is not None and refuted(problem, 48) else None
        except (DltsymError, RecursionError):
            continue  # the obligations say why
        if bad is not None:
            out.append(f"{c.theorem.key}: the claim {claim} is refuted at {dict(bad.witness or {})}")
    return out


def _each(c: Checker, steps: list[StepReport]) -> Iterator[Obligation]:
    """Yield the obligations; when they cannot be stated, that is a row of its own, and open."""
    try:
        yield from obligations(c.theorem)
    except (DltsymError, RecursionError) as err:
        verdict = open_("statement", f"{type(err).__name__}: {err}")
        steps.append(replace(_report("the record", "its obligations", verdict, time.perf_counter()), role="claim"))


def _uses(theorem: Theorem, report_of: ReportOf) -> tuple[str, ...]:
    direct = [u.key for chain in theorem.proof for s in chain.steps for u in s.by if isinstance(u, Lemma)]
    for claim in theorem.claims:
        by = getattr(getattr(claim, "proof", None), "by", ())
        direct += [u.key for u in by if isinstance(u, Lemma)]
    out: dict[str, None] = {}
    for key in direct:
        out[key] = None
        try:
            out.update(dict.fromkeys(report_of(key).uses))
        except DltsymError:
            continue  # the step that names it reports why
    return tuple(out)


def _hypotheses(c: Checker) -> StepReport:
    rels = (*c.given, *(p.rel for p in c.premises))
    started = time.perf_counter()
    try:
        problem = prepare(_goal(c), rels)
    except DltsymError as err:
        return _report("hypotheses", "they cannot be read", open_("statement", f"{type(err).__name__}: {err}"), started)
    text = ", ".join(map(str, rels)) or "declared domains"
    point = find_point(problem)
    if point is not None:
        shown = {k: str(v) for k, v in point.items()}
        verdict = Verdict(PROVED, "exact", "balls", 0.0, {}, shown)
        return _report(text, "the hypotheses hold at a point", verdict, started)
    empty = vacuous(problem)
    if empty is not None:
        return _report(text, "no point satisfies the hypotheses", empty, started)
    return _report(text, "no point inside the hypotheses was found", open_("balls", "unknown satisfiability"), started)


def _goal(c: Checker) -> Rel:
    """Return a relation, never read as one, that mentions every scalar and array the claims are about."""
    sides = [p for claim in c.theorem.claims for p in parts(claim) if isinstance(p, Expr | Rel)]
    try:
        found = sorted({s for e in sides for s in free_symbols(expand_lets(e))}, key=lambda s: s.name)
    except RecursionError:
        found = []
    entries = [s[tuple(lo for lo, _ in s.decl.shape)] if s.decl.sort == "array" else s for s in found if not s.decl.uid]
    total = add(Num(Fraction(1)), *entries)
    return Rel(total, "=", total)


def _report(text: str, reason: str, v: Verdict, started: float) -> StepReport:
    seconds = time.perf_counter() - started
    return StepReport(text, reason, v.grade, v.engine, seconds, v.evidence, v.witness, role="hypotheses")


def _facts(c: Checker, ob: Obligation, step: Problem, done: Done) -> tuple[Used, ...]:
    out = []
    for use in ob.by:
        if isinstance(use, Lemma):
            out.append(lemma_fact(use, step, c.theorem.symbols, c.resolve, c.report_of))
        elif use in done:
            if ob.drop:
                raise DltsymError(f"the chain {use!r} rests on every hypothesis; this part of an equivalence may not")
            out.append(done[use])
        else:
            premise = next((p for p in c.premises if p.name == use), None)
            if premise is None:
                raise DltsymError(f"{use!r} is used before the chain of that name")
            if any(same(premise.rel, r) for r in ob.drop):
                raise DltsymError(f"the premise {use!r} states what this part of the equivalence has to prove")
            out.append(premise_fact(premise))
    started_from = [p for p in c.premises if ob.number == 1 and any(same(p.rel, e) for e in ob.extra)]
    return (*out, *(premise_fact(p) for p in started_from if p.name not in ob.by))


def _given(c: Checker, ob: Obligation) -> tuple[Rel, ...]:
    if ob.alone:
        return ob.extra
    return (*(g for g in c.given if not any(same(g, r) for r in ob.drop)), *ob.extra)


def _step(c: Checker, ob: Obligation, done: Done) -> tuple[StepReport, str, Proof | None]:
    started = time.perf_counter()
    problem, used = None, ()
    try:
        problem, used = _stated(c, ob, done)
        verdict = _settled(c, ob, problem, used)
    except (DltsymError, RecursionError) as err:  # a tree may be deeper than Python can walk
        verdict = open_("statement", f"{type(err).__name__}: {err}")
    grade, bare = (verdict.grade, verdict.grade)
    if verdict.status == PROVED:
        grade, bare = grade_with(used, verdict.grade)
    by = ", ".join(str(u) for u in ob.by)
    report = StepReport(
        str(ob.goal),
        " ".join(x for x in (ob.reason, f"[{by}]" if by else "") if x),
        grade,
        verdict.engine,
        time.perf_counter() - started,
        as_written(ob.goal.op, verdict.evidence),
        verdict.witness,
        (*verdict.rows, *(r for u in used for r in u.rows)),
        ob.role,
        ob.chain,
        tuple(x for u in used for x in u.cited),
        ob.number,
        problem.key if problem is not None else "",
    )
    cited = tuple(premise_fact(p).fact for p in c.premises)
    return report, bare, None if problem is None else Proof(problem, verdict.engine, cited, verdict.spent)


def _stated(c: Checker, ob: Obligation, done: Done) -> tuple[Problem, tuple[Used, ...]]:
    base = prepare(ob.goal, _given(c, ob))
    named = [done[u].fact for u in ob.by if isinstance(u, str) and u in done]
    named += [premise_fact(p).fact for p in c.premises if p.name in ob.by]
    used = _facts(c, ob, replace(base, facts=prepare(ob.goal, (), named).facts), done)
    return prepare(ob.goal, _given(c, ob), _unique(u.fact for u in used), ob.hint), used


def _settled(c: Checker, ob: Obligation, problem: Problem, used: tuple[Used, ...]) -> Verdict:
    about = ob.about or (ob.goal, *ob.extra)
    rows, empty = ((), []) if ob.alone else inhabited(problem, about, _statement(c))
    missing = [*(m for u in used for m in u.missing), *empty]
    verdict = open_("lemmas", "; ".join(missing)) if missing else decide(problem, c.effort, c.memo)
    if verdict.status != PROVED:
        return verdict
    if ob.role == "tight" and ob.extra and find_point(problem) is None:
        return open_("balls", "no point of the tight set that satisfies the hypotheses was found")
    grade = weakest([verdict.grade, *(r.grade for r in rows)])
    return replace(verdict, rows=(*verdict.rows, *rows), grade=grade)


def _statement(c: Checker) -> tuple[Rel, ...]:
    return (*c.given, *(p.rel for p in c.premises))


def _unique(facts: object) -> Sequence[Fact]:
    return tuple(dict.fromkeys(facts))  # pyright: ignore[reportArgumentType, reportCallIssue]


def _remember(c: Checker, ob: Obligation, report: StepReport, bare: str, done: Done) -> None:
    """After the last step of a named chain, make its conclusion usable; an unproved one stays open and unusable."""
    chain = next((x for x in c.theorem.proof if x.name and x.name == ob.name), None)
    if chain is None or ob.role not in ("step", "converse"):
        return
    before = done.get((chain.name, "so far"))
    grades = [report.grade] + ([before.fact.grade] if before else [])
    bares = [bare] + ([before.without] if before else [])
    cited = (*(before.cited if before else ()), *report.cited)
    fact = Fact(chain.name, concluded(chain, c.theorem.given), weakest(grades))
    missing = () if fact.grade not in (REFUTED, VACUOUS, "open") else (f"chain {chain.name!r} is {fact.grade}",)
    done[chain.name, "so far"] = Used(fact, weakest(bares), (), cited, (), missing)
    if ob.last:
        done[chain.name] = done[chain.name, "so far"]


def _defects(theorem: Theorem, steps: Sequence[StepReport], values: Sequence[object]) -> list[str]:
    out = []
    for s in steps:
        role = f"{s.chain} step {s.number}".strip() if s.number else s.role
        where = f"{theorem.key}, {role}"
        point = f" at {dict(s.witness)}" if s.witness else ""
        if s.grade in (REFUTED, VACUOUS):
            out.append(f"{where}: {s.relation} is {s.grade}{point}")
        elif s.grade == "open":
            out.append(f"{where}: {s.relation} is open: {s.evidence.get('reason', s.reason)}")
    out += [f"{theorem.key}: {v.defect}" for v in values if not v.ok]  # pyright: ignore[reportAttributeAccessIssue]
    for item in theorem.values:
        out += [f"{theorem.key}: the inputs of value {item.expected}: {r}" for r in outside_domain(theorem, item)]
    return out
