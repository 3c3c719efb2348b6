"""Detectors of Sinkhorn attention: the last half-step, how many there were, causal masks with equal columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dltsym.lints.family import flat, half_steps, remainder
from dltsym.lints.finding import Fact, found
from dltsym.lints.seen import Item, Seen, dtype_of, largest, listed
from dltsym.lints.subject import Array, draw, scores

MOST = 400
"""Half-steps that are compared with a matrix."""


def steps(seen: Seen, declared: int | None) -> Iterator[Item]:
    """Judge what potentials of the columns tell.

    Parameters
    ----------
    seen : Seen
        Function.
    declared : int, optional
        Half-steps that the function is said to make.

    Yields
    ------
    Finding
        L5 or L6.
    """
    if seen.fit is None or not np.isfinite(seen.a).all() or not seen.a.any():
        return
    s = scores(seen.probes[0])
    if not seen.rows_right and _rows_scaled(seen, s):
        column = seen.a.sum(-2)
        if largest(column - column.flat[0]) <= seen.tolerance * max(1.0, float(column.flat[0])):
            yield found(
                "L5", f"rows were scaled, and columns after them: rows are off by {largest(seen.a.sum(-1) - 1):.3g}"
            )
    if seen.fixed and declared in (None, 1):
        return
    if "T" in seen.subject.takes:
        yield from _counted(seen)
        return
    count = matched(seen.a, s, seen.fit.eps, seen)
    yield from _told(seen, count, declared)
    if seen.causal:
        yield from _causal(_square(seen))


def _rows_scaled(seen: Seen, s: Array) -> bool:
    """Tell whether rows have potentials of their own, beside those of the columns."""
    assert seen.fit is not None
    turned = np.swapaxes(remainder(np.swapaxes(seen.a, -1, -2), np.swapaxes(s, -1, -2), seen.fit.eps), -1, -2)
    return largest(turned) > 1e3 * seen.tolerance


def matched(a: Array, s: Array, eps: float, seen: Seen) -> tuple[int, str, bool] | None:
    """Find the number of half-steps that gives a matrix.

    Parameters
    ----------
    a, s : ndarray, shape (..., n, m)
        Weights and scores.
    eps : float
        Temperature.
    seen : Seen
        For the mask and the tolerance.

    Returns
    -------
    tuple or None
        Half-steps, the first of them, and whether more would give the same.
    """
    zeros = seen.zeros
    keep = ~zeros if zeros.any() else None
    one, raw = flat(a)[0], flat(s)[0]
    for first in ("row", "column"):
        every = half_steps(raw, eps, MOST, first=first, keep=keep)
        near = np.abs(every - one).max((-1, -2)) <= 10 * seen.tolerance
        if near.any():
            return int(near.argmax()) + 1, first, bool(near[-1])
    return None


def _told(seen: Seen, count: tuple[int, str, bool] | None, declared: int | None) -> Iterator[Item]:
    n, m = seen.a.shape[-2:]
    error = largest(seen.a.sum(-2) - n / m)
    if count is None:
        yield Fact(
            f"columns have potentials of no balanced iteration with equal masses; they sum to {listed(seen.a.sum(-2))}"
        )
        if declared == 1:
            yield found("L5", "one half-step is declared, and the weights are not softmax")
        return
    number, first, settled = count
    told = f"{number} half-steps{' or more' if settled else ''}, the first a {first} step"
    yield Fact(f"balanced Sinkhorn attention after {told}; columns are off by {error:.2g}")
    if declared is not None and declared != number and not (settled and declared >= number):
        hint = ": full iterations were meant" if number in (2 * declared, 2 * declared - 1, 2 * declared + 1) else ""
        yield found("L5", f"{declared} half-steps are declared, and the weights are those after {told}{hint}")


def _counted(seen: Seen) -> Iterator[Item]:
    """Judge a parameter that is the number of half-steps, by the mapping."""
    assert seen.fit is not None
    own = seen.subject
    guessed = any(str(seen.subject.reading.mapping[g]) == "T" for g in seen.subject.reading.guessed)
    seeds = []
    for t in (1, 2, 3):
        a = replace(own, fixed={**own.fixed, "T": t}).weights(seen.probes[0], dtype_of(seen))
        got = matched(a, scores(seen.probes[0]), seen.fit.eps, seen)
        seeds.append(None if got is None else got[0])
    told = ", ".join(f"{t}: {'none' if s is None else s}" for t, s in zip((1, 2, 3), seeds, strict=True))
    yield Fact(f"half-steps by the number passed in: {told}")
    if not guessed and seeds != [1, 2, 3]:
        full = " (a full iteration is two half-steps)" if seeds[1] in (3, 4, 5) else ""
        yield found("L5", f"the number passed in is declared as half-steps, and gives {told}{full}")


def _square(seen: Seen) -> Seen:
    """Look at a function again with as many keys as queries, where columns can be balanced under a causal mask."""
    if seen.a.shape[-1] == seen.a.shape[-2]:
        return seen
    own = seen.subject.resized(n=6, m=6, dv=6)
    probes = (draw(own.sizes, 1, own.of_scores), draw(own.sizes, 2, own.of_scores))
    weights = (own.weights(probes[0], dtype_of(seen)), own.weights(probes[1], dtype_of(seen)))
    return replace(seen, subject=own, probes=probes, weights=weights)


def _causal(seen: Seen) -> Iterator[Item]:
    """Judge equal columns under a causal mask: the limit mixes nothing."""
    assert seen.fit is not None
    count = matched(seen.a, scores(seen.probes[0]), seen.fit.eps, seen)
    column = seen.a.sum(-2)
    if count is None and largest(column - 1) > 0.05:
        return
    half = "" if count is None else f" after {count[0]} half-steps"
    told = f"the diagonal{half} is {listed(np.diagonal(flat(seen.a)[0]))}"
    told += f" and columns sum to {listed(column.reshape(-1, column.shape[-1])[0])}"
    yield found("L6", f"the mask is causal and columns are balanced, whose only limit is the identity; {told}")
