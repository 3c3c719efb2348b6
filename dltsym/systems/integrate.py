"""Integration in time: a walk over the steps of a SciPy solver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DomainError
from dltsym.systems.inputs import Array, choice, number

__all__ = ["METHODS", "Progress", "Step", "steps"]

METHODS = ("DOP853", "RK45", "Radau", "BDF", "LSODA")
FINEST = 2.5e-14  # smallest relative tolerance that SciPy takes
Progress = Callable[[float, float], None]


@dataclass(frozen=True, eq=False)
class Step:
    """One accepted step.

    Attributes
    ----------
    start, end : float
        Its interval of time.
    state : ndarray, shape (N,)
        State at the end.
    at : callable
        ``at(t)`` for times in between: shape (N,), or (N, k) for an array of k times.
    """

    start: float
    end: float
    state: Array
    at: Callable[[Any], Array]


def steps(
    rhs: Callable[[float, Array], Array],
    start: Array,
    last: float,
    *,
    method: str = "DOP853",
    rtol: float,
    atol: float,
    parts: int = 1,
    progress: Progress | None = None,
) -> Iterator[Step]:
    """Integrate an autonomous system, step by step, with tolerances that hold for each of several independent parts.

    SciPy holds the root mean square over the whole state below the tolerance. With tolerances divided by the square
    root of the number of parts, the mean square over any one part obeys the given ones. When a step becomes too small
    for the clock, which happens after a very long wait, the clock starts again at 0.

    Parameters
    ----------
    rhs : callable
        ``rhs(t, y)``, shape (N,); it may not depend on t.
    start : ndarray, shape (N,)
        State at time 0.
    last : float
        Last time.
    method : {"DOP853", "RK45", "Radau", "BDF", "LSODA"}
        Solver.
    rtol, atol : float
        Relative and absolute tolerance.
    parts : int
        Number of parts.
    progress : callable, optional
        Called with the time reached and the last time, after each step.

    Yields
    ------
    Step

    Raises
    ------
    DomainError
        For tolerances that are not positive, when the solver gives up, and when its numbers leave floating point.
    """
    import scipy.integrate

    make = getattr(scipy.integrate, choice(method, "method", METHODS))
    rtol, atol = number(rtol, "rtol"), number(atol, "atol")
    if not (0 < rtol < 1 and atol > 0):
        raise DomainError(f"rtol = {rtol} and atol = {atol} must be positive, rtol below 1")
    tolerances = {"rtol": max(rtol / np.sqrt(parts), FINEST), "atol": atol / np.sqrt(parts)}
    offset, state = 0.0, start
    while offset < last:
        with _inside(offset):
            solver = make(rhs, 0.0, state, last - offset, **tolerances)
        while solver.status == "running":
            with _inside(offset):
                message = solver.step()
            if solver.status == "failed":
                break
            if progress is not None:
                progress(offset + float(solver.t), last)
            yield _step(offset, solver, last)
        if solver.status == "finished":
            return
        if not solver.t > 0:
            raise DomainError(f"the solver stopped at t = {offset:.6g}: {message}")
        offset, state = offset + float(solver.t), solver.y


@contextmanager
def _inside(offset: float) -> Iterator[None]:
    """Stop where the numbers of the solver leave floating point: what came after them would mean nothing."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield
    except FloatingPointError as error:
        told = "speeds, times or one over the tolerance are too large"
        raise DomainError(f"the solver left floating point after t = {offset:.6g} ({error}): {told}") from None


def _step(offset: float, solver: Any, last: float) -> Step:
    """Return the last step of a solver whose clock started at `offset`."""
    dense, low, high = solver.dense_output(), float(solver.t_old), float(solver.t)
    end = last if solver.status == "finished" else offset + high
    return Step(offset + low, end, solver.y, lambda t: dense(np.clip(t - offset, low, high)))
