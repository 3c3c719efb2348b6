"""Values of inputs: recipes in a few words, drawn from a seed, inside the domain of the input, exact in its type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dltsym.errors import DomainError, suggest
from dltsym.oracle.formats import FORMATS, Array, full_name, rounded
from dltsym.oracle.spec import SpecInput

Generator = np.random.Generator
Recipe = str | Callable[..., Any]
ABSENT = "absent"
LAYOUTS = ("view", "transposed")
"""How an input may lie in memory: inside a larger buffer of nan, or with its last two axes exchanged."""

_TEXT = re.compile(
    r"^\s*(?:(?P<scale>[-+]?[\d.]+(?:e[-+]?\d+)?)\s*)?(?P<kind>[a-z]*)\s*(?:(?P<sign>[-+])\s*(?P<shift>[\d.]+(?:e[-+]?\d+)?))?\s*$"
)
_PART = re.compile(
    r"(?P<which>half|first half|last half|some|all|first|last|one)\s+(?P<value>[-+]?(?:inf|nan|[\d.]+(?:e[-+]?\d+)?))"
)


def draw(recipe: Recipe, rng: Generator, shape: tuple[int, ...], known: SpecInput | None = None) -> Array:
    """Draw an input.

    A recipe is a text: a kind with an optional factor before it and an optional number added after it, then changes of
    entries and a layout, separated by commas: ``"normal"``, ``"12 normal"``, ``"normal + 300"``, ``"zeros"``,
    ``"half -inf"``, ``"equal, view"``, ``"-200, first 5"``. A number alone fills the array.

    Parameters
    ----------
    recipe : str or callable
        Text, or a function of (generator, shape) that returns an array; empty for what the domain suggests.
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Shape.
    known : SpecInput, optional
        Domain of the input, for the empty recipe.

    Returns
    -------
    numpy.ndarray
        In float64, not yet rounded to the type of the candidate.

    Raises
    ------
    DomainError
        For a text that is no recipe, or a function whose array has another shape.
    """
    if callable(recipe):
        out = np.asarray(recipe(rng, shape), dtype=np.float64)
        if out.shape != shape:
            raise DomainError(f"the recipe gave the shape {out.shape}, the input has {shape}")
        return out
    parts = [p.strip() for p in recipe.split(",") if p.strip() not in LAYOUTS]
    head = parts[0] if parts else ""
    changes = parts[1:]
    if _PART.fullmatch(head):
        head, changes = "", parts
    x = _base(head, rng, shape, known)
    for change in changes:
        x = _changed(x, change, rng)
    return x


def layout_of(recipe: Recipe) -> str:
    """Return how an input lies in memory: ``""``, ``"view"`` or ``"transposed"``.

    Parameters
    ----------
    recipe : str or callable
        Recipe.

    Returns
    -------
    str

    Examples
    --------
    >>> layout_of("12 normal, view")
    'view'
    """
    if callable(recipe):
        return ""
    return next((p.strip() for p in recipe.split(",") if p.strip() in LAYOUTS), "")


def settled(x: Array, dtype: str, known: SpecInput) -> Array:
    """Round to a type without leaving the domain.

    Parameters
    ----------
    x : array
        Values.
    dtype : str
        Type.
    known : SpecInput
        Domain.

    Returns
    -------
    numpy.ndarray
        Values of the type, held in float64.
    """
    if known.kind != "real":
        return x
    out = rounded(x, dtype)
    eps = 2 * FORMATS[full_name(dtype)].unit
    for bound, opened, up in ((known.lo, known.lo_open, 1), (known.hi, known.hi_open, -1)):
        if bound is None:
            continue
        inside = (rounded(x, dtype) >= bound) if up > 0 else (rounded(x, dtype) <= bound)
        nearest = rounded(bound + up * (eps * abs(bound) if opened else 0), dtype)
        nearest = FORMATS[full_name(dtype)].normal * up if opened and bound == 0 else float(nearest)
        meant = (x > bound if up > 0 else x < bound) if opened else (x >= bound if up > 0 else x <= bound)
        moved = meant & (~inside | (opened & (out == bound)))
        out = np.where(moved, nearest, out)
    return out


def tensor(x: Array, dtype: str, known: SpecInput, layout: str = "", device: str = "cpu") -> Any:
    """Return an input as the candidate gets it.

    Parameters
    ----------
    x : array
        Values of the type.
    dtype : str
        Type.
    known : SpecInput
        What the input is; integers and truths keep their own type.
    layout : str
        How it lies in memory.
    device : str
        Where.

    Returns
    -------
    torch.Tensor
    """
    import torch

    types = {"integer": torch.int64, "bool": torch.bool}
    target = types.get(known.kind) or getattr(torch, full_name(dtype))
    dense = torch.from_numpy(np.array(x, dtype=np.float64)).to(target)
    if layout == "view" and dense.ndim and known.kind == "real":
        buffer = torch.full([s + 2 for s in dense.shape], float("nan"), dtype=target)
        inner = buffer[tuple(slice(1, s + 1) for s in dense.shape)]
        inner.copy_(dense)
        return inner.to(device) if device == "cpu" else _moved(buffer, dense.shape, device)
    if layout == "transposed" and dense.ndim > 1:
        return dense.mT.contiguous().to(device).mT
    return dense.to(device)


def _moved(buffer: Any, shape: tuple[int, ...], device: str) -> Any:
    return buffer.to(device)[tuple(slice(1, s + 1) for s in shape)]


# Kinds


def default(rng: Generator, shape: tuple[int, ...], known: SpecInput | None) -> Array:
    """Draw what the domain of an input suggests: normal, positive, negative, or between its bounds.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Shape.
    known : SpecInput, optional
        Domain.

    Returns
    -------
    numpy.ndarray
    """
    lo, hi = (known.lo, known.hi) if known is not None else (None, None)
    if known is not None and known.kind == "bool":
        return (rng.random(shape) < 0.7).astype(np.float64)
    if known is not None and known.kind == "integer":
        low = 0 if lo is None else int(lo)
        return rng.integers(low, (low + 3 if hi is None else int(hi)) + 1, shape).astype(np.float64)
    if lo is not None and hi is not None:
        return lo + (hi - lo) * rng.uniform(0.02, 0.98, shape)
    if lo is not None:
        return lo + np.exp(0.5 * rng.standard_normal(shape))
    if hi is not None:
        return hi - np.exp(0.5 * rng.standard_normal(shape))
    return np.asarray(rng.standard_normal(shape))


def _rows(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Draw one row and repeat it along the axis before the last, or one number along the only axis."""
    one = (*shape[:-2], 1, shape[-1]) if len(shape) > 1 else (1,) * len(shape)
    return np.broadcast_to(rng.standard_normal(one), shape).copy()


