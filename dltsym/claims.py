"""Structured claims must be well posed: the rows that are proved have to add up to what is claimed."""

from __future__ import annotations

from collections.abc import Sequence

from dltsym.errors import RecordError
from dltsym.form import image_symbols, symbols_of
from dltsym.notation.tree import Diff, Expr, Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols, subterms
from dltsym.record import Claim, Convex, Gap, Ode, Optimum, Premise, Rate


def check_claim(claim: Claim, given: Sequence[Rel | Premise] = (), symbols: Sequence[Sym] = ()) -> None:
    """Raise unless the rows of a structured claim would add up to it: nothing may depend on what it determines.

    Parameters
    ----------
    claim : Claim
        Claim, read.
    given : sequence of Rel or Premise
        Hypotheses of the record.
    symbols : sequence of Sym
        Symbols of the record.

    Raises
    ------
    RecordError
        Naming the part and the symbol.
    """
    match claim:
        case Optimum():
            _check_optimum(claim, symbols)
            if isinstance(claim.proof, Convex):
                _check_curve(claim, claim.proof, given, symbols)
        case Ode():
            mine = frozenset((claim.unknown, claim.var))
            _free("the solution of the equation", symbols_of(claim.solution), frozenset((claim.unknown,)))
            _free("the start and the initial value", symbols_of(claim.start) | symbols_of(claim.initial), mine)
            found = [t for t in subterms(expand_lets(claim.equation)) if isinstance(t, Diff) and t.var == claim.var]
            _interval(claim.var, given, symbols, "an equation")
            _unmentioned(claim.unknown, given)
            if any(t.order != 1 or isinstance(t.body, Diff) for t in found):
                raise RecordError(
                    f"{claim.equation} is not of first order: one initial value does not fix its solution"
                )
            if not any(claim.unknown in free_symbols(t.body) for t in found):
                raise RecordError(
                    f"{claim.equation} is no differential equation: it has no derivative of "
                    f"{claim.unknown} with respect to {claim.var}"
                )
        case Rate():
            _real(claim.var, "a rate")
            _interval(claim.var, given, symbols, "a rate")
            _free("the exponent of a rate", symbols_of(claim.exponent), frozenset((claim.var,)))


def _interval(var: Sym, given: Sequence[Rel | Premise], symbols: Sequence[Sym], what: str) -> None:
    """Raise unless the hypotheses leave `var` an interval and tie nothing to it: it is differentiated by."""
    d = var.decl
    if (
        d.lo is not None
        and d.hi is not None
        and not (isinstance(d.lo, Num) and isinstance(d.hi, Num) and d.lo.value < d.hi.value)
    ):
        raise RecordError(f"{what} in {var.name} needs an interval of more than one point for it, with numbers as ends")
    for item in given:
        rel = expand_lets(item.rel if isinstance(item, Premise) else item)
        if var in free_symbols(rel):
            raise RecordError(
                f"{what} in {var.name} may not rest on the hypothesis {rel}: bounds belong into its declaration"
            )
    for sym in symbols:
        if any(var in symbols_of(b) for b in _ends(sym)):
            raise RecordError(f"{what} in {var.name}: the bounds of {sym.name} may not depend on it")


def _ends(sym: Sym) -> tuple[Expr, ...]:
    return tuple(b for b in (sym.decl.lo, sym.decl.hi) if b is not None)


def _unmentioned(unknown: Sym, given: Sequence[Rel | Premise]) -> None:
    for item in given:
        rel = expand_lets(item.rel if isinstance(item, Premise) else item)
        if unknown in free_symbols(rel):
            raise RecordError(f"the hypothesis {rel} may not mention {unknown.name}, which the equation determines")


def _free(what: str, found: frozenset[Sym], forbidden: frozenset[Sym]) -> None:
    for sym in sorted(found & forbidden, key=lambda s: s.name):
        raise RecordError(f"{what} may not depend on {sym.name}")


def _real(sym: Sym, what: str) -> None:
    if sym.decl.sort != "real":
        raise RecordError(f"{what} needs a real variable, but {sym.name} is declared as {sym.decl.sort}")


def _check_optimum(claim: Optimum, symbols: Sequence[Sym]) -> None:
    over = frozenset(claim.over)
    for sym in claim.over:
        if sym.decl.sort not in ("real", "integer", "array"):
            raise RecordError(f"an optimum cannot be over {sym.name}, which is declared as {sym.decl.sort}")
    if over != frozenset(claim.at):
        names = ", ".join(sorted(s.name for s in over ^ frozenset(claim.at)))
        raise RecordError(f"at= of an optimum gives a value to each symbol of over= and to no other: see {names}")
    _free("the optimum", image_symbols(claim.at), over)
    _free("the optimal value", symbols_of(claim.value), over)
    for sym in symbols:
        sizes = frozenset().union(*(symbols_of(e) for pair in sym.decl.shape for e in pair))
        _free(f"in an optimum over it, the shape of {sym.name}", sizes, over)
    if not isinstance(claim.proof, Convex | Gap):
        raise RecordError("the proof of an optimum is Convex(...) or Gap(...)")


def _check_curve(claim: Optimum, proof: Convex, given: Sequence[Rel | Premise], symbols: Sequence[Sym]) -> None:
    _real(proof.u, "the curve of an optimum")
    for sym in claim.over:
        _real(sym, "an optimum along a curve")
    if frozenset(proof.param) != frozenset(claim.over):
        raise RecordError("param= of the curve gives each symbol of over= and no other")
    u = frozenset((proof.u,))
    _free("the points of the curve, but for its parameter,", image_symbols(proof.param), frozenset(claim.over))
    _free("the curve's parameter at a point", symbols_of(proof.inverse), u)
    used = [claim.objective, claim.value, *claim.subject_to, *claim.over, *claim.at.values()]
    used += [g.rel if isinstance(g, Premise) else g for g in given]
    _free("objective, constraints and hypotheses", frozenset().union(*map(symbols_of, used)), u)
    ends = [(s, b) for s in symbols for b in (s.decl.lo, s.decl.hi) if b is not None]
    _free(
        "the domain of the curve's parameter",
        frozenset().union(*(symbols_of(b) for s, b in ends if s in u)),
        frozenset(claim.over),
    )
    _free("the domain of another symbol", frozenset().union(*(symbols_of(b) for s, b in ends if s not in u)), u)
