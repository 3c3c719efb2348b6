"""Simulated low-precision arithmetic, and IR built by hand, for the tests of the error models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.lower.axes import Axis
from dltsym.lower.interpret.bound import running
from dltsym.lower.interpret.model import BF16, F16, Model, rounded
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.program import Input, Output, Program

HALF = replace(F16, u_a=F16.u, eta_a=F16.eta, top_a=F16.top)
"""float16 with a float16 accumulator."""
BRAIN = replace(BF16, u_a=BF16.u, eta_a=BF16.eta, top_a=BF16.top)
I, J, K = Axis("i", "n"), Axis("j", "m"), Axis("k", "d")  # noqa: E741
AXES = {"i": I, "j": J, "k": K}
Array = np.ndarray[Any, Any]


class Build:
    """Builds nodes: arrays are named ``x_ij``, their axes the letters after the underscore."""

    def __init__(self) -> None:
        self.table = Table()
        self.inputs: dict[str, Input] = {}

    def ref(self, name: str, entries: str = "real") -> Node:
        """Refer to an array."""
        letters = name.partition("_")[2]
        self.inputs.setdefault(name, Input(name, tuple(AXES[c].size for c in letters), entries))
        return self.table.make("ref", (), (name, tuple(AXES[c] for c in letters)))

    def op(self, name: str, *args: Node, data: tuple[Any, ...] = ()) -> Node:
        """Make a node."""
        return self.table.make(name, args, data)

    def num(self, value: Fraction | int) -> Node:
        """Make a number."""
        return self.table.num(value)

    def neg(self, x: Node) -> Node:
        """Make a negative."""
        return self.op("mul", self.num(-1), x)

    def total(self, factors: Sequence[Node], over: str) -> Node:
        """Make a contraction."""
        return self.table.bind("contract", factors, [AXES[c] for c in over])

    def fold(self, monoid: str, x: Node, over: str) -> Node:
        """Make a reduction."""
        return self.table.bind("reduce", (x,), [AXES[c] for c in over], (monoid,))

    def program(self, node: Node) -> Program:
        """Make a program with one output."""
        axes = tuple(sorted(node.axes))
        return Program(self.table, tuple(self.inputs.values()), (Output("out", node, axes),))


def bounds(build: Build, node: Node, inputs: Mapping[str, Any], model: Model) -> tuple[Array, Array]:
    """Return value and bound of one node."""
    return running(build.program(node), inputs, model)["out"]


def hostile(rng: np.random.Generator, shape: tuple[int, ...], model: Model, kind: str) -> Array:
    """Draw inputs: ordinary, of all sizes, nearly equal, positive, or with many ties and zeros."""
    normal = rng.standard_normal(shape)
    match kind:
        case "plain":
            x = 2 * normal
        case "wide":
            x = normal * 2.0 ** rng.integers(-9, 5, shape)
        case "near":
            x = (1 + rng.integers(-6, 7, shape) * 2.0**-9) * rng.choice(
                [-1.0, 1.0], (shape[0], *(1,) * (len(shape) - 1))
            )
        case "positive":
            x = np.abs(normal) + 0.05
        case _:
            x = rng.integers(-3, 4, shape) * 1.0
    return rounded(x, model)


KINDS = ("plain", "wide", "near", "positive", "ties")


def ratio(got: Array, exact: Array, bound: Array) -> Array:
    """Return error over bound where the bound promises something; a finite bound excludes nan."""
    with np.errstate(invalid="ignore"):
        error = np.where(got == exact, 0.0, np.abs(got - exact))
    error = np.where(np.isnan(error), np.inf, error)
    promised = np.isfinite(bound)
    return np.where(error[promised] == 0, 0.0, error[promised] / np.maximum(bound[promised], 1e-300))


class Sim:
    """Arithmetic that rounds after every operation; sums run in an order of their own."""

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        self.model, self.rng = model, rng

    def r(self, x: Array) -> Array:
        """Round."""
        return rounded(x, self.model)

    def call(self, f: Callable[[Array], Array], *xs: Array) -> Array:
        """Call a correctly rounded function."""
        with np.errstate(all="ignore"):
            return self.r(f(*xs))

    def sum(self, x: Array, order: str = "any") -> Array:
        """Sum the last dimension, one addition at a time: in a random order, or as a tree."""
        parts = [x[..., k] for k in self.rng.permutation(x.shape[-1])]
        while len(parts) > 1:
            if order == "tree":
                pairs = [self.r(a + b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
                parts = pairs + parts[2 * len(pairs) :]
            else:
                a, b = parts.pop(int(self.rng.integers(len(parts)))), parts.pop(0)
                parts.insert(0, self.r(a + b))
        return parts[0]
