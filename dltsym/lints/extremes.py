"""Detectors at shifted and large scores: softmax does not change under a shift, and exp of a large score overflows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dltsym.lints.finding import Untested, found
from dltsym.lints.seen import Item, Seen, dtype_of, largest, listed
from dltsym.lints.subject import Array, Failed

SHIFTS = {"float64": (40.0, -40.0, 1000.0, -1000.0), "float32": (-30.0, 300.0, -300.0)}
"""Numbers added to all logits: beyond what a guard of 1e-8 forgives, then beyond the range of exp."""


ALLOWED = {"float64": 1e-4, "float32": 2e-2}
"""Change of a weight that the rounding of such scores explains, squared distances included."""


def extremes(seen: Seen) -> Iterator[Item]:
    """Judge shifted and large scores.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L21.
    """
    if not np.isfinite(seen.a).all():
        return
    for dtype in dict.fromkeys((dtype_of(seen), "float32")):
        items = [*_shifted(seen, dtype)] or [*_large(seen, dtype)]
        yield from items[:1]
        if items:
            return


def _shifted(seen: Seen, dtype: str) -> Iterator[Item]:
    """Add numbers to all scores, by one more entry of keys against a constant entry of queries."""
    if seen.fit is None:
        return
    own, eps = seen.subject, seen.fit.eps
    probe = {k: x.copy() for k, x in seen.probes[0].items()}
    if not own.of_scores:
        probe["q"][..., 0], probe["k"][..., 0] = 1.0, 0.0
    try:
        before = own.weights(probe, dtype)
        for shift in SHIFTS[dtype]:
            moved = _moved(probe, shift * eps, own.of_scores)
            after = own.weights(moved, dtype)
            allowed = ALLOWED[dtype] + 2 * seen.tolerance
            off = largest(after - before)
            if off > allowed:
                seen_as = "not finite" if not np.isfinite(after).all() else f"off by {off:.3g}"
                told = f"{shift:+g} on all logits must change nothing; in {dtype} weights are {seen_as}"
                yield found("L21", f"{told}, rows sum to {listed(after.sum(-1))} after {listed(before.sum(-1))}")
                return
    except Failed as error:
        yield Untested(f"shifted scores in {dtype}: {error}")


def _moved(probe: dict[str, Array], shift: float, of_scores: bool) -> dict[str, Array]:
    if of_scores:
        return {"S": probe["S"] + shift}
    keys = probe["k"].copy()
    keys[..., 0] = shift
    return {**probe, "k": keys}


def _large(seen: Seen, dtype: str) -> Iterator[Item]:
    """Multiply the scores by a thousand: weights must stay finite, and rows must still sum to 1 if they did."""
    own = seen.subject
    probe = dict(seen.probes[0])
    name = "S" if own.of_scores else "q"
    if seen.fit is None:  # features of linear attention vanish at large negative entries, rightly
        probe = {k: np.abs(x) for k, x in probe.items()}
    probe[name] = 1000 * probe[name]
    try:
        a = own.weights(probe, dtype)
    except Failed as error:
        yield Untested(f"large scores in {dtype}: {error}")
        return
    if not np.isfinite(a).all():
        bad = f"{int((~np.isfinite(a)).sum())} of {a.size} weights"
        yield found("L21", f"with scores a thousand times as large {bad} are not finite in {dtype}")
    elif seen.rows_right and largest(a.sum(-1) - 1) > max(1e-3, 10 * seen.tolerance):
        yield found("L21", f"scores a thousand times as large give rows that sum to {listed(a.sum(-1))} in {dtype}")
