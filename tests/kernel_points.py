"""Random inputs at and near the ends of every declared domain, and the error a kernel may make there."""

import dataclasses
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from flint import arb

from dltsym import Scope, catalogue
from dltsym.errors import DomainError
from dltsym.lower.closed.kernel import needed
from dltsym.notation.evaluate import evaluate, evaluate_exact
from dltsym.notation.tree import Call, Num, Pow, Sum, Sym
from dltsym.notation.walk import expand_lets, free_symbols, subterms
from dltsym.record import Source, Theorem

C = 64  # roundings that one kernel may add up, in units of what one ulp in the inputs does

ANY = (0.0, 1.0, -1.0, 1e-8, -1e-8, 1e4, -1e4, 40.0, -40.0, 710.0, -750.0, 1e-3, 0.5)
POSITIVE = (5e-324, 1e-300, 1e-160, 1e-30, 1e-10, 1e-3, 0.5, 1.0, 2.0, 1e3, 1e10, 5.76e23, 1e100, 1e300)
UNIT = (0.0, 5e-324, 1e-300, 1e-20, 1e-8, 0.3, 0.30000001, 0.5, 0.7, 1 - 1e-8, 1 - 2**-24, 1 - 2**-53, 1.0)
HUGE = (1e14, 1e16, 1e17, 1e18, 1e20, -1e16, -1e18, -1e20, 1.0, 0.0)
"""Scores of which the unit in the last place is about 1, or far more; in single precision times `SINGLE`."""
SINGLE = 2.0**-29
WHOLE = (1, 2, 3, 10, 50257, 2**24, 10**9, 2**53, 10**18)


def _end(bound: Any, env: Mapping[str, Any]) -> float | None:
    """Return an end of a range at drawn inputs; None where there is none, or it has no value there."""
    value = None if bound is None else evaluate_exact(expand_lets(bound), {k: exact(x) for k, x in env.items()})
    return None if value is None else float(value)


class EmptyRange(Exception):
    """A symbol has no value at what is drawn before it, such as a place below ``n - 1`` where n is 1."""


def draw(sym: Sym, rng: random.Random, dtype: type, env: Mapping[str, Any]) -> float:
    """Return one value in the declared domain that the type can hold."""
    d = sym.decl
    lo, hi = _end(d.lo, env), _end(d.hi, env)
    if lo is not None and hi is not None and hi < lo:
        raise EmptyRange(sym.name)
    while True:
        if d.sort in ("integer", "index") and hi is not None:
            low = 1 if lo is None else int(lo)
            x = float(rng.choice((low, int(hi))) if rng.random() < 0.4 else rng.randint(low, int(hi)))
        elif d.sort in ("integer", "index"):
            x = float(rng.choice(WHOLE) if rng.random() < 0.5 else rng.randint(1, 40))
        elif lo == 0 and hi == 1:
            x = rng.choice(UNIT) if rng.random() < 0.5 else rng.random()
        elif lo is not None and hi is not None:
            x = rng.choice((lo, hi)) if rng.random() < 0.2 else lo + (hi - lo) * rng.random()
        elif lo == 0:
            x = rng.choice(POSITIVE) if rng.random() < 0.4 else 10 ** rng.uniform(-3, 3)
        else:
            x = rng.choice(ANY) if rng.random() < 0.4 else rng.choice((-1, 1)) * 10 ** rng.uniform(-3, 2)
        with np.errstate(over="ignore", under="ignore"):
            x = float(dtype(x))
        if sym.name in ("eps", "al", "be") and 0 < x < float(np.finfo(dtype).tiny) * 1e12:
            continue  # score/eps and 1/(al + be) may overflow; the result is then nan
        if _inside(sym, x, lo, hi) and math.isfinite(x):
            return x


def _inside(sym: Sym, x: float, lo: float | None, hi: float | None) -> bool:
    d = sym.decl
    low = lo is None or (x > lo if d.lo_open else x >= lo)
    return low and (hi is None or (x < hi if d.hi_open else x <= hi))


def _ordered(symbols: Iterable[Sym]) -> list[Sym]:
    """Return symbols, each after what its range and its shape are made of."""
    out: dict[str, Sym] = {}

    def visit(sym: Sym) -> None:
        ends = (sym.decl.lo, sym.decl.hi, *(e for pair in sym.decl.shape for e in pair))
        below = {s for e in ends if e is not None for s in free_symbols(expand_lets(e))}
        for s in sorted(below, key=lambda s: s.name):
            if s.name not in out:
                visit(s)
        out[sym.name] = sym

    for sym in symbols:
        if sym.name not in out:
            visit(sym)
    return list(out.values())


def drawn_huge(sym: Sym, rng: random.Random, dtype: type, env: Mapping[str, Any]) -> float:
    """Return what `draw` does, but mostly huge scores and a tiny temperature."""
    d, unit = sym.decl, 1.0 if dtype is np.float64 else SINGLE
    if d.lo is None and d.hi is None and (not d.shape or d.entries == "real") and rng.random() < 0.7:
        return float(dtype(rng.choice(HUGE) * unit))
    if sym.name in ("eps", "tau") and rng.random() < 0.7:
        return float(dtype(rng.choice((1e-12, 1e-14, 1e-16, 1e-17, 1e-18)) / unit))
    return draw(sym, rng, dtype, env)


