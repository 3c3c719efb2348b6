"""Outputs that are defined implicitly: rigorous enclosures of a root, tolerances, and gradients.

The residual increases in the unknown. A root in float64 comes from bisection on the numbers themselves; balls at both
sides of it then decide the sign of the residual, which encloses the exact root. A kernel may return any number at which
the residual is 0 up to what rounding does to the residual as written, and round that once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from dltsym.errors import Undecided
from dltsym.implementation import Arithmetic
from dltsym.lower.interpret.model import MODELS
from dltsym.lower.interpret.twin import twin
from dltsym.lower.kernel import Kernel
from dltsym.oracle.gradients import folded
from dltsym.oracle.reference import BALL, PLAIN, Reference, evaluated, prepared
from dltsym.oracle.spec import Spec
from dltsym.oracle.statement import RootKernels
from dltsym.oracle.tolerance import Tolerance, units_of

WIDEST = 40
"""An enclosure is widened to at most 2^40 steps on each side."""


def root_reference(spec: Spec, root: RootKernels, inputs: Mapping[str, Any]) -> Reference:
    """Enclose a root.

    Parameters
    ----------
    spec : Spec
        Statement.
    root : RootKernels
        Residual and bracket.
    inputs : mapping of str to ndarray
        Inputs, in float64.

    Returns
    -------
    Reference
        The level is ``"ball"`` where the sign of the residual was decided on both sides.
    """
    lo, hi = bracket(spec, root, inputs)
    known = _known(spec, root.residual, root.unknown, inputs)
    at = bisected(lambda x: _value(root.residual, {**known, root.unknown: x}), lo, hi)
    if find_spec("flint") is None:
        return Reference({root.name: at}, {root.name: 4 * np.spacing(np.abs(at))}, PLAIN)
    low, high = _narrowed(root, known, *_enclosed(root, known, at, lo, hi))
    with np.errstate(invalid="ignore"):
        value = low + (high - low) / 2
    radius = np.where(low == high, np.spacing(np.abs(value)), (high - low) / 2 + np.spacing(np.abs(value)))
    fine = np.isfinite(radius)
    return Reference({root.name: value}, {root.name: np.where(fine, radius, np.inf)}, BALL if fine.all() else PLAIN)


def bracket(spec: Spec, root: RootKernels, inputs: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends between which a root lies, in the shape of the output.

    Parameters
    ----------
    spec : Spec
        Statement.
    root : RootKernels
        Residual and bracket.
    inputs : mapping of str to ndarray
        Inputs.

    Returns
    -------
    tuple of ndarray
    """
    ends = root.bracket(**prepared(spec, root.bracket, inputs))
    known = _known(spec, root.residual, root.unknown, inputs)
    shape = _shape(root.residual, root.unknown, known)
    width = len(root.residual.final.outputs[0].axes)

    axes = {o.name: len(o.axes) for o in root.bracket.final.outputs}

    def full(end: str) -> np.ndarray:
        x = np.asarray(ends[end], float)
        lacks = width and not axes[end] and x.ndim  # only batch dimensions: a constant end, or a number for each batch
        return np.broadcast_to(x[..., None] if lacks else x, shape).copy()

    return full("lo"), full("hi")


