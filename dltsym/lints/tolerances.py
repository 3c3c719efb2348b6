"""Tolerances that accept anything: what a test would say to zeros, to nan and to a softmax over the wrong axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DltsymError, DomainError
from dltsym.lints.finding import Finding, Findings, found
from dltsym.systems.inputs import choice, count, number

Array = NDArray[np.float64]


def lint_tolerance(
    atol: float = 0.0,
    rtol: float = 0.0,
    *,
    shape: tuple[int, int] = (64, 64),
    accepts: Callable[[Any, Any], Any] | None = None,
    of: str = "weights",
) -> Findings:
    """Say which wrong results a test would accept.

    Weights are a softmax of scores that are normally distributed with deviation 1, so entries are near 1/m. Wrong
    results are zeros, nan, the column softmax, the uniform matrix and the transport plan. Without `accepts` the test is
    ``abs(got - expected) <= atol + rtol*abs(expected)`` in every entry, in which nan is not accepted.

    Parameters
    ----------
    atol, rtol : float
        Absolute and relative tolerance.
    shape : (int, int)
        Queries n and keys m.
    accepts : callable, optional
        The test itself, of what came and what was expected (n, m); an AssertionError is a no, None is a yes.
    of : {"weights", "output", "rows"}
        Whether weights are compared, their products with normally distributed values, or only row sums with 1.

    Returns
    -------
    Findings
        L20 for each wrong result that passes.

    Raises
    ------
    DomainError
        For a tolerance below 0 or nan, or anything but two sizes of at least 1.

    Examples
    --------
    >>> [f.seen.split(" for ")[0] for f in lint_tolerance(2e-2, 0, shape=(4, 1000)).findings]
    ['atol = 0.02, rtol = 0 accepts zeros', ..., 'atol = 0.02, rtol = 0 accepts the transport plan']
    >>> lint_tolerance(1e-6, 1e-4, shape=(4, 1000)).ok
    True
    """
    atol, rtol = number(atol, "atol", infinite=True), number(rtol, "rtol", infinite=True)
    choice(of, "of", ("weights", "output", "rows"))
    if not (atol >= 0 and rtol >= 0):
        raise DomainError(f"tolerances {atol}, {rtol}: they must be at least 0")
    shape = _sizes(shape)
    right, wrong = _results(shape)
    views = {"weights": lambda a: a, "rows": lambda a: a.sum(-1), "output": lambda a: a @ _values(shape[1])}
    view = views[of]

    def test(got: Array) -> bool:
        if accepts is None:
            with np.errstate(invalid="ignore"):
                return bool((np.abs(got - view(right)) <= atol + rtol * np.abs(view(right))).all())
        try:
            verdict = accepts(got, view(right))
        except AssertionError:
            return False
        return verdict is None or bool(verdict)

    out: list[Finding] = []
    size = f"{of} of {shape[0]} queries and {shape[1]} keys, which are at most {float(np.abs(view(right)).max()):.3g}"
    limit = "the test" if accepts is not None else f"atol = {atol:g}, rtol = {rtol:g}"
    for name, a in wrong.items():
        got = view(a)
        if test(got) and not np.array_equal(got, view(right)) and not (of == "rows" and np.allclose(got, 1)):
            out.append(found("L20", f"{limit} accepts {name} for {size}"))
    facts = () if accepts is not None else (_needed(view, right, wrong, rtol),)
    return Findings(f"tolerance of {of}, shape {shape}", tuple(out), facts)


def _sizes(shape: Any) -> tuple[int, int]:
    try:
        n, m = (count(x, "a size", 1) for x in shape)
    except (TypeError, ValueError, DltsymError):
        raise DomainError(f"shape is {shape!r}: two sizes, queries and keys, of at least 1 are needed") from None
    return n, m


def _results(shape: tuple[int, int]) -> tuple[Array, dict[str, Array]]:
    n, m = shape
    kernel = np.exp(np.random.default_rng(0).normal(size=(n, m)))
    right = kernel / kernel.sum(-1, keepdims=True)
    wrong = {
        "zeros": np.zeros((n, m)), "nan": np.full((n, m), np.nan), "uniform weights": np.full((n, m), 1 / m),
        "the column softmax": kernel / kernel.sum(-2, keepdims=True), "the transport plan": right / n,
    }  # fmt: skip
    return right, wrong


def _values(m: int) -> Array:
    return np.random.default_rng(1).normal(size=(m, 8))


def _needed(view: Callable[[Array], Array], right: Array, wrong: dict[str, Array], rtol: float) -> str:
    """Say below which absolute tolerance all of them fail."""
    gaps = [np.abs(view(a) - view(right)) - rtol * np.abs(view(right)) for n, a in wrong.items() if n != "nan"]
    least = min((float(g.max()) for g in gaps if float(np.abs(g).max()) > 1e-12), default=0.0)
    return (
        f"with rtol = {rtol:g}, all of them fail below atol = {least:.3g}"
        if least > 0
        else (f"rtol = {rtol:g} alone accepts one of them")
    )