def points(
    theorem: Theorem,
    outputs: Mapping[str, Any],
    count: int,
    dtype: type,
    seed: int = 0,
    drawn: Callable[..., float] = draw,
) -> Iterator[dict[str, Any]]:
    """Yield inputs of some outputs; sizes are at most 5, and ranges may depend on what is drawn before."""
    rng = random.Random(f"{theorem.key} {seed} {dtype.__name__}")
    symbols = needed(theorem, outputs)
    shapes = {s: free_symbols(hi) for s in symbols for _, hi in s.decl.shape}
    ends = {s: free_symbols(s.decl.hi) for s in symbols if s.decl.sort == "index" and s.decl.hi is not None}
    trees = [t for e in outputs.values() for t in subterms(expand_lets(e)) if isinstance(t, Sum)]
    spans = [free_symbols(hi) - {v for v, _, _ in t.limits} for t in trees for _, _, hi in t.limits]
    counted = (s for found in (*shapes.values(), *ends.values(), *spans) for s in found)
    sizes = {s.name: s for s in counted if s.decl.sort == "integer"}
    lengths = [sizes[name] for name in sorted(sizes)]
    places = frozenset().union(*ends.values())
    every = _ordered([*lengths, *(s for s in symbols if s.name not in sizes)])
    for _ in range(count):
        while True:
            try:
                env = _point(every, sizes, places, partial(drawn, rng=rng, dtype=dtype), rng, dtype)
                break
            except EmptyRange:
                continue
        yield env


def _point(
    every: Iterable[Sym],
    sizes: Mapping[str, Sym],
    places: frozenset[Sym],
    one: Callable[..., float],
    rng: random.Random,
    dtype: type,
) -> dict[str, Any]:
    """Return values of symbols, drawn one after the other."""
    env: dict[str, Any] = {}
    for sym in every:
        if sym.name in sizes:
            env[sym.name] = rng.randint(int(max(_end(sym.decl.lo, env) or 0, sym in places)), 5)
        elif sym.decl.shape:
            shape = [int(_end(hi, env) or 0) for _, hi in sym.decl.shape]
            flat = [one(sym, env=env) for _ in range(math.prod(shape))]
            kind = {"bool": bool, "integer": np.int64}.get(sym.decl.entries, dtype)
            env[sym.name] = np.array(flat, dtype).reshape(shape).astype(kind)
        else:
            x = one(sym, env=env)
            env[sym.name] = dtype(x) if sym.decl.sort == "real" else int(x) if sym.decl.sort == "index" else x
            if sym.decl.sort == "real" and rng.random() < 0.15:  # nearly equal to another input
                twin = next((x for x in env.values() if isinstance(x, dtype) and x is not env[sym.name]), None)
                near = None if twin is None else np.nextafter(twin, dtype(0.5))
                lo, hi = _end(sym.decl.lo, env), _end(sym.decl.hi, env)
                if near is not None and (lo is None or near > lo) and (hi is None or near < hi):
                    env[sym.name] = near
    return env


def exact(x: Any) -> Any:
    """Return the exact value of inputs."""
    many = isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.ndim)
    return tuple(map(exact, x)) if many else Fraction(float(x))


def true_value(expr: Any, env: Mapping[str, Any]) -> arb | None:
    """Return a sharp enclosure; None where the output is not defined."""
    out = arb.nan()
    for prec in (192, 512, 1500, 4000):
        out = evaluate(expr, env, prec)
        if out.is_finite() and (out.rel_accuracy_bits() > 90 or (abs(out) < arb(2) ** -1200)):
            return out
    return out if out.is_finite() and out.rel_accuracy_bits() > 60 else (arb(0) if out.is_finite() else None)


def _neighbours(env: Mapping[str, Any], dtype: type, symbols: Mapping[str, Sym]) -> Iterator[dict[str, Any]]:
    for name, x in env.items():
        if symbols[name].decl.sort in ("integer", "index"):
            continue
        array = np.asarray(x, dtype)
        for at in np.ndindex(array.shape):
            for end in (np.inf, -np.inf):
                moved = array.copy()
                moved[at] = np.nextafter(array[at], dtype(end))
                yield {name: exact(moved)} | {k: v for k, v in env.items() if k != name}


