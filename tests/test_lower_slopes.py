"""Gradients of the acceptance rows against the symbolic derivative of the tree, evaluated in balls entry by entry."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb
from lower_cases import ROWS
from lower_rows import Row

from dltsym.notation.calculus import derivative, evaluate_derivatives
from dltsym.notation.evaluate import evaluate
from dltsym.notation.tree import Expr, Num, Sym
from dltsym.notation.walk import expand_definitions, free_symbols, substitute

PLAIN = [r for r in ROWS.values() if "batch" not in r.small]
ENTRIES = 3  # of each argument, at each of as many places of the result


def exact(x: Any) -> Any:
    """Return numbers as they are held in float64, exactly."""
    if isinstance(x, np.ndarray | np.generic):
        return exact(x.tolist())
    return [exact(y) for y in x] if isinstance(x, list) else int(x) if isinstance(x, bool | int) else Fraction(x)


def point(tree: Expr, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of every symbol: arguments, and the sizes that they have."""
    out = {k: exact(x) for k, x in inputs.items()}
    for s in free_symbols(tree):
        for axis, (lo, hi) in enumerate(s.decl.shape):
            size = hi - lo + 1
            names = free_symbols(size)
            if len(names) == 1 and s.name in inputs:
                (name,) = names
                out[name.name] = np.shape(inputs[s.name])[axis]
    return out


def spread(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return a few places of an array, corners first."""
    every = list(itertools.product(*map(range, shape)))
    return sorted({every[0], every[-1], every[len(every) // 2]})[:ENTRIES]


def outputs(row: Row) -> dict[str, tuple[Expr, tuple[Sym, ...]]]:
    """Return the trees of a row with the indices of their axes."""
    kernel = row.kernel()
    return {name: (tree, kernel.axes[name]) for name, tree in kernel.asked.outputs.items()}


@pytest.mark.parametrize("row", PLAIN, ids=[r.name for r in PLAIN])
def test_gradients_are_the_slopes_of_the_tree(row: Row) -> None:
    inputs = row.drawn(5)
    values = row.tensors(inputs, torch.float64, grad=True)
    results = row.kernel()(**values)
    for name, (written, axes) in outputs(row).items():
        result = results[name] if isinstance(results, dict) else results
        tree = expand_definitions(evaluate_derivatives(written), frozenset({"sigmoid", "relu", "huber"}))
        at = point(tree, inputs)
        tied = {s for r in row.build().options.get("given", ()) for s in free_symbols(r)}  # no free entries
        names = {s.name for s in tied}
        arrays = [s for s in free_symbols(tree) if s.name in inputs.keys() - names and s.decl.sort == "array"]
        for array in sorted((s for s in arrays if s.decl.entries == "real"), key=lambda s: s.name):
            for place, entry in zip(spread(tuple(result.shape)), spread(np.shape(inputs[array.name])), strict=False):
                (slope,) = torch.autograd.grad(result[place], values[array.name], retain_graph=True, allow_unused=True)
                got = 0.0 if slope is None else float(slope[entry])
                want = _slope(tree, array, entry, axes, place, at)
                assert abs(float(want.mid()) - got) <= 1e-9 * max(1, abs(got)), (
                    f"d {name}{place} / d {array.name}{entry}"
                )


def _slope(tree: Expr, array: Sym, entry: Any, axes: tuple[Sym, ...], place: Any, at: dict[str, Any]) -> arb:
    """Return a ball around one entry of the derivative."""
    lows = [evaluate(lo, at) for lo, _ in array.decl.shape]
    by = array[tuple(int(float(lo.mid())) + e for lo, e in zip(lows, entry, strict=True))]
    here = substitute(tree, {s: _plus(s.decl.lo, k) for s, k in zip(axes, place, strict=True)})
    out = evaluate(derivative(here, by, kinks=True), at, 256)
    if not evaluate(here, at, 256).is_finite():  # 0/0 of a row that is masked out: its weights count as 0
        return arb(0)
    assert out.is_finite(), f"{by}"
    return out


def _plus(lo: Expr | None, k: int) -> Expr:
    assert isinstance(lo, Num)
    return Num(lo.value + k)
