"""The ball oracle: certified enclosures of the outputs of a record at exact inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil, floor
from numbers import Real
from typing import Any, cast

from flint import arb, ctx

from dltsym.errors import DltsymError, DomainError
from dltsym.lower.closed.domain import describe, whole
from dltsym.notation.evaluate import evaluate, evaluate_exact, holds
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Decl, Expr, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.record import Theorem

PRECISIONS = (128, 256, 512, 1024, 2048, 4096)
TARGET_BITS = 100
MOST = 4096
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

    Raises
    ------
    DomainError
        When it is not a finite number.
    """
    if isinstance(value, arb):
        if value.is_finite():
            return value
        raise DomainError(f"{value!r} is not a finite number")
    to_list = getattr(value, "tolist", None)  # numpy and torch arrays, without importing either
    value = to_list() if to_list else value
    if isinstance(value, list | tuple):
        return tuple(exact(x) for x in value)
    if isinstance(value, bool) or not isinstance(value, str | Decimal | Real):
        raise DomainError(f"{value!r} is not a number")
    try:
        return Fraction(cast(Any, value))
    except (ValueError, OverflowError, ZeroDivisionError):
        if not isinstance(value, str):
            raise DomainError(f"{value!r} is not a finite number") from None
    try:
        ball = evaluate(parse_expr(value, {}), {}, 2 * PRECISIONS[-1])
    except DltsymError as err:
        raise DomainError(f"{value!r} is not a number: {str(err).splitlines()[0]}") from None
    if not ball.is_finite():
        raise DomainError(f"{value!r} is not a finite number")
    return ball


def enclose(
    theorem: Theorem, outputs: Mapping[str, Expr], symbols: tuple[Sym, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
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
    env = point(theorem, given)
    missing = [s.name for s in symbols if s.name not in env]
    if missing:
        raise DomainError(f"{theorem.key}: missing input {', '.join(missing)}")
    return {name: _sharp(theorem, name, expr, env) for name, expr in outputs.items()}


def point(theorem: Theorem, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs as exact numbers, with the sizes that arrays give, held against domains and hypotheses.

    Parameters
    ----------
    theorem : Theorem
        Record.
    given : mapping
        Values by name.

    Returns
    -------
    dict

    Raises
    ------
    DomainError
        When an input is outside its domain, or they violate a hypothesis; it is named.
    """
    env: dict[str, Any] = {}
    for name, value in given.items():
        try:
            env[name] = exact(value)
        except DomainError as err:
            raise DomainError(f"{theorem.key}: {name}: {err}") from None
    for sym in (s for s in theorem.symbols.values() if s.name in env):
        _shape(theorem, sym, env)
    for sym in (s for s in theorem.symbols.values() if s.name in env):
        _check(theorem, sym, env[sym.name], env)
    rounded = any(_has_float(v) for v in given.values())
    for rel in theorem.given:
        if isinstance(rel, Rel) and _violated(rel, env, rounded):
            raise DomainError(f"{theorem.key}: the inputs violate the hypothesis {rel}")
    return env


def _sharp(theorem: Theorem, name: str, expr: Expr, env: Mapping[str, Any]) -> arb:
    value = evaluate_exact(expr, env) if not any(isinstance(v, arb) for v in env.values()) else None
    target = max(TARGET_BITS, ctx.prec)
    out = arb.nan()
    for prec in (p for p in PRECISIONS if p > target):
        out = evaluate(expr, env, prec)
        if (out.is_finite() and out.rel_accuracy_bits() >= target) or value == 0:
            break
    if not out.is_finite():
        raise DomainError(f"{theorem.key}: {name} is undefined at these inputs")
    return arb(0) if value == 0 else out


def _has_float(value: Any) -> bool:
    to_list = getattr(value, "tolist", None)
    value = to_list() if to_list else value
    return any(map(_has_float, value)) if isinstance(value, list | tuple) else isinstance(value, float)


def _shape(theorem: Theorem, sym: Sym, env: dict[str, Any]) -> None:
    """Check the shape of a value, and take the size of an array from it where none is given."""
    level = [env[sym.name]]
    for axis, (_, size) in enumerate(sym.decl.shape, 1):
        if not all(isinstance(v, tuple) for v in level) or len({len(v) for v in level}) > 1:
            raise DomainError(f"{theorem.key}: {sym.name} must be an array with {len(sym.decl.shape)} axes")
        got = len(level[0]) if level else 0
        wanted = env.setdefault(size.name, Fraction(got)) if isinstance(size, Sym) else evaluate_exact(size, env)
        if wanted is not None and wanted != got:
            raise DomainError(f"{theorem.key}: axis {axis} of {sym.name} has size {got}, but {size} = {_show(wanted)}")
        level = [x for v in level for x in v]
    if any(isinstance(v, tuple) for v in level):
        what = f"an array with {len(sym.decl.shape)} axes" if sym.decl.shape else "one number"
        raise DomainError(f"{theorem.key}: the ball backend takes {what} for {sym.name}")


def _check(theorem: Theorem, sym: Sym, value: Any, env: Mapping[str, Any], place: str = "") -> None:
    if isinstance(value, tuple):
        for k, entry in enumerate(value, 1):
            _check(theorem, sym, entry, env, f"{place}[{k}]")
        return
    d = sym.decl
    bad = whole(sym) and not (isinstance(value, Fraction) and value.denominator == 1)
    for bound, op in ((d.lo, "<" if d.lo_open else "<="), (d.hi, ">" if d.hi_open else ">=")):
        if bound is not None and {s.name for s in free_symbols(expand_lets(bound))} <= env.keys():
            bad = bad or holds(Rel(bound, op, X), {**env, "x": value}) is False
    if bad:
        where = f" for {sym.name}{place}" if place else ""
        raise DomainError(f"{theorem.key}: {describe(sym)}, got {_show(value)}{where}")


def _show(value: Any) -> str:
    """Return a number shortly: exactly if that is short, else in floating point."""
    text = str(value)
    if len(text) <= 24:
        return text
    try:
        return repr(float(value))
    except OverflowError:
        return f"about {arb(value.numerator) / value.denominator}"


def _violated(rel: Rel, env: Mapping[str, Any], rounded: bool) -> bool:
    # Inputs in floating point may miss a hypothesis by rounding. A free index takes every value.
    rel = expand_lets(rel)
    free = sorted((s for s in free_symbols(rel) if s.decl.sort == "index"), key=lambda s: s.name)
    if not {s.name for s in free_symbols(rel)} - {s.name for s in free} <= env.keys():
        return False
    points = list(_points(free, env))
    truths = [holds(rel, p) is not False or (rounded and _near(rel, p)) for p in points]
    return not all(truths)


def _points(free: list[Sym], env: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    ranges = []
    for s in free:
        ends = [None if b is None else evaluate_exact(b, env) for b in (s.decl.lo, s.decl.hi)]
        if ends[0] is None or ends[1] is None or ends[1] - ends[0] > MOST:
            return
        ranges.append(range(ceil(ends[0]), floor(ends[1]) + 1))
    for at in product(*ranges):
        yield {**env, **{s.name: Fraction(k) for s, k in zip(free, at, strict=True)}}


def _near(rel: Rel, env: Mapping[str, Any]) -> bool:
    if rel.op in ("<", ">", "!="):
        return False
    a, b = (evaluate(side, env, 128) for side in (rel.lhs, rel.rhs))
    slack = arb(2) ** -42 * (abs(a) + abs(b))
    return not bool(abs(a - b) > slack)
