"""Arrays between the canonical order of a statement, batches first, and the order that a callable wants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dltsym.errors import KernelMapError
from dltsym.oracle.mapping import axes_of, primed

if TYPE_CHECKING:
    import torch


def laid(x: torch.Tensor, layout: str, own: Sequence[str], batch: Sequence[str], shape: Sequence[int]) -> torch.Tensor:
    """Return an array in the order of a layout, contiguous, with all batches that the layout names in full.

    Parameters
    ----------
    x : Tensor
        In canonical order; its batches broadcast to `shape`.
    layout : str
        Wanted order.
    own : sequence of str
        Its own axes, the last ones of `x`.
    batch : sequence of str
        Names of all batches in order.
    shape : sequence of int
        Lengths of the batches.

    Returns
    -------
    Tensor

    Raises
    ------
    KernelMapError
        When it differs along a batch that the layout leaves out.
    """
    dims, own = axes_of(layout, own), primed(own)
    flat = [a for dim in dims for a in dim]
    tail = tuple(x.shape[x.ndim - len(own) :])
    x = x.reshape((1,) * (len(batch) + len(own) - x.ndim) + tuple(x.shape))
    target = [n if a in flat else 1 for a, n in zip(batch, shape, strict=True)]
    over = [a for k, a in enumerate(batch) if a not in flat and x.shape[k] != 1]
    if over:
        raise KernelMapError(f"the layout {layout!r} leaves out the batch {over[0]}, along which the array differs")
    x = x.expand((*target, *tail))
    names = [*batch, *own]
    dropped = [k for k, a in enumerate(names) if a not in flat]
    x = x.squeeze(dropped) if dropped else x
    names = [a for a in names if a in flat]
    x = x.permute([names.index(a) for a in flat])
    lengths = dict(zip(flat, x.shape, strict=True))
    return x.reshape([math.prod(lengths[a] for a in dim) for dim in dims]).contiguous()


def lengths(layout: str, own: Sequence[str], sizes: Mapping[str, int], batch: Mapping[str, int]) -> list[int]:
    """Return the shape of an array in the order of a layout.

    Parameters
    ----------
    layout : str
        Order.
    own : sequence of str
        Own axes.
    sizes, batch : mapping of str to int
        Lengths of sizes and of batches.

    Returns
    -------
    list of int
    """
    long = {a: sizes[a.rstrip("'")] for a in primed(own)} | dict(batch)
    return [math.prod(long[a] for a in dim) for dim in axes_of(layout, own)]


def unlaid(
    y: torch.Tensor, layout: str, own: Sequence[str], sizes: Mapping[str, int], batch: Mapping[str, int]
) -> torch.Tensor:
    """Return a result in canonical order, batches first.

    Parameters
    ----------
    y : Tensor
        In the order of the layout.
    layout : str
        Order.
    own : sequence of str
        Own axes.
    sizes, batch : mapping of str to int
        Lengths of sizes and of batches.

    Returns
    -------
    Tensor

    Raises
    ------
    KernelMapError
        When its shape does not fit.
    """
    wanted = lengths(layout, own, sizes, batch)
    if list(y.shape) != wanted:
        raise KernelMapError(f"a result of shape {tuple(y.shape)} does not have the axes {layout!r}, {tuple(wanted)}")
    flat = [a for dim in axes_of(layout, own) for a in dim]
    long = {a: sizes[a.rstrip("'")] for a in primed(own)} | dict(batch)
    y = y.reshape([long[a] for a in flat])
    order = [*(b for b in batch if b in flat), *primed(own)]
    y = y.permute([flat.index(a) for a in order])
    return y.reshape([*(n if b in flat else 1 for b, n in batch.items()), *y.shape[len(order) - len(own) :]])
