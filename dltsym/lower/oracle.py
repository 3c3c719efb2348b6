"""The ball oracle: certified enclosures of the outputs of a record at exact inputs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dltsym.errors import DomainError
from dltsym.lower.domain import describe
from dltsym.notation.evaluate import evaluate, holds
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Decl, Expr, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.record import Theorem

PRECISIONS = (128, 256, 512, 1024)
TARGET_BITS = 100
X = Sym(Decl("x", "real"))


def exact(value: Any) -> Any:
    """Turn an input into an exact rational, or a narrow ball for constant text such as ``"exp(6)"``.

    Parameters
    ----------
    value : number, text or nested sequence
        Floats count as the dyadic rational they are.

    Returns
    -------
    Fraction, arb or nested tuple
    """
    to_list = getattr(value, "tolist", None)  # numpy and torch arrays, without importing either
    value = to_list() if to_list else value
    if isinstance(value, list | tuple):
        return tuple(exact(x) for x in value)
    try:
        return Fraction(value)
    except ValueError:
        if not isinstance(value, str):
            raise DomainError(f"{value!r} is not a finite number") from None
        return evaluate(parse_expr(value, {}), {}, 2 * PRECISIONS[-1])
    except (TypeError, OverflowError):
        raise DomainError(f"{value!r} is not a finite number") from None


def enclose(theorem: Theorem, outputs: Mapping[str, Expr], symbols: tuple[Sym, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ball for every output.

    Parameters
    ----------
    theorem : Theorem
        Record.
    outputs : mapping of str to Expr
        Outputs.
    symbols : tuple of Sym
        Their inputs.
    given : mapping
        Values by name.

    Returns
    -------
    dict of str to arb

    Raises
    ------
    DomainError
        When an input is outside its domain, or the value is undefined there.
    """
    env = {name: exact(value) for name, value in given.items()}
    for sym in symbols:
        _check(theorem, sym, env[sym.name])
    for rel in theorem.given:
        if isinstance(rel, Rel) and {s.name for s in free_symbols(expand_lets(rel))} <= set(env) and holds(rel, env) is False:
            raise DomainError(f"{theorem.key}: the inputs violate the hypothesis {rel}")
    out = {}
    for name, expr in outputs.items():
        for prec in PRECISIONS:
            out[name] = evaluate(expr, env, prec)
            if out[name].is_finite() and out[name].rel_accuracy_bits() >= TARGET_BITS:
                break
        if not out[name].is_finite():
            raise DomainError(f"{theorem.key}: {name} is undefined at these inputs")
    return out


def _check(theorem: Theorem, sym: Sym, value: Any, place: str = "") -> None:
    if isinstance(value, tuple):
        for k, entry in enumerate(value, 1):
            _check(theorem, sym, entry, f"{place}[{k}]")
        return
    d = sym.decl
    whole = not isinstance(value, Fraction) or value.denominator == 1
    bad = d.sort in ("integer", "index") and not whole
    for bound, op in ((d.lo, "<" if d.lo_open else "<="), (d.hi, ">" if d.hi_open else ">=")):
        if bound is not None and not free_symbols(bound):
            bad = bad or holds(Rel(bound, op, X), {"x": value}) is False
    if bad:
        raise DomainError(f"{theorem.key}: {sym.name}{place} = {value} is outside its domain: {describe(sym)}")