def _growing(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Draw rows that grow, so that a running maximum moves in every block."""
    axis = -2 if len(shape) > 1 else -1
    size = shape[axis] if shape else 1
    ramp = (np.arange(size) + 1) / max(size, 1) * 4
    return rng.standard_normal(shape) + (ramp[:, None] if axis == -2 else ramp if shape else 0.0)


def _levels(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Put rows, of all batches, around 0, 1000 and -1000 in turn: what belongs to one row is no measure of another."""
    rows = np.arange(int(np.prod(shape[:-1]))).reshape(shape[:-1]) if shape else np.zeros(())
    level = np.array([0, 1, -1])[rows.astype(int) % 3][..., *[None] * (len(shape) > 0)]
    return rng.standard_normal(shape) + 1000.0 * level


def _unit(rng: Generator, shape: tuple[int, ...]) -> Array:
    x = np.asarray(rng.standard_normal(shape))
    return x / np.sqrt((x**2).sum(-1, keepdims=True)) if shape else np.sign(x)


def _simplex(rng: Generator, shape: tuple[int, ...]) -> Array:
    x = rng.uniform(0.3, 1.7, shape)
    return x / x.sum(-1, keepdims=True) if shape else np.ones(())


def _spike(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Return -200 everywhere but in one entry of each row."""
    x = np.full(shape, -200.0)
    if shape and x.size:
        at = rng.integers(0, shape[-1], (*shape[:-1], 1))
        np.put_along_axis(x, at, 3.0, -1)
    return x


KINDS: dict[str, Callable[[Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: np.asarray(rng.standard_normal(shape)),
    "uniform": lambda rng, shape: np.asarray(rng.uniform(0.0, 1.0, shape)),
    "centred": lambda rng, shape: np.asarray(rng.uniform(-1.0, 1.0, shape)),
    "positive": lambda rng, shape: np.exp(0.5 * rng.standard_normal(shape)),
    "negative": lambda rng, shape: -np.exp(0.5 * rng.standard_normal(shape)),
    "zeros": lambda _rng, shape: np.zeros(shape),
    "ones": lambda _rng, shape: np.ones(shape),
    "equal": _rows,
    "growing": _growing,
    "shrinking": lambda rng, shape: -_growing(rng, shape),
    "levels": _levels,
    "unit": _unit,
    "simplex": _simplex,
    "logsimplex": lambda rng, shape: np.log(_simplex(rng, shape)),
    "spike": _spike,
    "coarse": lambda rng, shape: np.round(2 * rng.standard_normal(shape)) / 2,
    "signs": lambda rng, shape: np.where(rng.random(shape) < 0.5, -1.0, 1.0),
    "lognormal": lambda rng, shape: np.exp(3 * rng.standard_normal(shape)),
    "tiny": lambda rng, shape: 1e-30 * rng.standard_normal(shape),
    "ladder": lambda _rng, shape: np.zeros(shape) + (np.arange(shape[-1]) if shape else 0.0),
}
"""Recipes by name; a record or a kernel with a need of its own gives a function."""


def _base(text: str, rng: Generator, shape: tuple[int, ...], known: SpecInput | None) -> Array:
    found = _TEXT.match(text)
    if found is None:
        raise _unknown(text)
    kind, scale, shift = found["kind"], found["scale"], found["shift"]
    if kind and kind not in (*KINDS, "default"):
        raise _unknown(kind)
    if not kind and scale is not None:
        return np.full(shape, float(scale))
    x = default(rng, shape, known) if kind in ("", "default") else KINDS[kind](rng, shape)
    x = x * float(scale) if scale is not None else x
    return x + float(f"{found['sign']}{shift}") if shift is not None else x


def _changed(x: Array, text: str, rng: Generator) -> Array:
    found = _PART.fullmatch(text)
    if found is None:
        raise _unknown(text)
    size = x.shape[-1] if x.ndim else 1
    place, half = np.arange(size), size // 2
    which = {
        "half": place < half, "first half": place < half, "last half": place >= size - half,
        "all": place >= 0, "first": place == 0, "last": place == size - 1, "one": place == size // 2,
    }  # fmt: skip
    chosen = rng.random(x.shape) < 0.3 if found["which"] == "some" else which[found["which"]]
    return np.where(chosen, float(found["value"]), x)


def _unknown(text: str) -> DomainError:
    return DomainError(
        f"no recipe {text!r}{suggest(text, KINDS)}; write a kind ({', '.join(KINDS)}) with a factor before it and a"
        " number added after it, then changes such as 'half -inf'"
    )


def absent_inputs(values: Mapping[str, Recipe]) -> set[str]:
    """Return the inputs that a case leaves out.

    Parameters
    ----------
    values : mapping
        Recipes by input.

    Returns
    -------
    set of str
    """
    return {name for name, recipe in values.items() if recipe == ABSENT}
