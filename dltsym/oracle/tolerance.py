"""Tolerances, derived from the arithmetic contract and the statement, never typed by hand.

``worst`` is the running worst-case bound of the statement in the arithmetic of the contract, ``twin`` the first-order
magnitude with one unit for the accumulator and one for the storage type, ``limit`` the smaller of both, and ``sigma``
the standard deviation of independent roundings, an alarm bell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from dltsym.errors import DltsymError, UnsupportedError
from dltsym.implementation import Arithmetic
from dltsym.lower.interpret.bound import running
from dltsym.lower.interpret.model import MODELS, Model
from dltsym.lower.interpret.sigma import spread
from dltsym.lower.interpret.twin import twin
from dltsym.lower.interpret.twin_parts import Units
from dltsym.lower.kernel import Kernel
from dltsym.lower.nodes import Node
from dltsym.lower.passes.cells import unfold
from dltsym.lower.passes.rebuild import rewritten
from dltsym.lower.program import Program
from dltsym.oracle.gradients import folded, gradient_of, known_of
from dltsym.oracle.reference import prepared, shapes_of
from dltsym.oracle.spec import Spec
from dltsym.oracle.statement import kernel_of, roots_of

ROUNDINGS = 4.0
"""Roundings of the accumulator that one operation of a statement is charged."""
TWICE = 2.0
"""Roundings that one operation of a statement may cost a kernel in the worst case: a base of 2 makes two of one."""
SINGLE = 2.0**-11
"""Rounding unit of the factors of a product in one pass of ten bits."""
SPLIT = 2.0**-21
"""Relative error of a factor of a product in three passes: what is left of it after two parts, and half of the dropped
product of the second parts."""


@dataclass(frozen=True)
class Tolerance:
    """Allowed errors by result.

    Attributes
    ----------
    limit : dict of str to ndarray
        A larger error fails.
    worst : dict of str to ndarray
        Running worst-case bound; infinite where it promises nothing.
    twin : dict of str to ndarray
        Magnitude in two units.
    sigma : dict of str to ndarray
        Standard deviation, infinite where it is not known.
    unsupported : dict of str to str
        Results without a tolerance, and why.
    """

    limit: dict[str, np.ndarray]
    worst: dict[str, np.ndarray]
    twin: dict[str, np.ndarray]
    sigma: dict[str, np.ndarray]
    unsupported: dict[str, str]


def tolerance(
    spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], arithmetic: Arithmetic,
    stored: Mapping[str, str] | None = None,
) -> Tolerance:  # fmt: skip
    """Return how far a kernel of a given arithmetic may be from the statement.

    Parameters
    ----------
    spec : Spec
        From `spec_of`.
    inputs : mapping of str to array or number
        Exactly what the candidate saw, in float64.
    modes : mapping
        Static choices.
    arithmetic : Arithmetic
        Contract of the kernel.
    stored : mapping of str to str, optional
        Types of results that are not stored in that of the contract, such as statistics in single precision.

    Returns
    -------
    Tolerance
        By output, in the shapes of `reference`.
    """
    return sharpest([_of_form(spec, inputs, modes, one, stored or {}) for one in _claimed(arithmetic)])


def _claimed(arithmetic: Arithmetic) -> list[Arithmetic]:
    """Return a contract once for every form that it vouches for: the one that it names, and the one as written."""
    return [arithmetic, *([replace(arithmetic, form="")] if arithmetic.form else [])]


def _of_form(
    spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], arithmetic: Arithmetic, stored: Mapping[str, str]
) -> Tolerance:
    kernel = kernel_of(spec, modes, arithmetic.form)
    out = Tolerance({}, {}, {}, {}, {})
    if kernel is not None:
        out = _allowed(kernel, prepared(spec, kernel, inputs), arithmetic, stored)
    for root in roots_of(spec, modes, arithmetic.form):
        from dltsym.oracle.roots import root_tolerance

        out = joined(out, root_tolerance(spec, root, inputs, arithmetic, stored))
    return out


def gradient_tolerance(
    spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], cotangents: Mapping[str, Any],
    arithmetic: Arithmetic, stored: Mapping[str, str] | None = None, parts: Sequence[int] = (),
) -> Tolerance:  # fmt: skip
    """Return how far the gradients of a kernel may be off.

    Parameters
    ----------
    spec : Spec
        From `spec_of`.
    inputs : mapping of str to array or number
        Exactly what the candidate saw, in float64.
    modes : mapping
        Static choices.
    cotangents : mapping of str to ndarray
        By output.
    arithmetic : Arithmetic
        Contract of the kernel.
    stored : mapping of str to str, optional
        Types of gradients, by input, that are not stored in that of the contract.
    parts : sequence of int
        Batches, counted from the last, along which the kernel is called part by part. Where an input is the same along
        them each part returns a gradient of its own, rounded to the type; that their sum cancels is not its doing.

    Returns
    -------
    Tolerance
        By input, in its shape. There is no worst case and no deviation of a gradient, both are infinite.
    """
    how = (stored or {}, tuple(parts))
    return sharpest([_gradient_of_form(spec, inputs, modes, cotangents, one, how) for one in _claimed(arithmetic)])


def _gradient_of_form(
    spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], cotangents: Mapping[str, Any],
    arithmetic: Arithmetic, how: tuple[Mapping[str, str], tuple[int, ...]],
) -> Tolerance:  # fmt: skip
    out, (stored, parts) = Tolerance({}, {}, {}, {}, {}), how
    for name in spec.grads:
        if inputs.get(name) is None:
            continue
        try:
            found = _gradient_moved(spec, inputs, modes, cotangents, arithmetic, (name, parts))
        except DltsymError as error:
            out.unsupported[name] = str(error)
            continue
        if found is not None:
            if arithmetic.normalised and name in spec.weights:
                found = found[0], found[1] + _of_normalising(np.asarray(inputs[name]), found[1])
            to = MODELS[stored.get(name, arithmetic.io if "out" in arithmetic.casts else arithmetic.acc)]
            limit, endless = _stored(*found, to, arithmetic), np.full(found[0].shape, np.inf)
            out = joined(out, Tolerance({name: limit}, {name: endless}, {name: limit}, {name: endless}, {}))
    for root in roots_of(spec, modes, arithmetic.form):
        from dltsym.oracle.roots import root_gradient_tolerance

        for name in [n for n in spec.grads if inputs.get(n) is not None and root.name in cotangents]:
            out = joined(out, root_gradient_tolerance(spec, root, inputs, cotangents[root.name], name, arithmetic))
    return out


def sharpest(found: Sequence[Tolerance]) -> Tolerance:
    """Return the smallest of several tolerances, entry by entry.

    A contract that names a form of the statement vouches for more than the statement as written: where the form is
    worse, as one that subtracts may be elsewhere, that is no excuse.

    Parameters
    ----------
    found : sequence of Tolerance
        Tolerances by form.

    Returns
    -------
    Tolerance
    """
    if len(found) == 1:
        return found[0]
    parts: list[dict[str, np.ndarray]] = []
    for pick in (lambda t: t.limit, lambda t: t.worst, lambda t: t.twin, lambda t: t.sigma):
        names = dict.fromkeys(n for t in found for n in pick(t))
        parts.append({n: _least([pick(t)[n] for t in found if n in pick(t)]) for n in names})
    unsupported = {n: why for t in found for n, why in t.unsupported.items() if n not in parts[0]}
    limit, worst, magnitude, sigma = parts
    return Tolerance(limit, worst, magnitude, sigma, unsupported)


def _least(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.min(np.broadcast_arrays(*(np.where(np.isnan(x), np.inf, x) for x in arrays)), axis=0)


def joined(a: Tolerance, b: Tolerance) -> Tolerance:
    """Return two tolerances as one; where both speak of a result, their sum.

    Parameters
    ----------
    a, b : Tolerance
        Tolerances.

    Returns
    -------
    Tolerance
    """
    parts = []
    for x, y in ((a.limit, b.limit), (a.worst, b.worst), (a.twin, b.twin), (a.sigma, b.sigma)):
        parts.append({n: x.get(n, 0.0) + y.get(n, 0.0) for n in {**x, **y}})
    return Tolerance(*parts, {**a.unsupported, **b.unsupported})


def _gradient_moved(
    spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], cotangents: Mapping[str, Any],
    arithmetic: Arithmetic, wrt: tuple[str, tuple[int, ...]],
) -> tuple[np.ndarray, np.ndarray] | None:  # fmt: skip
    """Return a gradient and its first-order error, output by output: a backward pass may treat each by itself."""
    name, parts = wrt
    whole: tuple[Any, Any] = (0.0, 0.0)
    shape, units = np.shape(inputs[name]), units_of(arithmetic, gradient=True)
    value, off, size, found = np.zeros(shape), np.zeros(shape), np.zeros(shape), 0
    for output in sorted(cotangents):
        kernel = gradient_of(spec, modes, (output,), name, "as_written", arithmetic.form)
        if kernel is None:
            continue
        known, found = known_of(spec, kernel, inputs, {output: cotangents[output]}), found + 1
        with np.errstate(all="ignore"):
            ((key, pair),) = twin(kernel.final, known, units).items()
            full = [np.broadcast_to(x, shapes_of(kernel, known)[key]) for x in pair]
            whole = (whole[0] + full[0], whole[1] + full[1])
            v, e = (folded(x, shape) for x in full)
            value, off, size = value + v, off + e, size + np.abs(v)
    if not found:
        return None
    rank = next(len(i.axes) for i in spec.inputs if i.name == name)
    narrow = MODELS[arithmetic.io].u > MODELS[arithmetic.acc].u
    split = _of_parts(*whole, shape, (rank, parts), MODELS[arithmetic.io]) if parts and narrow else 0.0
    return value, off + (units.unit * size if found > 1 else 0.0) + split


def _of_parts(
    v: np.ndarray, e: np.ndarray, shape: tuple[int, ...], how: tuple[int, Sequence[int]], to: Model
) -> np.ndarray | float:
    """Return what the roundings of the parts add up to: sums over the other batches are the candidate's own."""
    rank, parts = how
    batch = v.ndim - rank
    own = (1,) * (v.ndim - len(shape)) + tuple(shape)
    shared = [k for k in range(batch) if own[k] == 1 and v.shape[k] > 1]
    if not any(k - batch in parts for k in shared):
        return 0.0
    inner = tuple(k for k in shared if k - batch not in parts)
    v, e = (x.sum(inner, keepdims=True) for x in (v, e))
    return folded(half_step(np.abs(v) + e, to), shape)


