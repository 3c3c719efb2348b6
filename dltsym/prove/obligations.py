"""What has to be proved for a record: the steps of its chains, and the rows that each structured claim asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.calls import diff
from dltsym.notation.tree import Expr, Num, Rel, Sym
from dltsym.notation.walk import expand_lets
from dltsym.prove.problem import declared_bounds
from dltsym.record import Claim, Convex, Derivation, Gap, Lemma, Ode, Optimum, Premise, Rate, Theorem
from dltsym.form import concluded, replace_symbols, same

ZERO = Num(Fraction(0))


@dataclass(frozen=True)
class Obligation:
    """One relation to prove from the hypotheses of the record, `extra` and what `by` names.

    `drop` leaves hypotheses out: ``goal`` those that state the goal itself (the converse of an equivalence starts at a
    hypothesis and must not be proved from it), ``all`` every one (a tight set brings its own, substituted).
    """

    goal: Rel
    reason: str
    by: tuple[str | Lemma, ...] = ()
    hint: str = ""
    role: str = "step"
    chain: str = ""
    number: int = 0
    extra: tuple[Rel, ...] = ()
    drop: str = ""


def obligations(theorem: Theorem) -> Iterator[Obligation]:
    """Yield everything that must be proved for a theorem, in order.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Yields
    ------
    Obligation
    """
    for k, chain in enumerate(theorem.proof, 1):
        yield from chain_steps(chain, chain.name or f"chain {k}" if len(theorem.proof) > 1 else "")
    ends = [concluded(c, theorem.given) for c in theorem.proof if not c.name]
    for claim in theorem.claims:
        if isinstance(claim, Rel):
            if not any(same(e, claim) for e in ends):
                yield Obligation(claim, "directly", role="claim")
        else:
            yield from claim_rows(claim)
    for mapping in theorem.tight:
        yield from tight_rows(theorem, mapping)


def chain_steps(chain: Derivation, label: str) -> Iterator[Obligation]:
    """Yield one obligation per step; an equivalence is two.

    Parameters
    ----------
    chain : Derivation
        Chain.
    label : str
        Shown with each step.

    Yields
    ------
    Obligation
    """
    here = chain.start
    for number, step in enumerate(chain.steps, 1):
        if step.op == "iff":
            yield Obligation(step.to, step.why or "=>", step.by, step.hint, "step", label, number, (here,))
            yield Obligation(here, step.why or "<=", step.by, step.hint, "converse", label, number, (step.to,), "goal")
        else:
            yield Obligation(Rel(here, step.op, step.to), step.why, step.by, step.hint, "step", label, number)
        here = step.to


def claim_rows(claim: Claim) -> Iterator[Obligation]:
    """Yield the rows whose conjunction is a structured claim.

    Parameters
    ----------
    claim : Claim
        Optimum, ODE or rate.

    Yields
    ------
    Obligation
    """
    match claim:
        case Optimum(proof=Convex()):
            yield from _convex(claim, claim.proof)
        case Optimum(proof=Gap()):
            yield from _gap(claim, claim.proof)
        case Ode():
            yield from _ode(claim)
        case Rate():
            yield from _rate(claim)


def _row(goal: Rel, reason: str, **kwargs: Any) -> Obligation:
    return Obligation(goal, reason, role="claim", **kwargs)


def _feasible(claim: Optimum, at: Mapping[Sym, Any], what: str) -> Iterator[Obligation]:
    for rel in claim.subject_to:
        yield _row(replace_symbols(rel, at), f"{what} satisfies the constraint")
    for sym in claim.over:
        for rel in declared_bounds(sym):
            yield _row(replace_symbols(rel, at), f"{what} lies in the domain of {sym.name}")


def _convex(claim: Optimum, proof: Convex) -> Iterator[Obligation]:
    along = replace_symbols(claim.objective, proof.param)
    at_u = {proof.u: replace_symbols(proof.inverse, claim.at)}
    yield from _feasible(claim, proof.param, "the curve")
    for sym in claim.over:
        image = replace_symbols(proof.param[sym], {proof.u: proof.inverse})
        yield _row(Rel(sym, "=", image), f"every feasible {sym.name} is on the curve", extra=tuple(claim.subject_to))
    curved = Rel(diff(along, proof.u, 2), ">" if claim.sense == "min" else "<", ZERO)
    yield _row(curved, f"strictly {'convex' if claim.sense == 'min' else 'concave'} along the curve")
    slope = replace_symbols(_evaluated(diff(along, proof.u)), at_u)
    yield _row(Rel(slope, "=", ZERO), "the slope vanishes at the optimum")
    yield from _feasible(claim, claim.at, "the optimum")
    yield _row(Rel(replace_symbols(claim.objective, claim.at), "=", claim.value), "the optimal value")


def _gap(claim: Optimum, proof: Gap) -> Iterator[Obligation]:
    less, more = (claim.value, claim.objective) if claim.sense == "min" else (claim.objective, claim.value)
    feasible = tuple(claim.subject_to)
    yield _row(Rel(more - less, "=", proof.gap), "distance from the optimum", extra=feasible)
    yield _row(Rel(proof.gap, ">=", ZERO), "it is never negative", by=proof.by, hint=proof.hint, extra=feasible)
    yield from _feasible(claim, claim.at, "the optimum")
    yield _row(Rel(replace_symbols(claim.objective, claim.at), "=", claim.value), "the optimal value")


def _ode(claim: Ode) -> Iterator[Obligation]:
    yield _row(replace_symbols(claim.equation, {claim.unknown: claim.solution}), "the solution satisfies the equation")
    begin = replace_symbols(claim.solution, {claim.var: claim.start})
    yield _row(Rel(begin, "=", claim.initial), "the initial value")


def _rate(claim: Rate) -> Iterator[Obligation]:
    yield _row(Rel(claim.quantity, ">", ZERO), "the quantity is positive")
    elasticity = claim.var * diff(claim.quantity, claim.var) / claim.quantity
    yield _row(Rel(elasticity, "=", claim.exponent), "its elasticity is the exponent")


def _evaluated(expr: Expr) -> Expr:
    return evaluate_derivatives(expand_lets(expr))


def tight_rows(theorem: Theorem, mapping: Mapping[Sym, Any]) -> Iterator[Obligation]:
    """Yield, for a tight set, the equality of both sides of every inequality claim on it.

    Parameters
    ----------
    theorem : Theorem
        Record.
    mapping : dict of Sym to Expr or callable
        Values of symbols.

    Yields
    ------
    Obligation
    """
    for claim in theorem.claims:
        if isinstance(claim, Rel) and claim.op in ("<=", ">="):
            rel = replace_symbols(expand_lets(Rel(claim.lhs, "=", claim.rhs)), mapping)
            given = [g.rel if isinstance(g, Premise) else g for g in theorem.given]
            extra = tuple(replace_symbols(expand_lets(g), mapping) for g in given)
            yield Obligation(rel, "equality on the tight set", role="tight", extra=extra, drop="all")
    for sym, image in mapping.items():
        for bound in declared_bounds(sym) if isinstance(image, Expr) else ():
            rel = replace_symbols(bound, mapping)
            yield Obligation(rel, f"the tight set lies in the domain of {sym.name}", role="tight", drop="all")
