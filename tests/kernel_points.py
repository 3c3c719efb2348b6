"""Random inputs at and near the ends of every declared domain, and the error a kernel may make there."""

import dataclasses
import math
import random
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from dltsym import Scope, catalogue
from dltsym.errors import DomainError
from dltsym.lower.closed.kernel import needed
from dltsym.notation.evaluate import evaluate
from dltsym.notation.tree import Neg, Num, Pow, Sym
from dltsym.notation.walk import expand_lets, subterms
from dltsym.record import Source, Theorem

C = 64  # roundings that one kernel may add up, in units of what one ulp in the inputs does

ANY = (0.0, 1.0, -1.0, 1e-8, -1e-8, 1e4, -1e4, 40.0, -40.0, 710.0, -750.0, 1e-3, 0.5)
POSITIVE = (5e-324, 1e-300, 1e-160, 1e-30, 1e-10, 1e-3, 0.5, 1.0, 2.0, 1e3, 1e10, 5.76e23, 1e100, 1e300)
UNIT = (0.0, 5e-324, 1e-300, 1e-20, 1e-8, 0.3, 0.30000001, 0.5, 0.7, 1 - 1e-8, 1 - 2**-24, 1 - 2**-53, 1.0)
WHOLE = (1, 2, 3, 10, 50257, 2**24, 10**9, 2**53, 10**18)


def _end(bound: Any) -> float | None:
    if isinstance(bound, Neg):
        return -_end(bound.arg)
    return float(bound.value) if isinstance(bound, Num) else None


def draw(sym: Sym, rng: random.Random, dtype: type) -> float:
    """Return one value in the declared domain that the type can hold."""
    d = sym.decl
    lo, hi = _end(d.lo), _end(d.hi)
    while True:
        if d.sort in ("integer", "index"):
            x = float(rng.choice(WHOLE) if rng.random() < 0.5 else rng.randint(1, 40))
        elif lo == 0 and hi == 1:
            x = rng.choice(UNIT) if rng.random() < 0.5 else rng.random()
        elif lo == 0:
            x = rng.choice(POSITIVE) if rng.random() < 0.4 else 10 ** rng.uniform(-3, 3)
        else:
            x = rng.choice(ANY) if rng.random() < 0.4 else rng.choice((-1, 1)) * 10 ** rng.uniform(-3, 2)
        with np.errstate(over="ignore", under="ignore"):
            x = float(dtype(x))
        if sym.name in ("eps", "al", "be") and 0 < x < float(np.finfo(dtype).tiny) * 1e12:
            continue  # score/eps and 1/(al + be) may overflow; the result is then nan
        inside = lo is None or (x > lo if d.lo_open else x >= lo)
        inside = inside and (hi is None or (x < hi if d.hi_open else x <= hi))
        if inside and math.isfinite(x):
            return x


def points(
    theorem: Theorem, outputs: Mapping[str, Any], count: int, dtype: type, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield inputs of some outputs; sizes are at most 5."""
    rng = random.Random(f"{theorem.key} {seed} {dtype.__name__}")
    symbols = needed(theorem, outputs)
    lengths = {hi for s in symbols for _, hi in s.decl.shape if isinstance(hi, Sym)}
    sizes = {s.name for s in lengths}
    symbols = (*sorted(lengths, key=lambda s: s.name), *(s for s in symbols if s not in lengths))
    for _ in range(count):
        env: dict[str, Any] = {}
        for sym in symbols:
            if sym.name in sizes:
                low = max(_end(sym.decl.lo) or 0, 0)
                env[sym.name] = rng.randint(int(low), 5)
            elif sym.decl.sort == "index":
                env[sym.name] = rng.randint(1, env[sym.decl.hi.name])
            elif sym.decl.shape:
                shape = [env[hi.name] if isinstance(hi, Sym) else int(hi.value) for _, hi in sym.decl.shape]
                flat = [draw(sym, rng, dtype) for _ in range(math.prod(shape))]
                env[sym.name] = np.array(flat, dtype).reshape(shape)
            else:
                env[sym.name] = dtype(draw(sym, rng, dtype)) if sym.decl.sort == "real" else draw(sym, rng, dtype)
                if sym.decl.sort == "real" and rng.random() < 0.15:  # nearly equal to another input
                    twin = next((x for x in env.values() if isinstance(x, dtype) and x is not env[sym.name]), None)
                    near = None if twin is None else np.nextafter(twin, dtype(0.5))
                    lo, hi = _end(sym.decl.lo), _end(sym.decl.hi)
                    if near is not None and (lo is None or near > lo) and (hi is None or near < hi):
                        env[sym.name] = near
        yield env


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
    theorem: Theorem, name: str, run: Callable[..., Any], env: Mapping[str, Any], dtype: type
) -> tuple[str, float, float] | None:
    """Return a complaint if a kernel is further from the truth than the conditioning of the problem explains."""
    expr = theorem.outputs[name]
    value = true_value(expr, {k: exact(v) for k, v in env.items()})
    if value is None:
        return None
    try:
        got = float(run(**env))
    except DomainError as err:
        return str(err), math.nan, math.nan
    info = np.finfo(dtype)
    if abs(value) > float(info.max):
        fine = math.isinf(got) and (got > 0) == bool(value > 0)
        fine = fine or abs(value) < float(info.max) * arb(1.001)
        return None if fine else (f"{got} is not infinite", got, float(value.mid()))
    error = abs(arb(got) - value) if math.isfinite(got) else arb("inf")
    if error <= 8 * float(info.eps) * abs(value) + 4 * float(info.smallest_subnormal):
        return None
    limit = allowed(expr, env, value, dtype, theorem.symbols)
    if error <= limit:
        return None
    if not math.isfinite(got) and (abs(value) + limit > float(info.max)):
        return None
    return f"got {got}, true {float(value.mid())}, limit {float(arb(limit).mid()):.3g}", got, float(value.mid())


def unbound(theorem: Theorem) -> Theorem:
    """Return the record without hypotheses, so that random inputs need not satisfy them."""
    return dataclasses.replace(theorem, given=())


torch = pytest.importorskip("torch")
RECORDS = {k: t for k, t in catalogue.load().records.items() if isinstance(t, Theorem) and t.outputs}


def theorem(scope: Scope, title: str = "A title", **outputs: Any) -> Theorem:
    """Return a record that only has a kernel."""
    trees = {name: scope.read(e) for name, e in outputs.items()}
    return Theorem(title, dict(scope.symbols), (), Source("none"), outputs=trees, key="test.record")


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
