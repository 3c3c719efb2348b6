"""One walk over a program for all error models: entries, truth values, states of loops; the models bring the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.errors import ShapeError, UnsupportedError
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.interpret.model import Model
from dltsym.lower.interpret.values import Item, at_place, entries, laid, sizes_of
from dltsym.lower.nodes import Node
from dltsym.lower.program import Program
from dltsym.lower.sizes import parse_size

Rule = Callable[["Walk", Node, list[Item]], Item]
CONSTANTS = {"pi": float(np.pi), "inf": float("inf"), "-inf": float("-inf"), "e": float(np.e)}


@dataclass(frozen=True)
class Rules:
    """What a model says of leaves, operations, entries read at computed places, and results that are given back.

    `repeated` takes a state before and after a round, and what the round makes of exact states in a given arithmetic: a
    model of independent roundings must know of errors that return in every round.
    """

    name: str
    leaf: Callable[[Walk, Item], Item]
    table: Mapping[str, Rule]
    gathered: Callable[[Item, list[Item]], Item]
    given_back: Callable[[Item, Model], Item]
    repeated: Callable[[Item, Item, Callable[[Model], Item], Model], Item] | None = None


@dataclass
class Walk:
    """The state of one evaluation; a loop makes an inner one per round, with the states it sees in `states`."""

    program: Program
    model: Model
    rules: Rules
    inputs: Mapping[str, Item]
    sizes: Mapping[str, int]
    states: Mapping[str, Item] = field(default_factory=dict)
    outer: Walk | None = None
    memo: dict[int, Item] = field(default_factory=dict)
    mentions: dict[int, frozenset[str]] = field(default_factory=dict)

    def size(self, axis: Axis) -> int:
        """Return the length of an axis.

        Parameters
        ----------
        axis : Axis
            Axis.

        Returns
        -------
        int
        """
        return parse_size(axis.size).at(self.sizes)

    def item(self, node: Node) -> Item:
        """Evaluate a node, once.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        Item
        """
        if self.outer is not None and not self._named(node) & self.states.keys():
            return self.outer.item(node)
        done = self.memo.get(id(node))
        if done is None:
            with np.errstate(all="ignore"):
                done = self.memo[id(node)] = self._fresh(node)
        return done

    def _named(self, node: Node) -> frozenset[str]:
        done = self.mentions.get(id(node))
        if done is None:
            done = frozenset().union(*(self._named(a) for a in node.args))
            if node.op == "ref" and node.data[0].startswith("$"):
                done |= {node.data[0]}
            self.mentions[id(node)] = done
        return done

    def _state(self, name: str) -> Item | None:
        found = self.states.get(name)
        return found if found is not None or self.outer is None else self.outer._state(name)

    def _fresh(self, node: Node) -> Item:
        match node.op:
            case "num" | "const" | "size" | "iota":
                return self.rules.leaf(self, _leaf(self, node))
            case "ref":
                return self._entry(node)
            case "take":
                return self._taken(node)
            case "iterate":
                return _looped(self, node)
        rule = self.rules.table.get(node.op)
        if rule is None:
            # A cell may round differently from what it stands for, so it is never unfolded here.
            raise UnsupportedError(f"{self.rules.name} has no rule for {node.op}")
        return rule(self, node, [self.item(a) for a in node.args])

    def _entry(self, node: Node) -> Item:
        name, places = node.data
        known = self._state(name)
        array = self.inputs[name] if known is None else known
        slots = [self.item(a) for a in node.args]
        if known is not None and len(places) != len(array.axes):
            raise ShapeError(f"{name} has {len(array.axes)} axes, not {len(places)}")
        out = entries(array, places, slots, self.size)
        if known is not None:
            out = _tagged(out, dict(zip(array.axes, places, strict=True)))
        return self.rules.gathered(out, slots)

    def _taken(self, node: Node) -> Item:
        axis, place = node.data
        array = self.item(node.args[0])
        if axis not in array.axes:
            return array
        where = self.item(node.args[place.arg]) if isinstance(place, Slot) else int(place)
        out = _tagged(at_place(array, axis, where), {a: a for a in array.axes if a != axis})
        return self.rules.gathered(out, [where] if isinstance(where, Item) else [])


def evaluate(program: Program, inputs: Mapping[str, Any], model: Model, rules: Rules) -> dict[str, Item]:
    """Evaluate the outputs of a program; the axes of an output come in its own order.

    Parameters
    ----------
    program : Program
        Program.
    inputs : mapping
        Arguments: arrays already rounded to the storage type, and numbers, which the kernel rounds when it starts.
    model : Model
        Arithmetic.
    rules : Rules
        Error model.

    Returns
    -------
    dict
        Per output its item.
    """
    walk = Walk(program, model, rules, {}, sizes_of(program, inputs))
    walk.inputs = {one.name: rules.leaf(walk, _input(one, inputs[one.name])) for one in program.inputs}
    out = {}
    for one in program.outputs:
        item = rules.given_back(walk.item(one.node), model)
        shape = tuple(walk.size(a) for a in one.axes)
        batch = item.v.shape[: item.v.ndim - len(item.axes)]

        def spread(x: np.ndarray, item: Item = item, one: Any = one, shape: tuple[int, ...] = (*batch, *shape)) -> Any:
            return np.broadcast_to(laid(x, item.axes, one.axes), shape)

        out[one.name] = item.over(spread, one.axes)
    return out


def _input(one: Any, given: Any) -> Item:
    values = np.asarray(given).astype(float)
    positive = one.lo is not None and one.lo >= 0
    return Item(values, whole=one.entries != "real", nonneg=positive or one.entries == "bool")


def _leaf(walk: Walk, node: Node) -> Item:
    match node.op:
        case "num":
            q = node.data[0]
            slip = float(abs(q - Fraction(float(q))))
            return Item(np.array(float(q)), _part(slip), host=True, whole=q.denominator == 1, nonneg=q >= 0)
        case "const":
            value = CONSTANTS[node.data[0]]
            return Item(np.array(value), _part(2.0**-52 if np.isfinite(value) else 0.0), host=True, nonneg=value >= 0)
        case "size":
            value = parse_size(node.data[0]).at(walk.sizes)
            return Item(np.array(float(value)), host=True, whole=True, nonneg=value >= 0)
    axis = node.data[0]
    return Item(np.arange(float(walk.size(axis))), axes=(axis,), whole=True, nonneg=True)


def _part(slip: float) -> tuple[np.ndarray, ...]:
    return (np.array(slip),) if slip else ()


def _tagged(out: Item, places: Mapping[Axis, Any]) -> Item:
    # A tag is a set of axes along which errors are independent: a plain place renames one, any other place drops it.
    names = {a: p for a, p in places.items() if isinstance(p, Axis)}
    return replace(out, tags=tuple(frozenset(names[a] for a in tag if a in names) for tag in out.tags))


def _looped(walk: Walk, node: Node) -> Item:
    shapes, simultaneous = node.data[:2]
    if len(node.data) > 2:
        raise UnsupportedError(f"{walk.rules.name}: the number of rounds depends on the data")
    count, n = walk.item(node.args[0]), len(shapes)
    inits, steps, final = node.args[1 : 1 + n], node.args[1 + n : 1 + 2 * n], node.args[-1]
    names = [f"${node.height - 1}.{k}" for k in range(n)]
    states = {
        name: stored(walk, walk.item(init), axes) for name, init, axes in zip(names, inits, shapes, strict=True)
    }  # fmt: skip
    for _ in range(int(count.v)):
        old = dict(states)
        for name, step, axes in zip(names, steps, shapes, strict=True):
            known = dict(old if simultaneous else states)
            states[name] = _round(walk, known, step, axes, old[name])
    inner = replace(walk, states=states, outer=walk, memo={})
    return walk.rules.gathered(inner.item(final), [count])


def _round(walk: Walk, states: Mapping[str, Item], step: Node, axes: tuple[Axis, ...], old: Item) -> Item:
    def found(states: Mapping[str, Item], model: Model) -> Item:
        inner = replace(walk, states=states, model=model, outer=walk, memo={})
        return stored(walk, inner.item(step), axes)

    new = found(states, walk.model)
    if walk.rules.repeated is None:
        return new
    bare = {name: replace(item, parts=(), tags=()) for name, item in states.items()}
    return walk.rules.repeated(old, new, lambda model: found(bare, model), walk.model)


def stored(walk: Walk, item: Item, axes: tuple[Axis, ...]) -> Item:
    """Lay an item out in full over the axes of a state.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Item.
    axes : tuple of Axis
        Axes.

    Returns
    -------
    Item
    """
    shape = tuple(walk.size(a) for a in axes)
    lead = item.v.ndim - len(item.axes)

    def full(x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(laid(x, item.axes, axes), (*x.shape[:lead], *shape))

    return item.over(full, axes)