def bisected(f: Callable[[np.ndarray], np.ndarray], lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Find where an increasing function changes sign, to neighbouring float64 numbers.

    Parameters
    ----------
    f : callable
        Function of an array, entry by entry.
    lo, hi : ndarray
        Ends.

    Returns
    -------
    ndarray
        The last number at which the function is not positive; `hi` where it is not positive there.
    """
    left, right = _ordered(lo), _ordered(np.maximum(lo, hi))
    for _ in range(66):
        middle = left + (right - left + 1) // 2
        below = ~(f(_unordered(middle)) > 0)
        left, right = np.where(below, middle, left), np.where(below, right, np.maximum(middle - 1, left))
    return _unordered(left)


def _ordered(x: np.ndarray) -> np.ndarray:
    bits = np.asarray(x + 0.0, np.float64).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def _unordered(k: np.ndarray) -> np.ndarray:
    return np.where(k < 0, np.int64(-(2**63)) - k, k).astype(np.int64).view(np.float64)


def _enclosed(
    root: RootKernels, known: Mapping[str, Any], at: np.ndarray, lo: np.ndarray, hi: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Widen by steps until balls decide the sign on both sides."""
    place, ends = _ordered(at), (_ordered(lo), _ordered(hi))
    low, high = np.full(at.shape, -np.inf), np.full(at.shape, np.inf)
    for power in range(0, WIDEST, 2):
        step = np.int64(2**power if power else 0)
        below, above = np.maximum(place - step, ends[0]), np.minimum(place + step + 1, ends[1])
        for k, out, sign in ((below, low, -1), (above, high, 1)):
            x = _unordered(k)
            open_ = ~np.isfinite(out)
            if open_.any():
                decided = _signs(root.residual, {**known, root.unknown: x}) * sign >= 0
                decided |= (k == ends[0]) if sign < 0 else (k == ends[1])  # the definition says so
                out[open_ & decided] = x[open_ & decided]
        if np.isfinite(low).all() and np.isfinite(high).all():
            break
    return low, high


def _narrowed(
    root: RootKernels, known: Mapping[str, Any], low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Halve enclosures while balls decide, to neighbouring numbers: float64 may lose the root to cancellation."""
    low, high = low.copy(), high.copy()
    open_ = np.isfinite(low) & np.isfinite(high)
    for _ in range(WIDEST + 1):
        with np.errstate(over="ignore"):
            gap = np.where(open_, _ordered(high) - _ordered(low), 0)
        open_ = gap > 1
        if not open_.any():
            break
        middle = np.where(open_, _unordered(_ordered(low) + gap // 2), low)
        sign = np.where(open_, _signs(root.residual, {**known, root.unknown: middle}), np.nan)
        low, high = np.where(sign <= 0, middle, low), np.where(sign >= 0, middle, high)
        open_ &= ~np.isnan(sign)
    return low, high


def _signs(kernel: Kernel, known: Mapping[str, Any]) -> np.ndarray:
    """Return the certain sign of a residual, nan where balls leave it open."""
    try:
        balls = kernel.oracle(**known)
    except Undecided:
        return np.full(_value(kernel, known).shape, np.nan)
    mid, rad = balls.mid(), balls.rad()
    return np.where(np.isnan(mid), np.nan, np.where(np.abs(mid) >= rad, np.sign(mid), np.nan))


def _known(spec: Spec, kernel: Kernel, unknown: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    one = next(i for i in kernel.arguments.inputs if i.name == unknown)
    arguments = replace(kernel.arguments, inputs=tuple(i for i in kernel.arguments.inputs if i is not one))
    return prepared(spec, replace(kernel, arguments=arguments), inputs)


def _shape(kernel: Kernel, unknown: str, known: Mapping[str, Any]) -> tuple[int, ...]:
    ranks = {i.name: (len(i.shape), i.shape) for i in kernel.arguments.inputs}
    lengths = {s: n for name, x in known.items() for s, n in zip(
        ranks[name][1], np.shape(x)[np.ndim(x) - ranks[name][0] :], strict=True)}  # fmt: skip
    batch = np.broadcast_shapes(*(np.shape(x)[: np.ndim(x) - ranks[name][0]] for name, x in known.items()))
    return (*batch, *(lengths[s] for s in ranks[unknown][1]))


def _value(kernel: Kernel, known: Mapping[str, Any]) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(kernel(**known), float)


def root_tolerance(
    spec: Spec, root: RootKernels, inputs: Mapping[str, Any], arithmetic: Arithmetic,
    stored: Mapping[str, str] | None = None,
) -> Tolerance:  # fmt: skip
    """Return how far a computed root may be off: where the residual is 0 up to its rounding, and one rounding.

    Parameters
    ----------
    spec : Spec
        Statement.
    root : RootKernels
        Residual and bracket.
    inputs : mapping of str to ndarray
        Inputs.
    arithmetic : Arithmetic
        Contract.
    stored : mapping of str to str, optional
        Types of results.

    Returns
    -------
    Tolerance
    """
    lo, hi = bracket(spec, root, inputs)
    known, model = _known(spec, root.residual, root.unknown, inputs), units_of(arithmetic)

    def residual(x: np.ndarray) -> np.ndarray:
        return _value(root.residual, {**known, root.unknown: x})

    at = bisected(residual, lo, hi)
    with np.errstate(all="ignore"):
        found = twin(root.written.final, {**known, root.unknown: at}, model)["residual"]
        known_there = np.isfinite(found[0]) & np.isfinite(found[1])
        off = np.where(lo >= hi, 0.0, np.where(known_there, found[1], np.inf))  # no value of the residual, no promise
        least = bisected(lambda x: residual(x) + off, lo, hi)
        most = bisected(lambda x: residual(x) - off, lo, hi)
        io = MODELS[(stored or {}).get(root.name, arithmetic.io if "out" in arithmetic.casts else arithmetic.acc)]
        cast = io.u * np.abs(at) + io.eta / 2 if io.u > model.u else 0.0
        limit = np.maximum(most - at, at - least) + model.unit * np.abs(at) + model.normal + cast
    endless = np.full(at.shape, np.inf)
    name = root.name
    return Tolerance({name: limit}, {name: endless}, {name: limit}, {name: endless}, {})


def root_gradient(
    spec: Spec, root: RootKernels, inputs: Mapping[str, Any], cotangent: np.ndarray, wrt: str, level: str = "auto"
) -> Reference:
    """Differentiate a root by the implicit function theorem: minus the slope by the input over that by the unknown.

    Parameters
    ----------
    spec : Spec
        Statement.
    root : RootKernels
        Residual and bracket.
    inputs : mapping of str to ndarray
        Inputs.
    cotangent : ndarray
        Cotangent of the root.
    wrt : str
        Input.
    level : {"auto", "ball", "sharp", "float64"}
        ``"ball"`` and ``"sharp"`` take the slopes from balls, where every entry of the input belongs to one root.

    Returns
    -------
    Reference
        The gradient is taken at the ends of the enclosure of the root and not on all of it, so the level is
        ``"float64"``.
    """
    at = root_reference(spec, root, inputs)
    shape = np.shape(inputs[wrt])
    if wrt not in root.residual.inputs:
        return Reference({wrt: np.zeros(shape)}, {wrt: np.zeros(shape)}, at.level)
    known = _known(spec, root.residual, root.unknown, inputs)
    x, r = at.values[root.name], at.radius[root.name]
    sharp = level in ("ball", "sharp") and find_spec("flint") is not None and _apart(root, known, wrt)
    slopes, rest = (_balls, 2.0**-49) if sharp else (_value, 2.0**-44)
    ends = bracket(spec, root, inputs)
    places = (x, np.maximum(x - r, ends[0]), np.minimum(x + r, ends[1]))
    value, low, high = (_implicit(root, {**known, root.unknown: y}, cotangent, wrt, slopes) for y in places)
    with np.errstate(all="ignore"):
        off = np.maximum(np.abs(high[0] - value[0]), np.abs(low[0] - value[0]))
        # where the slope may be 0 within the enclosure, the gradient has no bound
        flat = ~(np.minimum(low[1], high[1]) > 0) & (np.asarray(cotangent) != 0)
        off = np.where(flat if flat.shape == off.shape else flat.any(), np.inf, off)
        value, off = folded(value[0], shape), folded(off, shape)
        radius = off + rest * np.abs(value) + 2.0**-1000
    return Reference({wrt: value}, {wrt: np.where(np.isfinite(radius), radius, np.inf)}, PLAIN)


def _apart(root: RootKernels, known: Mapping[str, Any], wrt: str) -> bool:
    """Tell whether an input has an entry for every root, so that no sum of a gradient can cancel."""
    shape = {i.name: i.shape for i in root.residual.arguments.inputs}
    return shape[wrt] == shape[root.unknown] and np.shape(known[wrt]) == _shape(root.residual, root.unknown, known)


def _balls(kernel: Kernel, known: Mapping[str, Any]) -> np.ndarray:
    """Evaluate a slope in balls; nan where they leave more than a few roundings open."""
    found = evaluated(kernel, known, "sharp")
    ((name, value),) = found.values.items()
    return np.where(found.radius[name] <= 2.0**-52 * np.abs(value), value, np.nan)


def _implicit(
    root: RootKernels, given: Mapping[str, Any], cotangent: np.ndarray, wrt: str,
    slopes: Callable[[Kernel, Mapping[str, Any]], np.ndarray] = _value,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return the gradient with all batch dimensions, the slope by the unknown, and what the slope by `wrt` meets."""
    weighted = bool(root.residual.final.outputs[0].axes)
    ones = {"cotangent": np.ones(np.shape(given[root.unknown]))} if weighted else {}
    with np.errstate(all="ignore"):
        slope = slopes(root.residual.grad(root.unknown), {**given, **ones})
        share = -np.asarray(cotangent, float) / slope
        if weighted:
            return slopes(root.residual.grad(wrt), {**given, "cotangent": share}), slope, share
        return share * slopes(root.residual.grad(wrt), given), slope, share


def root_gradient_tolerance(
    spec: Spec, root: RootKernels, inputs: Mapping[str, Any], cotangent: np.ndarray, wrt: str, arithmetic: Arithmetic
) -> Tolerance:
    """Return how far the gradient of a root may be off: both slopes as written, and the allowed error of the root.

    Parameters
    ----------
    spec : Spec
        Statement.
    root : RootKernels
        Residual and bracket.
    inputs : mapping of str to ndarray
        Inputs.
    cotangent : ndarray
        Cotangent of the root.
    wrt : str
        Input.
    arithmetic : Arithmetic
        Contract.

    Returns
    -------
    Tolerance
    """
    model, io = units_of(arithmetic, gradient=True), MODELS[arithmetic.io]
    shape, endless = np.shape(inputs[wrt]), np.full(np.shape(inputs[wrt]), np.inf)
    if wrt not in root.residual.inputs:
        return Tolerance({wrt: np.zeros(shape)}, {wrt: endless}, {wrt: np.zeros(shape)}, {wrt: endless}, {})
    known = _known(spec, root.residual, root.unknown, inputs)
    x = root_reference(spec, root, inputs).values[root.name]
    off = root_tolerance(spec, root, inputs, arithmetic).limit[root.name]
    given = {**known, root.unknown: x}
    value, slope, share = _implicit(root, given, cotangent, wrt)
    moved = [_implicit(root, {**known, root.unknown: y}, cotangent, wrt)[0] for y in (x - off, x + off)]
    ones = {"cotangent": np.ones(x.shape)} if root.residual.final.outputs[0].axes else {}
    with np.errstate(all="ignore"):
        both = [root.written.grad(n) for n in (root.unknown, wrt)]
        low = next(iter(twin(both[0].final, {**given, **ones}, model).values()))[1]
        weight = {"cotangent": share} if ones else {}
        high = next(iter(twin(both[1].final, {**given, **weight}, model).values()))[1]
        high = high if ones else np.abs(share) * high
        limit = high + np.abs(value) * low / np.abs(slope) + model.unit * np.abs(value) + model.normal
        limit = limit + np.maximum(*(np.abs(m - value) for m in moved))
    limit = folded(np.where(np.isnan(limit), np.inf, limit), shape)
    if io.u > model.u and "out" in arithmetic.casts:
        limit = limit + io.u * np.abs(folded(value, shape)) + io.eta / 2
    return Tolerance({wrt: limit}, {wrt: endless}, {wrt: limit}, {wrt: endless}, {})
