"""Detectors of masks: what is hidden has weight 0, whatever the scores, and a row that sees nothing needs a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.lints.finding import Fact, Untested, found
from dltsym.lints.seen import BATCHES, SHAPES, Item, Seen, dtype_of, largest, later, listed
from dltsym.lints.subject import Array, Failed, Sizes, Subject, draw

Mask = NDArray[np.bool_]
HALF_GAP = 1.2e4
"""Logits of hidden keys above 0 and of others below, when a mask is tried: within half precision."""


@dataclass(frozen=True)
class Reads:
    """How a mask is read: as truths, numbers or logits, and whether true keeps a pair or hides it."""

    encoding: str
    keeps: bool

    def encoded(self, keep: Mask) -> Any:
        """Write the pairs that are to be kept as the function wants them."""
        mask = keep if self.keeps else ~keep
        if self.encoding == "bool":
            return mask
        return mask.astype(float) if self.encoding == "number" else np.where(keep, 0.0, -np.inf)


READINGS = (
    Reads("bool", True), Reads("bool", False), Reads("number", True), Reads("number", False), Reads("logit", True),
)  # fmt: skip


def masks(seen: Seen) -> Iterator[Item]:
    """Judge masks that are passed in.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L7.
    """
    for name in ("keep", "keep_keys"):
        if name in seen.subject.takes:
            yield from _mask(seen, name)


def _mask(seen: Seen, name: str) -> Iterator[Item]:
    own, dtype = seen.subject, dtype_of(seen)
    keep = _pattern(own, name)
    reads, worst = _read(own, seen.probes[0], dtype, name)
    if reads is None:
        if worst is None:
            yield Untested("the mask: it fails for masks of truths, of numbers and of logits")
        else:
            yield found(
                "L7", f"keys that a mask should hide keep weights up to {worst:.3g}, read as truths, numbers or logits"
            )
        return
    sense = "" if reads.encoding == "logit" else f", {'true keeps' if reads.keeps else 'true hides'} a key"
    yield Fact(f"the mask is read as {reads.encoding}s{sense}")
    a = own.weights(seen.probes[0], dtype, **{name: reads.encoded(keep)})
    if seen.rows_right and largest(a.sum(-1) - 1) > seen.tolerance:
        yield found(
            "L7", f"with keys hidden the rows sum to {listed(a.sum(-1))}: what is hidden is not shared out again"
        )
        return
    full = np.broadcast_to(keep, (own.sizes.n, own.sizes.m))
    yield from _leaks(seen, {name: reads.encoded(keep)}, full)
    yield from _empty(seen, name, reads)


def _pattern(own: Subject, name: str) -> Mask:
    n, m = own.sizes.n, own.sizes.m
    if name == "keep_keys":
        return np.arange(m) % 3 != 1
    return (np.arange(m)[None] + 2 * np.arange(n)[:, None]) % 3 != 1


def _read(own: Subject, probe: dict[str, Array], dtype: str, name: str) -> tuple[Reads | None, float | None]:
    """Find the reading of a mask under which hidden pairs weigh nothing; and otherwise the least of what they weigh."""
    keep = _pattern(own, name)
    full = np.broadcast_to(keep, (own.sizes.n, own.sizes.m))
    worst: float | None = None
    for reads in READINGS:
        try:
            a = own.weights(probe, dtype, **{name: reads.encoded(keep)})
        except Failed:
            continue
        hidden = largest(a[..., ~full])
        if hidden < 1e-30 and bool((np.abs(a[..., full]) > 0).any()):
            return reads, hidden
        worst = hidden if worst is None else min(worst, hidden)
    return None, worst


def opened(own: Subject, required: frozenset[str]) -> Subject:
    """Give a function that needs a mask or a prior one that hides nothing and prefers nothing.

    Parameters
    ----------
    own : Subject
        Function.
    required : frozenset of str
        Inputs that it must be given.

    Returns
    -------
    Subject
    """
    for name in ("keep", "keep_keys"):
        if name in required:
            own = _with(own, name, [partial(_open, name, reads) for reads in READINGS], name)
    return _with(own, "lp", [_no_prior, _equal_prior], "") if "lp" in required else own


def _with(own: Subject, name: str, values: list[Callable[[int, int], Any]], mask: str) -> Subject:
    """Fix an input to the first of some values with which it works: finite weights, and a mask that hides."""
    working: list[Subject] = []
    for value, shape, batch in product(values, SHAPES, BATCHES):
        tried = replace(own, fixed={**own.fixed, name: value}, sizes=Sizes(*shape, batch))
        probe = draw(tried.sizes, 1, own.of_scores)
        try:
            a = tried.weights(probe)
        except Failed as error:
            if isinstance(error.__cause__, TimeoutError):
                break
            continue
        if not np.isfinite(a).all() or not a.any():
            continue
        working.append(replace(own, fixed=tried.fixed))
        if not mask or _read(tried, probe, "float64", mask)[0] is not None:
            return working[-1]
    return working[0] if working else replace(own, fixed={**own.fixed, name: values[0]})


def _open(name: str, reads: Reads, n: int, m: int) -> Any:
    return reads.encoded(np.ones((n, m) if name == "keep" else m, bool))


def _no_prior(_n: int, m: int) -> Array:
    return np.zeros(m)


def _equal_prior(_n: int, m: int) -> Array:
    return np.full(m, 1 / m)


def causal(seen: Seen) -> Iterator[Item]:
    """Judge a causal mask, one that is asked for or one that is always there.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L7.
    """
    own, dtype = seen.subject, dtype_of(seen)
    if "causal" in own.takes:
        a = own.weights(seen.probes[0], dtype, causal=True)
        zeros = (a == 0).reshape(-1, *a.shape[-2:]).all(0)
        offset = later(zeros)
        if not np.isfinite(a).all():
            bad = np.flatnonzero(~np.isfinite(a).reshape(-1, *a.shape[-2:]).all((0, 2)))
            yield found("L7", f"with the causal mask rows {[*map(int, bad)]} are not finite")
            return
        if offset is None:
            future = largest(a[..., ~np.tri(own.sizes.n, own.sizes.m, max(0, own.sizes.m - own.sizes.n), dtype=bool)])
            yield found("L7", f"with the causal mask later keys have weights up to {future:.3g}")
            return
    elif seen.causal:
        zeros, offset = seen.zeros, later(seen.zeros)
    else:
        return
    n, m = zeros.shape
    if offset not in (0, m - n):
        yield found(
            "L7", f"under the causal mask query i sees keys up to i{offset:+d}: the diagonal of the mask is off"
        )
        return
    yield from _leaks(seen, {"causal": True} if "causal" in own.takes else {}, ~zeros)


def _leaks(seen: Seen, more: dict[str, Any], keep: Mask) -> Iterator[Item]:
    """Give hidden keys large scores and the others small ones."""
    own = seen.subject
    eps = abs(seen.fit.eps) if seen.fit is not None else 1.0
    for dtype in ("float32", "float16"):
        high = min(HALF_GAP * eps, 4e4)
        try:
            a = _gap(own, keep, high, dtype, more)
        except Failed:
            if dtype == "float32":
                yield Untested("leaks of the mask at large scores: it fails in float32")
            continue
        hidden = float(np.nanmax(np.where(keep, 0, a)))
        if hidden > 1e-3:
            told = f"in {dtype}, with scores {high:.3g} on hidden keys and {-high:.3g} on the others"
            yield found("L7", f"{told}, hidden keys get weights up to {hidden:.3g}: the mask is a finite number")
            return
        off = largest(a.sum(-1) - 1)
        if dtype == "float32" and seen.fit is not None and seen.rows_right and off > 1e-3:
            told = f"with scores {high:.3g} on hidden keys and {-high:.3g} on the others"
            yield found("L7", f"{told}, rows sum to {listed(a.sum(-1))}: the mask comes after exp",
                        advice="hide keys before the maximum is taken and before exp")  # fmt: skip
            return


def _gap(own: Subject, keep: Mask, high: float, dtype: str, more: dict[str, Any]) -> Array:
    """Return weights where scores of hidden pairs are high and all others low; row by row, as keys serve all rows."""
    n, m = keep.shape
    if own.of_scores:
        s = np.broadcast_to(np.where(keep, -high, high), (*own.sizes.batch, n, m)).copy()
        return own.weights({"S": s}, dtype, **more)
    out = np.zeros((*own.sizes.batch, n, m))
    probe = {k: np.zeros_like(x) for k, x in draw(own.sizes, 1).items()}
    probe["q"][..., 0] = 1
    for i in range(n):
        probe["k"][..., 0] = np.where(keep[i], -high, high)
        a = own.weights(probe, dtype, **more)
        out[..., i, :] = a[..., i, :]
    return out


def _empty(seen: Seen, name: str, reads: Reads) -> Iterator[Item]:
    """Hide all keys of a row."""
    own, dtype = seen.subject, dtype_of(seen)
    n, m = own.sizes.n, own.sizes.m
    keep = np.zeros(m, bool) if name == "keep_keys" else np.ones((n, m), bool)
    if name == "keep":
        keep[1] = False
    try:
        a = own.weights(seen.probes[0], dtype, **{name: reads.encoded(keep)})
    except Failed as error:
        yield Fact(f"a row without any allowed key is refused ({error})")
        return
    row = a[..., 1, :]
    if not np.isfinite(row).all():
        yield found("L7", "a row whose keys are all hidden is nan", theorem="audits.masked_row",
                    advice="give such rows output 0 (a select after softmax), and say so")  # fmt: skip
    elif row.any():
        yield found("L7", f"a row whose keys are all hidden attends to them with weights {listed(row)}, sum "
                    f"{float(row.sum(-1).flat[0]):.4g}", theorem="audits.masked_row",
                    advice="give such rows output 0, and hide keys by minus infinity")  # fmt: skip
    others = np.delete(a, 1, -2)
    if name == "keep" and seen.fixed and largest(others - np.delete(seen.a, 1, -2)) > 10 * seen.tolerance:
        yield found("L7", "a row whose keys are all hidden changes other rows")