def allowed(expr: Any, env: Mapping[str, Any], value: arb, dtype: type, symbols: Mapping[str, Sym]) -> float:
    """Return ``C`` times the unit roundoff of the value plus what one ulp in each input does to it."""
    info = np.finfo(dtype)
    total = arb(0)
    changes: list[arb] = []
    exact_env = {k: exact(v) for k, v in env.items()}
    for moved in _neighbours(env, dtype, symbols):
        other = true_value(expr, {k: v if isinstance(v, Fraction | tuple) else exact_env[k] for k, v in moved.items()})
        if other is not None:
            changes.append(abs(other - value))
    for a, b in zip(changes[::2], changes[1::2], strict=False):
        total += a if a > b else b
    powers = any(isinstance(t, Pow) and not isinstance(t.exponent, Num) for t in subterms(expand_lets(expr)))
    logs = C + (4 * _logs(env) if powers else 0)
    return C * total + logs * float(info.eps) * abs(value) + 8 * float(info.smallest_subnormal)


def _logs(env: Mapping[str, Any]) -> float:
    """Return what the last bit of a computed exponent counts for: the sizes of the logarithms of the bases."""
    return sum(abs(math.log(float(x))) for x in env.values() if np.ndim(x) == 0 and x > 0)


def compare(
    theorem: Theorem, name: str, run: Callable[..., Any], env: Mapping[str, Any], dtype: type, promise: float = 0.0
) -> tuple[str, float, float] | None:
    """Return a complaint if a kernel is further from the truth than its promise and the conditioning explain.

    An infinite promise excuses what is no number; a number that is wrong is never excused.
    """
    expr = theorem.outputs[name]
    value = true_value(expr, {k: exact(v) for k, v in env.items()})
    if value is None:
        return None
    try:
        got = float(run(**env))
    except DomainError as err:
        return str(err), math.nan, math.nan
    if not any(isinstance(x, np.floating | np.ndarray) for x in env.values()):
        dtype = np.float64  # whole numbers alone are computed with in double precision
    info = np.finfo(dtype)
    if abs(value) > float(info.max):
        fine = math.isinf(got) and (got > 0) == bool(value > 0)
        fine = fine or abs(value) < float(info.max) * arb(1.001)
        fine = fine or (promise == math.inf and not math.isfinite(got))
        return None if fine else (f"{got} is not infinite", got, float(value.mid()))
    error = abs(arb(got) - value) if math.isfinite(got) else arb("inf")
    if error <= 8 * float(info.eps) * abs(value) + 4 * float(info.smallest_subnormal):
        return None
    limit = allowed(expr, env, value, dtype, theorem.symbols)
    if error <= limit or (error <= promise and not (promise == math.inf and math.isfinite(got))):
        return None
    if not math.isfinite(got) and (abs(value) + limit > float(info.max)):
        return None
    return (
        f"got {got}, true {float(value.mid())}, limit {float(arb(limit).mid()):.3g}, promised {promise:.3g}",
        got,
        float(value.mid()),
    )


def unbound(theorem: Theorem) -> Theorem:
    """Return the record without hypotheses, so that random inputs need not satisfy them."""
    return dataclasses.replace(theorem, given=())


torch = pytest.importorskip("torch")
RECORDS = {k: t for k, t in catalogue.load().records.items() if isinstance(t, Theorem) and t.outputs}


def theorem(scope: Scope, title: str = "A title", **outputs: Any) -> Theorem:
    """Return a record that only has a kernel."""
    trees = {name: scope.read(e) for name, e in outputs.items()}
    return Theorem(title, dict(scope.symbols), (), Source("none"), outputs=trees, key="test.record")


def special(record: Theorem, name: str, which: str) -> bool:
    """Tell whether torch lacks a function of an output (Ei, I of any order), which its kernel says by name."""
    found = {t.name for t in subterms(expand_lets(record.outputs[name])) if isinstance(t, Call)}
    return which.startswith("torch") and bool(found & {"ei", "bessel_i", "bessel_ie"})


def runner(record: Theorem, name: str, which: str) -> Callable[..., Any]:
    """Return a kernel that takes the inputs of `kernel_points`; for torch as tensors of their type."""
    backend = which.split("-")[0]
    run = record.kernel(backend, name)
    if backend == "numpy":
        return run

    def tensors(**env: Any) -> Any:
        arrays = {k: torch.tensor(np.asarray(v)) for k, v in env.items() if isinstance(v, np.generic | np.ndarray)}
        return run(**env | arrays)

    return tensors


def promised(record: Theorem, name: str, which: str) -> Callable[[Mapping[str, Any], type], float]:
    """Return the derived bound of the rounding error of an output, compiled as a tensor kernel.

    A closed kernel has no bound of its own, but may not be worse than that of the same formula.
    """
    kernel = record.kernel(which.split("-")[0], name)

    def bound(env: Mapping[str, Any], dtype: type) -> float:
        if special(record, name, "torch"):
            return 0.0
        whole = {k: int(x) for k, x in env.items() if record.symbols[k].decl.sort in ("integer", "index")}
        try:
            found = float(kernel.bound(np.dtype(dtype).name, **{**env, **whole}))
        except DomainError:  # a power of a count that no float holds
            found = math.inf
        if kernel.lowered is None:  # extended exponents: overflow on the way is no excuse
            return found if math.isfinite(found) else 0.0
        return math.inf if math.isnan(found) else found

    return bound
