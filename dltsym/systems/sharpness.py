"""How sharp attention matrices are: entropy, effective keys and missed mass of every row, held against the theorems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dltsym.errors import DomainError, DTypeError, ShapeError
from dltsym.systems.compiled import tensor
from dltsym.systems.inputs import Array, choice, number, real_array
from dltsym.systems.masks import causal_mask
from dltsym.systems.temperature import gaps
from dltsym.systems.tensorfiles import open_tensor

__all__ = ["REASONS", "Sharpness", "attention_sharpness", "score_bounds"]

REASONS = ("", "not a number", "infinite", "negative", "sees no key", "does not sum to 1", "mass on a hidden key")
UNIT = {"float64": 2.0**-24, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
SINGLE, TINY = 2.0**-24, {"float16": 2.0**-25}


@dataclass(frozen=True, eq=False)
class Sharpness:
    """Sharpness of the rows of attention matrices; nan in rows that are no probability vectors.

    Attributes
    ----------
    entropy : ndarray, shape (..., n)
        In nats.
    effective_keys : ndarray, shape (..., n)
        Exponential of the entropy.
    miss : ndarray, shape (..., n)
        1 minus the largest weight.
    entropy_bound : ndarray, shape (..., n)
        Largest entropy at this `miss` (`information.entropy_concentration`); equal when the rest is uniform.
    from_uniform : ndarray, shape (..., n)
        Total variation distance to the uniform law on the visible keys.
    sums : ndarray, shape (..., n)
        Row sums as they were; rows are divided by them.
    reason : ndarray of int, shape (..., n)
        0 for a good row, else the place of what is wrong with it in `REASONS`.
    keys : int
        Length of a row.
    tolerance : float
        Of the row sums.
    source : str
        Name and type of the tensor.
    """

    entropy: Array
    effective_keys: Array
    miss: Array
    entropy_bound: Array
    from_uniform: Array
    sums: Array
    reason: Any
    keys: int
    tolerance: float
    source: str

    def bad_rows(self, most: int | None = None) -> list[tuple[tuple[int, ...], str]]:
        """List the rows that are no probability vectors.

        Parameters
        ----------
        most : int, optional
            At most so many.

        Returns
        -------
        list of tuple
            Index of the row, and what is wrong with it.
        """
        where = np.argwhere(self.reason != 0)[:most]
        return [(tuple(map(int, at)), REASONS[self.reason[tuple(at)]]) for at in where]

    def table(self) -> list[dict[str, Any]]:
        """Summarise every matrix.

        Returns
        -------
        list of dict
            Index of the matrix, number of bad rows, and over the good ones: mean, least and largest entropy, mean
            number of effective keys, mean of the missed mass and of the distance to uniform; None without a good row.
        """
        out = []
        for at in np.ndindex(self.reason.shape[:-1]):
            good = self.reason[at] == 0
            row: dict[str, Any] = {"index": list(at), "rows": int(good.size), "bad": int((~good).sum())}
            H, *means = (x[at][good] for x in (self.entropy, self.effective_keys, self.miss, self.from_uniform))
            named = zip(("effective_keys", "miss", "from_uniform"), means, strict=True)
            numbers = {"entropy": H.mean(), "least": H.min(), "largest": H.max()} if H.size else {}
            numbers |= {k: x.mean() for k, x in named} if H.size else {}
            keys = ("entropy", "least", "largest", "effective_keys", "miss", "from_uniform")
            out.append(row | {k: float(numbers[k]) if numbers else None for k in keys})
        return out


def attention_sharpness(
    A: Any, *, name: str | None = None, axis: int = -1, mask: str | None = None, tol: float | None = None
) -> Sharpness:
    """Measure attention matrices; files are read matrix by matrix.

    Parameters
    ----------
    A : array_like, shape (..., n, m), or str or Path
        Attention, or a .npy, .npz or .safetensors file of it in f64, f32, f16 or bf16.
    name : str, optional
        Tensor of the file, when it holds several.
    axis : {-1, -2}
        Along which the weights of one query lie.
    mask : {"causal"}, optional
        Keys after a query are hidden: mass there is an error, and uniform means uniform on the others.
    tol : float, optional
        Largest deviation of a row sum from 1; by default what rounding to the type of the tensor, and single precision
        before it, can explain.

    Returns
    -------
    Sharpness

    Raises
    ------
    ShapeError
        For fewer than two axes, or rows without keys.
    DomainError
        For a file that cannot be read, another axis, or a tolerance that is not positive. Anything but floating point
        numbers raises `DTypeError`.

    Examples
    --------
    >>> found = attention_sharpness([[0.5, 0.5], [1.0, 0.0], [0.9, 0.3]])
    >>> found.effective_keys.round(6).tolist(), found.bad_rows()
    ([2.0, 1.0, nan], [((2,), 'does not sum to 1')])
    """
    if number(axis, "axis") not in (-1, -2):
        raise DomainError(
            f"axis is {axis}; the weights of a query lie along the last axis, -1, or the one before it, -2"
        )
    if mask is not None:
        choice(mask, "mask", ("causal",))
    if isinstance(A, str | Path):
        tensor_file = open_tensor(A, name)
        shape, dtype, blocks = tensor_file.shape, tensor_file.dtype, tensor_file.blocks
    else:
        shape, dtype, blocks = _array(A)
    if len(shape) < 2 or 0 in shape[-2:]:
        raise ShapeError(f"attention has shape {shape}; it must be (..., n, m) with at least one query and one key")
    n, m = shape[-2:] if axis == -1 else shape[:-3:-1]
    limit = 4 * UNIT[dtype] + m * (SINGLE + TINY.get(dtype, 0.0)) if tol is None else number(tol, "tol")
    if not 0 < limit < np.inf:
        raise DomainError(f"tol is {tol}; it must be positive and finite")
    visible = np.ones((n, m), bool) if mask is None else causal_mask(n, m)
    found = {k: np.full((*shape[:-2], n), np.nan) for k in FIELDS}
    reason = np.zeros((*shape[:-2], n), np.int8)
    for at, block in zip(np.ndindex(shape[:-2]), blocks(), strict=True):
        reason[at], measured = _rows(block if axis == -1 else block.T, visible, limit)
        for k, x in measured.items():
            found[k][at] = x
    return Sharpness(**found, reason=reason, keys=m, tolerance=limit, source=f"{name or ''} {dtype} {shape}".strip())


FIELDS = ("entropy", "effective_keys", "miss", "entropy_bound", "from_uniform", "sums")


def _array(A: Any) -> tuple[tuple[int, ...], str, Any]:
    if isinstance(A, np.ma.MaskedArray):
        raise DTypeError("attention is a masked array, whose mask would be lost; give a plain one")
    try:
        data = np.asarray(A)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"attention is no rectangular array: {error}") from None
    if data.dtype.kind in "iu":
        data = data.astype(np.float64)
    if data.dtype.kind != "f" or data.dtype.itemsize > 8:
        raise DTypeError(f"attention has entries of type {data.dtype}; f64, f32 and f16 arrays are measured")

    def blocks() -> Iterator[Any]:
        for at in np.ndindex(data.shape[:-2]):
            yield np.asarray(data[at], np.float64)

    return data.shape, str(data.dtype.newbyteorder("=")), blocks


def _rows(A: Array, visible: Any, tol: float) -> tuple[Any, dict[str, Array]]:
    """Measure one matrix."""
    nan, wild = np.isnan(A).any(-1), np.isinf(A).any(-1)
    A = np.where((nan | wild)[:, None], 0.0, A)
    with np.errstate(over="ignore"):  # such a row does not sum to 1 either
        sums = A.sum(-1)
    tests = (
        nan,
        wild,
        (A < 0).any(-1),
        (A == 0).all(-1),
        np.abs(sums - 1) > tol,
        (np.where(visible, 0.0, A) > 0).any(-1),
    )
    reason = np.zeros(len(A), np.int8)
    for k in range(len(tests), 0, -1):  # the first reason that holds is the one told
        reason[tests[k - 1]] = k
    good = reason == 0
    p = np.where(good[:, None], A, 1.0)
    p = p / p.sum(-1, keepdims=True)
    top, keys = p.argmax(-1), visible.sum(-1)
    rest = p[np.arange(p.shape[1]) != top[:, None]].reshape(len(p), -1)
    key, miss = "information.entropy_concentration", rest.sum(-1)
    H = bound = np.zeros(len(A))
    if rest.shape[1]:
        H, bound = (np.maximum(tensor(key, of)(p=rest), 0.0) for of in ("entropy", "bound"))
        bound = bound - miss * (np.log(rest.shape[1]) - np.log(np.maximum(keys - 1, 1)))  # fewer keys are visible
    uniform = np.where(visible, 1 / np.maximum(keys, 1)[:, None], 0.0)
    measured = {
        "entropy": H,
        "effective_keys": np.exp(H),
        "miss": miss,
        "entropy_bound": bound,
        "from_uniform": np.abs(p - uniform).sum(-1) / 2,
    }
    return reason, {k: np.where(good, x, np.nan) for k, x in measured.items()} | {
        "sums": np.where(nan, np.nan, np.where(wild, np.inf, sums))
    }


def score_bounds(S: Any, eps: float) -> dict[str, Array]:
    """Return what the scores alone say of softmax attention.

    Parameters
    ----------
    S : array_like, shape (..., m)
        Finite scores.
    eps : float
        Temperature.

    Returns
    -------
    dict of str to ndarray, shape (...)
        ``gap``; ``miss_lower`` and ``miss_upper`` of the missed mass (`attention.gap_law`; for ties the lower bound is
        1/2); ``from_uniform`` of the distance to uniform (`information.uniform_limit`).

    Raises
    ------
    DomainError
        For scores that are not finite or whose differences overflow, or a temperature that is not positive.
    """
    scores, eps = real_array(S, "S"), number(eps, "eps")
    if not eps > 0:
        raise DomainError(f"eps is {eps}; a temperature is positive")
    gap = gaps(scores)
    m = scores.shape[-1]
    far = tensor("information.uniform_limit", "tv_bound")(R=np.maximum(np.ptp(scores, axis=-1), 1e-300), eps=eps)
    if m == 1:
        zero = np.zeros(gap.shape)
        return {"gap": gap, "miss_lower": zero, "miss_upper": zero, "from_uniform": zero}
    D = np.maximum(gap, 1e-300)
    lower = tensor("attention.gap_law", "lower")(D=D, eps=eps)
    upper = tensor("attention.gap_law", "upper")(l=m - 1, D=D, eps=eps)
    return {"gap": gap, "miss_lower": lower, "miss_upper": upper, "from_uniform": far}
