"""Printing nodes that a test builds by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.passes.cells import cells, unfold
from dltsym.lower.passes.factor import factor
from dltsym.lower.passes.rebuild import rewritten, subnodes
from dltsym.lower.printers.base import print_program
from dltsym.lower.printers.layout import layout
from dltsym.lower.program import Input, Output, Program

BACKENDS = ("torch", "numpy")
SIZES = {"n": 5, "m": 7, "d": 3, "c": 4, "E": 6, "T": 9}


def array(name: str, *shape: str, **more: Any) -> Input:
    """Declare an argument."""
    return Input(name, shape, **more)


def function(inputs: Sequence[Input], build: Callable[[Algebra], Node], axes: tuple[Axis, ...], backend: str) -> Any:
    """Print a node and return the function."""
    return executed(program(inputs, build, axes), backend)


def program(inputs: Sequence[Input], build: Callable[[Algebra], Node], axes: tuple[Axis, ...]) -> Program:
    """Build a program with one output."""
    table = Table()
    node = build(Algebra(table, {i.name: i for i in inputs}))
    return Program(table, tuple(inputs), (Output("out", node, axes),))


def finished(given: Program, *names: str, **typical: int) -> Program:
    """Apply the passes that follow the constructors."""
    return layout(factor(cells(given, names), typical))


def executed(given: Program, backend: str) -> Any:
    """Print a program and return the function."""
    space: dict[str, Any] = {}
    exec(print_program(given, backend, "f").text, space)
    return space["f"]


def run(f: Any, backend: str, *args: Any) -> np.ndarray:
    """Call a function with numpy arrays."""
    if backend == "torch":
        import torch

        args = tuple(torch.as_tensor(np.ascontiguousarray(a)) for a in args)
    return np.asarray(f(*args))


def ops(given: Program) -> list[str]:
    """List the operations of a program."""
    return [n.op for n in subnodes(*(o.node for o in given.outputs))]


def values(inputs: Sequence[Input], seed: int = 0) -> list[np.ndarray]:
    """Draw arguments; integers are places of the axis m, or of E for an array called I."""
    rng = np.random.default_rng(seed)
    shapes = [tuple(SIZES[s] for s in i.shape) for i in inputs]
    limit = {"Y": "m", "I": "E"}
    return [
        rng.integers(0, SIZES[limit[i.name]], shape) if i.entries == "integer"
        else rng.random(shape) < 0.5 if i.entries == "bool" else rng.normal(size=shape)
        for i, shape in zip(inputs, shapes, strict=True)
    ]  # fmt: skip


def same(before: Program, after: Program, rtol: float = 1e-11) -> None:
    """Compare the values of two programs, alone and in a batch, in both backends."""
    args = values(before.inputs)
    wanted = run(executed(before, "numpy"), "numpy", *args)
    for backend in BACKENDS:
        f = executed(after, backend)
        got = run(f, backend, *args)
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=1e-12)
        if args[0].dtype == float:
            both = run(f, backend, np.stack([args[0], args[0] / 2]), *args[1:])
            np.testing.assert_allclose(both[0], wanted, rtol=rtol, atol=1e-12)


def check(
    inputs: Sequence[Input], build: Callable[[Algebra], Node], axes: tuple[Axis, ...], *names: str, **typical: int
) -> Program:
    """Apply the passes, compare values, and return the result."""
    before = program(inputs, build, axes)
    after = finished(before, *names, **typical)
    same(before, after)
    # Every cell means what it replaced.
    table = before.table
    same(before, rewritten(after, lambda n: unfold(table, n), "unfold"))
    return after
