"""Lints of parameters and of finished matrices, without any code to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DomainError, DTypeError, ShapeError
from dltsym.lints.family import half_steps as balanced_steps
from dltsym.lints.finding import Fact, Finding, Findings, Untested, found
from dltsym.lints.rows import sums
from dltsym.lints.seen import Item, largest, listed
from dltsym.systems.inputs import count, number, reals
from dltsym.systems.masks import mask_array, support

Array = NDArray[np.float64]
LONG = 10_001
"""Half-steps that are followed."""


@dataclass(frozen=True)
class Parameters:
    """What is known of an attention computation.

    Attributes
    ----------
    weights, plan : array_like, shape (..., n, m), optional
        Matrix of weights, or a transport plan of mass 1.
    scores, prior : array_like, shape (..., n, m), optional
        Raw scores, and what is added to the logits.
    eps, scale : float, optional
        Temperature, and the number that scores are multiplied by besides.
    mask : array_like of bool, shape (n, m), optional
        True where a query may see a key.
    causal, balanced : bool
        Whether later keys are hidden, and whether columns have to carry given masses.
    a, b : array_like, optional
        Masses of queries and keys; equal ones by default.
    half_steps : int, optional
        Half-steps of Sinkhorn's iteration, the first a row step; 1 is softmax.
    potentials : (array_like, array_like), optional
        Potentials f and g that are meant in density form.
    dtype_unit : float
        Largest error of a sum that is allowed.
    """

    weights: Any = None
    plan: Any = None
    scores: Any = None
    prior: Any = None
    eps: float | None = None
    scale: float | None = None
    mask: Any = None
    causal: bool = False
    balanced: bool = False
    a: Any = None
    b: Any = None
    half_steps: int | None = None
    potentials: tuple[Any, Any] | None = None
    dtype_unit: float = 1e-5


def lint_parameters(given: Parameters) -> Findings:
    """Look for mistakes in parameters and matrices.

    Parameters
    ----------
    given : Parameters
        What is known.

    Returns
    -------
    Findings

    Raises
    ------
    DomainError
        For a temperature that is not positive, or shapes that do not agree.
    ShapeError
        For arrays with too few axes.

    Examples
    --------
    >>> lint_parameters(Parameters(eps=0.1, scale=0.125)).lints
    ('L2',)
    >>> lint_parameters(Parameters(plan=[[0.5, 0.5], [0.5, 0.5]])).lints
    ('L4',)
    """  # noqa: DOC502 - raised where each part is read
    given = _checked(given)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not small, and is told
        items: list[Item] = [*_options(given), *_masked(given)]
        if given.plan is not None:
            items += _plan(given, given.plan)
        if given.weights is not None:
            items += _weights(given, given.weights)
        if given.potentials is not None:
            items += _potentials(given)
    return Findings(
        "parameters", tuple(x for x in items if isinstance(x, Finding)),
        tuple(x.text for x in items if isinstance(x, Fact)), tuple(x.text for x in items if isinstance(x, Untested)),
    )  # fmt: skip


def _checked(given: Parameters) -> Parameters:
    """Return parameters as arrays and plain numbers; what they hold may be infinite or nan, which is for the lints."""
    told: dict[str, Any] = {}
    for name in ("weights", "plan", "scores", "prior", "a", "b"):
        if (x := getattr(given, name)) is not None:
            told[name] = reals(x, name)
    for name in ("weights", "plan"):
        if name in told and (told[name].ndim < 2 or 0 in told[name].shape):
            raise ShapeError(f"{name} of shape {told[name].shape}; they need queries and keys, (..., n, m)")
    for name in ("eps", "scale"):
        if (x := getattr(given, name)) is not None:
            told[name] = number(x, name)
    if told.get("eps", 1.0) <= 0:
        raise DomainError(f"eps = {given.eps}; a temperature must be above 0")
    if given.mask is not None:
        told["mask"] = _seen(given.mask)
    if given.half_steps is not None:
        told["half_steps"] = count(given.half_steps, "half_steps", what="the number of half-steps")
    unit = number(given.dtype_unit, "dtype_unit", infinite=True)
    if not unit >= 0:
        raise DomainError(f"dtype_unit = {unit}; an error is not negative")
    return replace(given, **told, dtype_unit=unit)


def _seen(mask: Any) -> Any:
    """Return a mask; 0 and 1 stand for False and True here, and any other number is part of an additive mask."""
    try:
        return mask_array(mask)
    except DTypeError:
        found = reals(mask, "mask")
        if not np.isin(found, (0.0, 1.0)).all():
            raise
        return found == 1


def _options(given: Parameters) -> Iterator[Item]:
    if given.eps is not None and given.scale is not None and given.eps != 1 and given.scale != 1:
        told = f"scores are multiplied by {given.scale:g} and divided by {given.eps:g}"
        yield found("L2", f"{told}: the temperature on raw scores is {given.eps / given.scale:g}")
    if given.half_steps is not None and (given.half_steps < 1 or given.half_steps % 2 == 0):
        yield found("L5", f"{given.half_steps} half-steps end with a column step: no row of weights is exact")
    if given.balanced and given.half_steps == 1:
        yield found("L5", "one half-step is softmax: the masses of the columns never enter")
    if given.causal and given.balanced:
        n = _size(given)
        told = ""
        if n is not None and given.half_steps is not None and given.half_steps > 2 * n * n:
            told = f"; the largest entry beside the diagonal is then about {n * n // 4 / given.half_steps:.3g}"
        yield found("L6", f"causal mask and balanced columns: the only limit is the identity{told}")


def _size(given: Parameters) -> int | None:
    for x in (given.weights, given.plan, given.scores, given.mask):
        if x is not None:
            return int(np.shape(x)[-1])
    return None


def _masked(given: Parameters) -> Iterator[Item]:
    if given.mask is None:
        return
    keep = given.mask
    if keep.ndim != 2 or not keep.size:
        raise DomainError(f"a mask of shape {keep.shape}; it needs queries and keys, (n, m)")
    n, m = keep.shape
    empty, unseen = np.flatnonzero(~keep.any(1)), np.flatnonzero(~keep.any(0))
    if empty.size:
        yield found("L7", f"the queries {listed(empty)} see no key", theorem="audits.masked_row")
    if not given.balanced:
        return
    if unseen.size:
        yield found("L7", f"the keys {listed(unseen)} are seen by no query, and have to carry mass")
    if n == m and n > 1 and np.array_equal(keep, np.tri(n, dtype=bool)) and not given.causal and given.b is None:
        yield found("L6", "the mask is causal and columns are balanced: the only limit is the identity")
    a, b = np.full(n, 1 / n) if given.a is None else given.a, np.full(m, 1 / m) if given.b is None else given.b
    fits = a.shape == (n,) and b.shape == (m,) and 0 < a.sum() < np.inf and abs(a.sum() - b.sum()) <= 1e-9 * a.sum()
    if not fits or (a < 0).any() or (b < 0).any():
        raise DomainError(
            f"masses of shapes {a.shape}, {b.shape} and sums {a.sum():g}, {b.sum():g} do not fit a mask {n}x{m}"
        )
    plans = support(keep, a / a.sum(), b / b.sum())
    dying = int(plans.vanishing.sum())
    if not plans.feasible:
        told = f"at most {plans.carried:.6g} of the mass can be carried"
        yield found("L7", f"no plan on this mask has these marginals: {told}",
                    advice="allow more pairs, or give the column marginal a finite price rho")  # fmt: skip
    elif dying:
        yield found("L7", f"{dying} allowed pairs are in no plan with these marginals: their weights die out, like one "
                    "over the number of iterations", theorem="attention.causal_sinkhorn",
                    advice="take them out of the mask, or give the column marginal a finite price rho")  # fmt: skip


def _plan(given: Parameters, plan: Array) -> Iterator[Item]:
    if not np.isfinite(plan).all():
        yield found("L19", f"{int((~np.isfinite(plan)).sum())} entries of the plan are not finite")
        return
    n, m = plan.shape[-2:]
    mass = plan.sum((-2, -1))
    if largest(mass - n) <= given.dtype_unit * n and n > 1:
        yield found("L4", f"the whole is {listed(mass)} = n: this is attention, n times a plan")
    elif largest(mass - 1) > given.dtype_unit:
        yield found("L19", f"the mass of the plan is {listed(mass)}, not 1: finite numbers, but no plan",
                    advice="solve in the log domain, and look at mass, rows and columns, not at isfinite")  # fmt: skip
    else:
        a, b = _masses(given, n, m)
        row, column = largest(plan.sum(-1) - a), largest(plan.sum(-2) - b)
        yield Fact(f"mass 1, rows off by {row:.2g}, columns by {column:.2g}")
        if row > given.dtype_unit and column <= given.dtype_unit:
            yield found("L5", f"rows are off by {row:.3g}, columns are exact: the last half-step is a column step")
        if given.weights is None and row <= given.dtype_unit and n > 1:
            yield (
                found("L4", "as weights its rows would sum to 1/n: multiply by n before it meets values")
                if _meant(given)
                else Fact("multiply by n to get attention weights")
            )


def _masses(given: Parameters, n: int, m: int) -> tuple[Array, Array]:
    a, b = np.full(n, 1 / n) if given.a is None else given.a, np.full(m, 1 / m) if given.b is None else given.b
    if a.shape[-1:] != (n,) or b.shape[-1:] != (m,):
        raise ShapeError(f"masses of shapes {a.shape} and {b.shape} for {n} queries and {m} keys")
    return a, b


def _fitting_mask(given: Parameters, a: Array) -> Any:
    if given.mask.shape != a.shape[-2:]:
        raise ShapeError(f"a mask of shape {given.mask.shape} for weights of shape {a.shape}")
    return given.mask


def _meant(given: Parameters) -> bool:
    """Tell whether a plan was given alone, so that it is meant as attention."""
    return given.scores is None and not given.balanced and given.half_steps is None


def _weights(given: Parameters, a: Array) -> Iterator[Item]:
    empty = np.zeros(a.shape[-2], bool)
    if given.mask is not None:
        keep = _fitting_mask(given, a)
        empty = ~keep.any(-1)
        hidden = largest(a[..., ~keep]) if (~keep).any() else 0.0
        if hidden > 0:
            yield found("L7", f"hidden pairs have weights up to {hidden:.3g}")
    if not empty.all():
        yield from sums(a[..., ~empty, :], given.dtype_unit)
    if given.scores is not None and given.eps is not None and np.isfinite(a).all():
        yield from _against_scores(given, a)


def _against_scores(given: Parameters, a: Array) -> Iterator[Item]:
    """Hold weights against what scores and temperature give after the half-steps."""
    assert given.eps is not None
    s = given.scores
    if s.shape != a.shape:
        raise DomainError(f"scores of shape {s.shape} and weights of shape {a.shape}; they must be equal")
    if a.ndim != 2:
        yield Untested("weights against scores: one matrix at a time")
        return
    prior = 0.0 if given.prior is None else given.prior
    if np.shape(prior) not in ((), s.shape, s.shape[-1:]):
        raise DomainError(f"prior of shape {np.shape(prior)} and scores of shape {s.shape}; they must be equal")
    keep = None if given.mask is None else given.mask
    wanted = given.half_steps or (201 if given.balanced else 1)
    if not 0 < wanted <= LONG:
        yield Untested(f"weights against scores: {wanted} half-steps are not followed, only 1 to {LONG}")
        return

    def made(x: Array) -> Array:
        return balanced_steps(x, 1.0, wanted, keep=keep)[-1]

    def off(x: Array) -> float:
        return largest(np.nan_to_num(made(x)) - np.nan_to_num(a))

    logits = s / given.eps + prior
    if off(logits) <= 100 * given.dtype_unit:
        yield Fact("the weights are those of the scores")
        return
    if given.prior is not None and off((s + prior) / given.eps) <= 100 * given.dtype_unit:
        yield found("L3", f"the weights are those of (scores + prior)/{given.eps:g}")
    elif given.scale is not None and off(s * given.scale / given.eps + prior) <= 100 * given.dtype_unit:
        yield Fact("the weights are those of scale times scores over eps")
    elif wanted == 1:
        yield found("L2", f"the weights differ by {off(logits):.3g} from softmax of the scores over {given.eps:g}",
                    advice="compare temperature, prior and mask")  # fmt: skip
    else:
        near = [t for t, x in enumerate(balanced_steps(logits, 1.0, 400, keep=keep), 1) if largest(x - a) <= 1e-4]
        told = f"they are those after {near[0]}" if near else f"they differ by {off(logits):.3g}"
        yield found("L5", f"the weights are not those after {wanted} half-steps: {told}")


def _potentials(given: Parameters) -> Iterator[Item]:
    """Say which form of potentials gives a plan of mass 1."""
    if given.scores is None or given.eps is None:
        yield Untested("potentials: give scores and eps too")
        return
    s = given.scores
    if s.ndim != 2 or not s.size:
        raise ShapeError(f"scores of shape {s.shape}; potentials need queries and keys, (n, m)")
    n, m = s.shape
    pair = given.potentials if isinstance(given.potentials, tuple | list) else ()
    if len(pair) != 2:
        raise ShapeError("potentials are two lists, f of the queries and g of the keys")
    f, g = (reals(x, name) for x, name in zip(pair, ("f", "g"), strict=True))
    if f.shape != (n,) or g.shape != (m,):
        raise ShapeError(f"potentials of shapes {f.shape} and {g.shape} for scores of shape {s.shape}")
    a, b = _masses(given, n, m)
    counting = np.exp((f[:, None] + g + s) / given.eps)
    mass, other = float((a[:, None] * b * counting).sum()), float(counting.sum())
    if not abs(mass - 1) <= 1e-3:
        told = (
            "in counting form, P = exp((f + g - C)/eps), it is 1"
            if abs(other - 1) <= 1e-3
            else f"in counting form {other:.4g}"
        )
        yield found("L8", f"in density form the potentials give mass {mass:.4g}; {told}")
