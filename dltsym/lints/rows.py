"""Detectors on ordinary inputs: which axis is normalised, what the whole carries, whether values are averaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dltsym.lints.family import bare, flat
from dltsym.lints.finding import Fact, Untested, found
from dltsym.lints.seen import Item, Seen, dtype_of, largest, listed
from dltsym.lints.subject import Array, Failed, Sizes, draw, scores

BATCHED = (Sizes(4, 4, 4, 4, (4,)), Sizes(6, 6, 6, 6, (1,)), Sizes(4, 4, 4, 4, (4, 4)))
"""Sizes that coincide, so that exchanged axes raise no error; and a batch of 1, which a squeeze takes away."""


def rows(seen: Seen) -> Iterator[Item]:
    """Judge sums of rows and columns.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L1, L4, L5 or L19.
    """
    yield from sums(seen.a, seen.tolerance)


def sums(a: Array, tolerance: float) -> Iterator[Item]:
    """Judge sums of rows and columns of a matrix of weights.

    Parameters
    ----------
    a : ndarray, shape (..., n, m)
        Weights.
    tolerance : float
        Error of a sum that rounding explains.

    Yields
    ------
    Finding
        L1, L4, L5 or L19.
    """
    n, m = a.shape[-2:]
    if not np.isfinite(a).all():
        yield found("L19", f"{int((~np.isfinite(a)).sum())} of {a.size} weights are not finite on an ordinary input")
        return
    if not a.any():
        yield found("L19", "all weights are 0 on an ordinary input")
        return
    row, column = a.sum(-1), a.sum(-2)

    def near(x: Array, target: float) -> bool:
        return largest(x - target) <= tolerance * max(1.0, target)

    if near(row, 1):
        if float(a.min()) < -tolerance:
            yield found("L19", f"a weight is {float(a.min()):.4g}, below 0, though rows sum to 1")
        return
    told = f"for {n} queries and {m} keys the rows sum to {listed(row)}"
    columns = f"the columns to {listed(column)}"
    if near(row, 1 / n):
        yield found(
            "L4", f"{told} = 1/n and everything to {float(a.sum((-2, -1)).flat[0]):.4g}: it is a transport plan"
        )
    elif near(column, 1 / m):
        yield found("L4", f"{columns} = 1/m, everything to 1: it is a transport plan")
        yield found("L5", f"{told}, {columns} = 1/m: the last half-step is a column step")
    elif near(column, 1):
        yield found("L1", f"{told}, {columns}: it is normalised over the queries")
    elif near(column, n / m):
        yield found("L5", f"{told}, {columns}: the last half-step is a column step, and no row is exact")
    elif near(a.sum((-2, -1)), 1):
        yield found("L1", f"{told}, all {n * m} entries together to 1: it is normalised over all pairs at once")
    elif a.ndim > 2 and any(near(a.sum(k), 1) for k in range(a.ndim - 2)):
        yield found("L1", f"{told}, and the entries of one pair over the batch to 1: it is normalised over the batch")
    elif largest(row - row.flat[0]) <= tolerance * max(1.0, abs(float(row.flat[0]))):
        yield found("L4" if near(row, 1 / m) else "L19", f"{told}: every row carries {float(row.flat[0]):.4g}, not 1")
    else:
        yield found("L19", f"{told}, {columns}: neither is 1")


def values(seen: Seen) -> Iterator[Item]:
    """See whether the output is weights times values for values other than the identity.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L19.
    """
    own = seen.subject
    if "v" not in own.takes or not np.isfinite(seen.a).all():
        return
    v = np.random.default_rng(7).normal(size=(*own.sizes.batch, own.sizes.m, own.sizes.dv))
    out, _ = own.output({**seen.probes[0], "v": v}, dtype_of(seen))
    share = own.sizes.n if own.reading.spec.outputs[0].name == "P" else 1
    expected = seen.a @ v / share
    if out.shape != expected.shape:
        yield found("L22", f"values of shape {v.shape} give an output of shape {out.shape}, not {expected.shape}")
        return
    off = largest(out - expected)
    if off > 20 * seen.tolerance * max(1.0, largest(expected)):
        yield found(
            "L19", f"the output differs by {off:.3g} from the weights (those of identity values) times the values"
        )


def locality(seen: Seen) -> Iterator[Item]:
    """See whether the weights of other keys keep their order, or their ratios, when one key changes.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L22.
    """
    own, probe = seen.subject, seen.probes[0]
    if own.of_scores or not np.isfinite(seen.a).all() or not seen.a.any():
        return
    for name, axis, other in (("k", -1, "key"), ("q", -2, "query")):
        moved = {**probe, name: probe[name].copy()}
        moved[name][..., 2, :] = np.random.default_rng(9).normal(size=moved[name][..., 2, :].shape)
        before, after = (np.delete(a, 2, axis) for a in (seen.a, own.weights(moved, dtype_of(seen))))
        if not (_same_order(before, after, seen.tolerance) or _same_ratios(before, after, seen.tolerance)):
            yield found(
                "L22", f"when one {other} changes, the weights of others change against each other: entries of several "
                "tokens are mixed",
                advice="transpose the keys by transpose(-2, -1), not by reshape or view; tokens must stay apart",
            )  # fmt: skip


def _same_order(x: Array, y: Array, tolerance: float) -> bool:
    gaps = [a[..., :, None] - a[..., None, :] for a in (x, y)]
    return not bool(((gaps[0] > tolerance) & (gaps[1] < -tolerance)).any())


def _same_ratios(x: Array, y: Array, tolerance: float) -> bool:
    """Tell whether only potentials of rows and columns changed, over the pairs that have weight."""
    known = (x > 0) & (y > 0)
    if not np.array_equal(x > 0, y > 0):
        return False
    change = np.where(known, np.log(np.where(known, y, 1)) - np.log(np.where(known, x, 1)), 0)
    return all(largest(bare(c, k)) <= 100 * tolerance for c, k in zip(flat(change), flat(known), strict=True))


def batches(seen: Seen) -> Iterator[Item]:
    """Compare batches with calls one by one, also where all sizes are equal and mistakes of axes stay silent.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L22.
    """
    own, dtype = seen.subject, dtype_of(seen)
    if not np.isfinite(seen.a).all():
        return
    named = any(":" in str(x) for x in own.reading.mapping.values())
    silent: list[str] = []
    loud: list[str] = []
    for sizes in (*BATCHED, replace(own.sizes, batch=(2,))):
        if named and len(sizes.batch) > 1:
            continue
        probe = draw(sizes, 3, own.of_scores)
        try:
            got = own.weights(probe, dtype)
        except Failed as error:
            (silent if str(error).startswith("the shape") else loud).append(f"batch {sizes.batch}: {error}")
            continue
        one = _one_by_one(seen, probe, sizes, dtype)
        if one is not None and largest(got - one) > 20 * seen.tolerance:
            silent.append(f"with {sizes} the weights differ by {largest(got - one):.3g} from calls one by one")
    if silent and own.candidate.kind == "numpy" and not own.sizes.batch:
        yield Untested(f"batches: it takes one problem at a time, and is not safe for more; {silent[0]}")
    elif silent:
        yield found("L22", "; ".join(silent[:2]))
    elif loud:
        yield Untested(f"other batches: it fails loudly for {loud[0]}")


def _one_by_one(seen: Seen, probe: dict[str, Array], sizes: Sizes, dtype: str) -> Array | None:
    """Call with each entry of a batch alone, in the shape of batches that the function is known to work for."""
    own = seen.subject
    rank = len(own.sizes.batch)
    out = []
    for place in np.ndindex(*sizes.batch):
        single = {k: x[place].reshape(*(1,) * rank, *x.shape[-2:]) for k, x in probe.items()}
        if rank:  # twice: a batch of 1 is a trap of its own
            single = {k: np.concatenate([x, x]) for k, x in single.items()}
        try:
            out.append(own.weights(single, dtype)[(0,) * rank])
        except Failed:
            return None
    return np.stack(out).reshape(*sizes.batch, *out[0].shape)


def single(seen: Seen) -> Iterator[Item]:
    """See that a single key takes everything, and that a single query works.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L1 or L19.
    """
    own, dtype = seen.subject, dtype_of(seen)
    shapes = ((3, 1), (1, 5), (1, 1))
    if seen.zeros.any() or own.sizes.n == own.sizes.m:  # a query may see nothing of so few keys, by its position
        shapes = ((1, 1),) if own.sizes.n == own.sizes.m else ((1, 5), (1, 1))
    for n, m in shapes:
        sizes = replace(own.sizes, n=n, m=m, dv=m)
        try:
            a = own.weights(draw(sizes, 4, own.of_scores), dtype)
        except Failed as error:
            yield Untested(f"{n} queries and {m} keys: {error}")
            continue
        if seen.rows_right and largest(a.sum(-1) - 1) > seen.tolerance:
            yield found("L19", f"for {n} queries and {m} keys rows sum to {listed(a.sum(-1))}")
            return


def measured(seen: Seen) -> Iterator[Item]:
    """Tell the temperature.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Fact or Untested
    """
    if seen.fit is None:
        yield Untested("temperature and potentials: no log A = f_i + g_j + bias + q.k/eps fits the weights")
        return
    kind = "nothing but scores and fixed biases" if seen.fixed else "potentials that depend on the scores"
    yield Fact(f"temperature {seen.fit.eps:.6g} on raw scores (largest error of a logarithm {seen.fit.residual:.1g}); "
               f"{kind}")  # fmt: skip
    spread = largest(scores(seen.probes[0]))
    if spread / abs(seen.fit.eps) > 600:
        yield Untested("scores are so large against the temperature that weights underflow")
