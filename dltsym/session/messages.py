"""What a failing step says: the point, the enclosures, what was tried, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from dltsym.errors import ProofError, SideConditionOpen, StepOpen, StepRefuted, VacuousHypotheses
from dltsym.notation.evaluate import compile_expr
from dltsym.notation.tree import Call, Expr, Index, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, subterms
from dltsym.prove.engines.smt import allowed
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.sample import interval
from dltsym.prove.verdict import PROVED
from dltsym.session.finding import WORDS, Finding, enclosure, gap_text, point_text


def demand(finding: Finding, index: int = 0, doing: str = "") -> Finding:
    """Return a finding that is proved; raise what stands against it otherwise.

    Parameters
    ----------
    finding : Finding
        Finding.
    index : int
        Number of the step, 0 outside a chain.
    doing : str
        What the claim is needed for, outside a chain.

    Returns
    -------
    Finding

    What is not proved raises a `ProofError` of the kind that fits.
    """
    if finding.status == PROVED:
        return finding
    head = f"step {index}, {finding.claim}" if index else f"{doing + ': ' if doing else ''}{finding.claim}"
    kind, lines = _failure(finding)
    notes = [f"  {note}" for note in finding.notes]
    raise kind("\n".join([head, *(f"  {line}" for line in lines), *notes]), finding, index)


def _failure(f: Finding) -> tuple[type[ProofError], list[str]]:
    if f.status == "refuted":
        return StepRefuted, [*_refuted(f)]
    if f.status == "vacuous":
        core = ", ".join(f.verdict.evidence.get("contradiction", ()))
        return VacuousHypotheses, [f"no point satisfies the hypotheses: {core}", "drop one of them"]
    missing = f.verdict.evidence.get("missing")
    if missing:
        return SideConditionOpen, [*(f"not proved: {m}" for m in missing), "add what is meant to given(...)"]
    return StepOpen, [*_open(f)]


# Refuted


def _refuted(f: Finding) -> Iterator[str]:
    yield f"at {point_text(f.witness or {})}:  lhs-rhs {gap_text(f)}"
    plain, shown = [], []
    numbers = _numbers(f)
    facts = {str(u.fact.rel) for u in f.used if u.fact.grade != "cited"}
    for row in f.verdict.evidence.get("hypotheses", ()):
        text = str(row).partition(": ")[0]
        if " := " in str(row):
            shown.append(str(row))
        elif text not in facts:
            (shown if text in numbers else plain).append(numbers.get(text, text))
    certified = [f"{', '.join(plain)} certified"] if plain else []
    rows = [*shown, *certified]
    if rows:
        yield f"hypotheses there: {'; '.join(rows)}"
    free = alone(f)
    if free:
        yield f"from the facts alone: {point_text(free)} is allowed"


def _numbers(f: Finding) -> dict[str, str]:
    """Enclose, at the witness, the sides of hypotheses that call functions."""
    problem: Problem | None = f.extra.get("problem")
    point = {k: Fraction(v) for k, v in (f.witness or {}).items() if "[" not in k and "=" not in str(v)}
    out = {}
    for rel in problem.known if problem else ():
        calls = any(isinstance(t, Call) for t in subterms(rel))
        if calls and {s.name for s in free_symbols(rel)} <= set(point) and _scalar(rel):
            sides = [_side(e, point) for e in (rel.lhs, rel.rhs)]
            out[str(rel)] = f"{rel.lhs}{sides[0]} {rel.op} {rel.rhs}{sides[1]} certified"
    return out


def _scalar(rel: Rel) -> bool:
    return not any(isinstance(t, Index | Sum) for t in subterms(rel))


def _side(e: Expr, point: dict[str, Fraction]) -> str:
    if not any(isinstance(t, Call) for t in subterms(e)):
        return ""
    lo, hi = map(Decimal, interval(compile_expr(e).ball(point)))
    return f" {enclosure(lo, hi, 4)}"


def alone(f: Finding) -> dict[str, str]:
    """Return values that the facts used allow although the claim fails there: what z3 cannot exclude.

    Parameters
    ----------
    f : Finding
        Refuted or open.

    Returns
    -------
    dict of str to str
        Terms to values; a term such as ``kl(q, p)`` has the value that the facts alone allow it. Empty when no fact
        was used or z3 finds none.
    """
    problem: Problem | None = f.extra.get("problem")
    if problem is None or not problem.facts:
        return {}
    terms = sorted(allowed(problem).items(), key=lambda kv: ("(" not in kv[0], kv[0]))
    return {name: str(value) for name, value in terms}


# Open


def _open(f: Finding) -> Iterator[str]:
    evidence = f.verdict.evidence
    if f.status == "tested":
        yield f"{evidence.get('points', 'random')} random points passed, which is no proof"
    elif "tried" not in evidence:
        yield str(evidence.get("reason", "nothing is known"))
    for row in evidence.get("tried", ()):
        yield f"{WORDS.get(row['engine'], row['engine'])}: {row['reason']}"
    free = alone(f)
    if free:
        yield f"from the facts alone: {point_text(free)} is allowed"
    yield f"what would help: {'; '.join(advice(f))}"


def advice(f: Finding) -> list[str]:
    """Return what may help to prove a claim that is open.

    Parameters
    ----------
    f : Finding
        Open finding.

    Returns
    -------
    list of str
    """
    goal = prepare(f.claim).goal
    reals = sorted(s.name for s in free_symbols(goal) if s.decl.sort == "real")
    out = [] if f.named else ["name what it rests on in by= (a hypothesis, thm.NAME, an earlier derivation)"]
    if goal.op in ("<", "<=") and reals:
        out.append(f'say where equality holds, hint="{reals[0]} @ value"')
        loose = [s for s in reals if not _boxed(f, s)]
        out += [f"bounds for {', '.join(loose)}, so that ball arithmetic can cover the domain"] if loose else []
    return [*out, "smaller steps"]


def _boxed(f: Finding, name: str) -> bool:
    """Whether a symbol is bounded by numbers on both sides, by its declaration or a hypothesis."""
    problem: Problem | None = f.extra.get("problem")
    if problem is None:
        return False
    sym = next((s for s in problem.symbols if s.name == name), None)
    low = sym is not None and sym.decl.lo is not None
    high = sym is not None and sym.decl.hi is not None
    for rel in problem.given:
        low |= isinstance(rel.rhs, Sym) and rel.rhs == sym and not free_symbols(rel.lhs)
        high |= isinstance(rel.lhs, Sym) and rel.lhs == sym and not free_symbols(rel.rhs)
    return low and high