def _of_normalising(x: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Return what comes on top where log weights x are normalised first."""
    # The gradient g by normalised weights becomes g - w sum g with w = softmax x. The sum is off by the errors of all
    # its entries, and rounded: at most that much again, as every entry was charged a rounding of its magnitude.
    with np.errstate(all="ignore"):
        w = np.exp(x - x.max(-1, keepdims=True, initial=-np.inf))
        w = w / w.sum(-1, keepdims=True)
        return np.where(w > 0, 2 * w * e.sum(-1, keepdims=True), 0.0)  # no weight at all: there is no gradient


def _stored(v: np.ndarray, e: np.ndarray, to: Model, arithmetic: Arithmetic) -> np.ndarray:
    """Add the rounding of a result to the type that it is stored in; what that type may not hold is not judged."""
    near = np.where(np.isfinite(v), np.abs(v), 0.0)
    with np.errstate(all="ignore"):
        cast = np.where(near + e > 0, half_step(near + e, to), 0.0) if to.u > MODELS[arithmetic.acc].u else 0.0
        return np.where(near + e > to.top * (1 - to.u), np.inf, e + cast)


def model_of(arithmetic: Arithmetic) -> Model:
    """Return the error model of a contract.

    Parameters
    ----------
    arithmetic : Arithmetic
        Contract.

    Returns
    -------
    Model
    """
    acc, io = MODELS[arithmetic.acc], MODELS[arithmetic.io]
    gemm = {"ieee": 0.0, "tf32": SINGLE, "tf32x3": SPLIT}[arithmetic.dot] if arithmetic.acc == "float32" else 0.0
    sums = {"tree": "pairwise"}.get(arithmetic.reductions, arithmetic.reductions)
    least = acc.eta / (2 * acc.u)  # any result may be flushed to zero
    return replace(
        acc, u=TWICE * acc.u, u_a=TWICE * acc.u, eta=least, eta_a=least, sums=sums, promised=True,
        block=arithmetic.block, gemm=gemm, weights=io.u if "P" in arithmetic.casts and io.u > acc.u else 0.0,
    )  # fmt: skip


def units_of(arithmetic: Arithmetic, *, gradient: bool = False) -> Units:
    """Return what operations and casts of a contract cost in the magnitude twin.

    Parameters
    ----------
    arithmetic : Arithmetic
        Contract.
    gradient : bool
        Whether the program is a gradient.

    Returns
    -------
    Units
    """
    acc, io = MODELS[arithmetic.acc], MODELS[arithmetic.io]
    unit, narrow = ROUNDINGS * acc.u, io.u > acc.u
    split = {"ieee": 0.0, "tf32": 2 * SINGLE, "tf32x3": 4 * unit}[arithmetic.dot]
    return Units(
        acc.u, acc.u, acc.eta, acc.eta, acc.top, acc.top, unit=unit,
        cast=io.u if narrow else 0.0, least=io.eta / 2 if narrow else 0.0, sites=frozenset(arithmetic.casts),
        factors=split if arithmetic.acc == "float32" else 0.0, normal=acc.eta / (2 * acc.u),
        exp=max(1.0, arithmetic.exp_ulp / 2), log=max(1.0, arithmetic.log_ulp / 2), gradient=gradient,
    )  # fmt: skip


def _allowed(kernel: Kernel, known: Mapping[str, Any], arithmetic: Arithmetic, stored: Mapping[str, str]) -> Tolerance:
    program = kernel.final if arithmetic.form else _plain(kernel)
    model, shapes = model_of(arithmetic), shapes_of(kernel, known)
    out = Tolerance({}, {}, {}, {}, {})
    with np.errstate(all="ignore"):
        bound = _or_none(running, program, known, model)
        spreads = _or_none(spread, program, known, model)
        for name, pair in twin(program, known, units_of(arithmetic)).items():
            v, e = (np.broadcast_to(x, shapes[name]) for x in pair)
            to = MODELS[stored.get(name, arithmetic.io if "out" in arithmetic.casts else arithmetic.acc)]
            near, narrow = np.where(np.isfinite(v), np.abs(v), 0.0), to.u > MODELS[arithmetic.acc].u
            r = np.broadcast_to(bound[name][1] if bound else np.inf, v.shape)
            step = np.where(np.isfinite(r) & (r > 0), half_step(near + r, to), 0.0) if narrow else 0.0
            w = np.broadcast_to(spreads[name][1] if spreads else np.inf, v.shape)
            out.worst[name], out.twin[name] = r + step, _stored(v, e, to, arithmetic)
            out.sigma[name] = np.sqrt(w + np.square(step) / 3)
            out.limit[name] = np.where(np.isinf(out.twin[name]), np.inf, np.minimum(out.worst[name], out.twin[name]))
    return out


@lru_cache(maxsize=256)
def _plain(kernel: Kernel) -> Program:
    """Undo what the compiler reads as the difference of a logit and a log-sum-exp: as written, both are rounded."""
    table = kernel.final.table

    def rule(node: Node) -> Node:
        return unfold(table, node) if node.op in ("log_softmax", "cross_entropy") else node

    return rewritten(kernel.final, rule, "as written")


def half_step(size: np.ndarray, to: Model) -> np.ndarray:
    """Return half the distance of neighbouring numbers of a type: what one rounding to nearest is off by, at most.

    Parameters
    ----------
    size : ndarray
        Absolute values.
    to : Model
        Type.

    Returns
    -------
    ndarray
    """
    finite = np.where(np.isfinite(size), size, to.top)
    return np.maximum(np.ldexp(to.u, np.frexp(finite)[1] - 1), to.eta / 2)


def _or_none(model: Callable[..., Any], *args: Any) -> Any:
    """Evaluate an error model that may have no rule for some operation; the twin has to have one."""
    try:
        return model(*args)
    except UnsupportedError:
        return None
