"""What has to be proved for a record: the steps of its chains, and the rows that each structured claim asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dltsym.claims import check_claim
from dltsym.errors import RecordError
from dltsym.form import concluded, replace_symbols, same
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.calls import diff
from dltsym.notation.tree import Decl, Expr, Index, Num, Rel, Sym
from dltsym.notation.walk import T, expand_lets, free_symbols, key
from dltsym.prove.facts import is_integer
from dltsym.prove.problem import bounds_of, declared_bounds
from dltsym.record import Claim, Convex, Derivation, Gap, Lemma, Ode, Optimum, Premise, Rate, Theorem

ZERO = Num(Fraction(0))


@dataclass(frozen=True)
class Obligation:
    """One relation to prove from the hypotheses of the record, `extra` and what `by` names.

    `drop` are relations whose hypotheses are left out: an equivalence may not rest on where its chain starts, nor its
    converse on a hypothesis that states it. With `alone` every hypothesis is left out (a tight set brings its own,
    substituted). `name` is the name of the chain, and `last` marks its last step. `about` is what the chain concludes:
    a symbol that occurs in neither it nor the hypotheses must be proved to have a value.
    """

    goal: Rel
    reason: str
    by: tuple[str | Lemma, ...] = ()
    hint: str = ""
    role: str = "step"
    chain: str = ""
    number: int = 0
    extra: tuple[Rel, ...] = ()
    drop: tuple[Rel, ...] = ()
    alone: bool = False
    name: str = ""
    last: bool = False
    about: tuple[Rel, ...] = ()


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
            yield from claim_rows(claim, theorem)
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
    end = concluded(chain, (here,) if isinstance(here, Rel) else ())  # raises unless the steps compose
    about = (end, here) if isinstance(here, Rel) else (end,)
    for number, step in enumerate(chain.steps, 1):
        of = {"chain": label, "number": number, "name": chain.name, "last": number == len(chain.steps), "about": about}
        how = (step.by, step.hint)
        if step.op == "iff":
            start = (chain.start,) if number > 1 else ()
            yield Obligation(step.to, step.why or "=>", *how, "step", extra=(here,), drop=start, **of)
            both = (chain.start, here)
            yield Obligation(here, step.why or "<=", *how, "converse", extra=(step.to,), drop=both, **of)
        else:
            yield Obligation(Rel(here, step.op, step.to), step.why, *how, "step", **of)
        here = step.to


def claim_rows(claim: Claim, theorem: Theorem) -> Iterator[Obligation]:
    """Yield the rows whose conjunction is a structured claim.

    Parameters
    ----------
    claim : Claim
        Optimum, ODE or rate.
    theorem : Theorem
        Record; its hypotheses must hold at an optimum too.

    Yields
    ------
    Obligation
    """
    check_claim(claim, theorem.given, tuple(theorem.symbols.values()))
    match claim:
        case Optimum(proof=Convex()):
            yield from _convex(plain(claim), claim.proof, theorem)
        case Optimum(proof=Gap()):
            yield from _gap(plain(claim), claim.proof, theorem)
        case Ode():
            yield from _ode(claim)
        case Rate():
            yield from _rate(claim)


def _row(goal: Rel, reason: str, **kwargs: Any) -> Obligation:
    return Obligation(goal, reason, role="claim", **kwargs)


def plain(claim: Optimum) -> Optimum:
    """Return an optimum with let-names expanded and derivatives carried out, so that its symbols can be replaced.

    Parameters
    ----------
    claim : Optimum
        Claim.

    Returns
    -------
    Optimum
    """
    limits = tuple(map(_evaluated, claim.subject_to))
    return replace(claim, objective=_evaluated(claim.objective), value=_evaluated(claim.value), subject_to=limits)


def domain_rows(sym: Sym, mapping: Mapping[Sym, Any]) -> Iterator[Rel]:
    """Yield the declared bounds of a symbol, or of every entry of an array, at its value in `mapping`.

    Parameters
    ----------
    sym : Sym
        Symbol.
    mapping : dict of Sym to Expr or callable
        Values of symbols.

    Yields
    ------
    Rel
    """
    term: Expr = sym  # a name with a dot cannot be declared, so the generic index below is nobody's namesake
    if sym.decl.sort == "array":
        ranges = [(replace_symbols(lo, mapping), replace_symbols(hi, mapping)) for lo, hi in sym.decl.shape]
        term = Index(sym, tuple(Sym(Decl(f"{sym.name}.{k}", "index", lo=a, hi=b)) for k, (a, b) in enumerate(ranges)))
    for rel in bounds_of(term, sym):
        yield replace_symbols(_evaluated(rel), mapping)


def _feasible(claim: Optimum, at: Mapping[Sym, Any], what: str) -> Iterator[Obligation]:
    for rel in claim.subject_to:
        yield _row(replace_symbols(rel, at), f"{what} satisfies the constraint")
    for sym in claim.over:
        for rel in domain_rows(sym, at):
            yield Obligation(rel, f"{what} lies in the domain of {sym.name}", role="domain")


def _attained(claim: Optimum, theorem: Theorem) -> Iterator[Obligation]:
    """Ask that the optimum is a feasible point, under the hypotheses of the record too, and that it has the value."""
    yield from _feasible(claim, claim.at, "the optimum")
    _whole(claim.at)
    known = [_evaluated(g.rel if isinstance(g, Premise) else g) for g in theorem.given]
    known += [_evaluated(b) for s in theorem.symbols.values() if s not in claim.over for b in declared_bounds(s)]
    for rel in known:
        if free_symbols(rel) & frozenset(claim.over) and key(rel) not in map(key, claim.subject_to):
            yield _row(replace_symbols(rel, claim.at), "the optimum satisfies the hypothesis")
    yield _row(Rel(replace_symbols(claim.objective, claim.at), "=", claim.value), "the optimal value")


def _whole(mapping: Mapping[Sym, Any]) -> None:
    for sym, image in mapping.items():
        if sym.decl.sort in ("integer", "index") and not is_integer(image):
            raise RecordError(f"the value of the integer {sym.name} must be an integer, got {image}")


def _convex(claim: Optimum, proof: Convex, theorem: Theorem) -> Iterator[Obligation]:
    param = {s: _evaluated(e) for s, e in proof.param.items()}
    inverse = {proof.u: _evaluated(proof.inverse)}
    along = replace_symbols(claim.objective, param)
    at_u = {proof.u: replace_symbols(inverse[proof.u], claim.at)}
    yield from _feasible(claim, param, "the curve")
    feasible = tuple(claim.subject_to)
    for sym in claim.over:
        image = replace_symbols(param[sym], inverse)
        yield _row(Rel(sym, "=", image), f"every feasible {sym.name} is on the curve", extra=feasible)
    for rel in domain_rows(proof.u, inverse):
        yield _row(rel, f"every feasible point has its {proof.u.name} in range", extra=feasible)
    curved = Rel(diff(along, proof.u, 2), ">" if claim.sense == "min" else "<", ZERO)
    yield _row(curved, f"strictly {'convex' if claim.sense == 'min' else 'concave'} along the curve")
    slope = replace_symbols(_evaluated(diff(along, proof.u)), at_u)
    yield _row(Rel(slope, "=", ZERO), "the slope vanishes at the optimum")
    yield from _attained(claim, theorem)


def _gap(claim: Optimum, proof: Gap, theorem: Theorem) -> Iterator[Obligation]:
    less, more = (claim.value, claim.objective) if claim.sense == "min" else (claim.objective, claim.value)
    feasible = tuple(claim.subject_to)
    yield _row(Rel(more - less, "=", proof.gap), "distance from the optimum", extra=feasible)
    yield _row(Rel(proof.gap, ">=", ZERO), "it is never negative", by=proof.by, hint=proof.hint, extra=feasible)
    yield from _attained(claim, theorem)


def _ode(claim: Ode) -> Iterator[Obligation]:
    # The derivative of the unknown is carried out after the solution stands for it, and only then.
    equation, solution = expand_lets(claim.equation), expand_lets(claim.solution)
    yield _row(replace_symbols(equation, {claim.unknown: solution}), "the solution satisfies the equation")
    begin = replace_symbols(_evaluated(solution), {claim.var: claim.start})
    yield _row(Rel(begin, "=", claim.initial), "the initial value")
    for bound in declared_bounds(claim.var):
        started = replace_symbols(bound, {claim.var: claim.start})
        yield Obligation(started, f"the start lies in the domain of {claim.var}", role="domain")
    for bound in declared_bounds(claim.unknown):
        inside = replace_symbols(bound, {claim.unknown: solution})
        yield Obligation(inside, f"the solution stays in the domain of {claim.unknown}", role="domain")


def _rate(claim: Rate) -> Iterator[Obligation]:
    yield _row(Rel(claim.quantity, ">", ZERO), "the quantity is positive")
    elasticity = claim.var * diff(claim.quantity, claim.var) / claim.quantity
    yield _row(Rel(elasticity, "=", claim.exponent), "its elasticity is the exponent")


def _evaluated(node: T) -> T:
    return evaluate_derivatives(expand_lets(node))


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
    _whole(mapping)
    given = [g.rel if isinstance(g, Premise) else g for g in theorem.given]
    extra = tuple(replace_symbols(_evaluated(g), mapping) for g in given)
    for claim in theorem.claims:
        if isinstance(claim, Rel) and claim.op in ("<=", ">="):
            rel = replace_symbols(_evaluated(Rel(claim.lhs, "=", claim.rhs)), mapping)
            yield Obligation(rel, "equality on the tight set", role="tight", extra=extra, alone=True)
    for sym in mapping:
        for bound in domain_rows(sym, mapping):
            yield Obligation(bound, f"the tight set lies in the domain of {sym.name}", role="tight", alone=True)
