"""What is known of a function before the detectors look: its weights on two ordinary inputs, and their family."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DltsymError
from dltsym.lints.family import Fit, fit, remainder
from dltsym.lints.finding import Fact, Finding, Untested, found
from dltsym.lints.subject import Array, Failed, Sizes, Subject, draw, scores

Item = Finding | Fact | Untested
TOLERANCES = {"float64": 1e-6, "float32": 3e-5}
"""Errors of a row sum that rounding and a stopping rule explain; 3e-2 for half precision."""
SHAPES = ((5, 7, 4, 7), (5, 7, 7, 7), (6, 6, 4, 6), (6, 6, 6, 6))
BATCHES = ((2,), (2, 3), ())


class Unusable(DltsymError):
    """The function cannot be judged further; it carries what was found."""

    def __init__(self, *items: Item) -> None:
        super().__init__(str(items[0]))
        self.items = items


@dataclass(frozen=True)
class Seen:
    """What is known of a function.

    Attributes
    ----------
    subject : Subject
        Function, with sizes that it works for.
    probes : tuple of mapping
        Two ordinary inputs.
    weights : tuple of ndarray
        Weights for them.
    tolerance : float
        Error of a row sum that rounding explains.
    fit : Fit or None
        Temperature, where scores enter as they do in softmax and Sinkhorn attention.
    fixed : bool
        Whether what the scores leave of the logarithms is the same for both inputs: priors, positions, masks.
    """

    subject: Subject
    probes: tuple[dict[str, Array], dict[str, Array]]
    weights: tuple[Array, Array]
    tolerance: float
    fit: Fit | None
    fixed: bool

    @property
    def a(self) -> Array:
        """Weights for the first input."""
        return self.weights[0]

    @property
    def rows_right(self) -> bool:
        """Whether all rows of weights sum to 1."""
        return all(bool((np.abs(a.sum(-1) - 1) <= self.tolerance).all()) for a in self.weights)

    @property
    def zeros(self) -> NDArray[np.bool_]:
        """Pairs whose weight is 0 in all batches for both inputs, shape (n, m)."""
        both = [a.reshape(-1, *a.shape[-2:]) for a in self.weights]
        return np.logical_and.reduce([(x == 0).all(0) for x in both])

    @property
    def causal(self) -> bool:
        """Whether exactly the pairs of later keys have weight 0, whichever ends are aligned."""
        return later(self.zeros) is not None


def later(zeros: NDArray[np.bool_]) -> int | None:
    """Return by how many places beyond itself a query sees keys, if what it does not see is exactly all later ones.

    Parameters
    ----------
    zeros : ndarray of bool, shape (n, m)
        Pairs of weight 0.

    Returns
    -------
    int or None
        0 for a causal mask that aligns the first query with the first key, m - n for the last with the last.
    """
    n, m = zeros.shape
    for offset in (0, m - n, 1, m - n + 1, -1, m - n - 1):
        pattern = ~np.tri(n, m, offset, dtype=bool)
        if pattern.any() and np.array_equal(zeros, pattern):
            return offset
    return None


def tolerance_of(dtype: str) -> float:
    """Return the error of a row sum that rounding explains in a type.

    Parameters
    ----------
    dtype : str
        Type of a result.

    Returns
    -------
    float
    """
    return TOLERANCES.get(dtype, 3e-2)


def look(subject: Subject) -> tuple[Seen, list[Item]]:
    """Find sizes that a function works for, and look at its weights.

    Parameters
    ----------
    subject : Subject
        Function.

    Returns
    -------
    tuple of Seen and list
        What is known, and what was noticed on the way.

    Raises
    ------
    Unusable
        When it works for no sizes, or differs from call to call.
    """
    own, dtype, items = _working(subject)
    probes = (draw(own.sizes, 1, own.of_scores), draw(own.sizes, 2, own.of_scores))
    weights = (own.weights(probes[0], dtype), own.weights(probes[1], dtype))
    again = own.weights(probes[0], dtype)
    if not np.array_equal(again, weights[0], equal_nan=True) and not np.allclose(again, weights[0], 1e-4, 1e-7):
        change = f"two calls on one input differ by {np.abs(again - weights[0]).max():.2g}"
        raise Unusable(found("L19", change, advice="switch dropout and other chance off, then run the lints again"))
    identity = {**probes[0], "v": np.broadcast_to(np.eye(own.sizes.m), (*own.sizes.batch, own.sizes.m, own.sizes.m))}
    came = own.output({k: np.array(x) for k, x in identity.items()}, dtype)[1]
    tolerance = max(tolerance_of(came), tolerance_of(dtype))
    if dtype == "float64" and came != dtype:
        items.append(Fact(f"inputs in float64 come out in {came}"))
    family = fit(*weights, scores(probes[1]) - scores(probes[0]), max(1e-7, tolerance))
    fixed = False
    if family is not None:
        left = [remainder(a, scores(p), family.eps) for a, p in zip(weights, probes, strict=True)]
        one = left[0].reshape(-1, *left[0].shape[-2:])[0]
        fixed = all(bool(np.abs(x - one).max() <= 30 * tolerance) for x in left)
    return Seen(own, probes, weights, tolerance, family, fixed), items


def _working(subject: Subject) -> tuple[Subject, str, list[Item]]:
    """Try types, batches and sizes until weights of the right shape come out."""
    said: list[str] = []
    odd: tuple[Subject, str] | None = None
    shapes = ((5, 7, 4, 7), (6, 6, 6, 6)) if subject.of_scores else SHAPES
    for dtype, shape, batch in itertools.product(("float64", "float32"), shapes, BATCHES):
        own = replace(subject, sizes=Sizes(*shape, batch))
        try:
            a = own.weights(draw(own.sizes, 1, own.of_scores), dtype)
        except Failed as error:
            said.append(f"{own.sizes}: {error}")
            if isinstance(error.__cause__, TimeoutError):  # on so small an input: others are not waited for
                break
            continue
        if not np.isfinite(a).all():  # a causal mask of a square matrix, say: look further for sizes that it is for
            said.append(f"{own.sizes}: weights are not finite")
            odd = odd or (own, dtype)
            continue
        return own, dtype, _judged(own, dtype, said)
    if odd is not None:
        return *odd, []
    words = dict.fromkeys(x.partition(": ")[2] for x in said)
    raise Unusable(found("L24", f"it fails on every ordinary input; {said[0]}"
                         + (f"; and {[*words][1]}" if len(words) > 1 else "")))  # fmt: skip


def _judged(own: Subject, dtype: str, said: list[str]) -> list[Item]:
    if not said:
        return []
    return [Untested(f"it fails for other inputs, and is judged for {dtype} with {own.sizes}; {said[0]}")]


def dtype_of(seen: Seen) -> str:
    """Return the type of inputs in which a function is looked at: double precision if it takes that.

    Parameters
    ----------
    seen : Seen
        Function.

    Returns
    -------
    str
    """
    try:
        seen.subject.weights(seen.probes[0])
    except Failed:
        return "float32"
    return "float64"


def largest(x: Array) -> float:
    """Return the largest absolute value, nan counting as infinite.

    Parameters
    ----------
    x : ndarray
        Numbers.

    Returns
    -------
    float
    """
    return float(np.nan_to_num(np.abs(x), nan=np.inf).max()) if x.size else 0.0


def listed(x: Array, most: int = 4) -> str:
    """Write the first few numbers.

    Parameters
    ----------
    x : ndarray
        Numbers.
    most : int
        How many.

    Returns
    -------
    str
    """
    flat = np.ravel(x)
    return ", ".join(f"{v:.4g}" for v in flat[:most]) + (", ..." if flat.size > most else "")
