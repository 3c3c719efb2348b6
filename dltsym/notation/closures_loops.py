"""Values of recurrences and iterations, as closures ``f(B, E)`` like `dltsym.notation.closures`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

from dltsym.notation.balls import NAN
from dltsym.notation.choices import Choices, Closure, Paths, Value, holds, kept, put, spend, whole
from dltsym.notation.folds import Iterate, Recurrence

Place = tuple[int, ...]


def recurrence(node: Recurrence, paths: Paths) -> Closure:
    """Compile a recurrence.

    Parameters
    ----------
    node : Recurrence
        Node.
    paths : Paths
        Compilers.

    Returns
    -------
    callable
    """
    text, slots, balls = str(node), paths.slots, paths.balls
    lo, at = (whole(paths.exact(e, slots), f"an end of {text}") for e in (node.lo, node.at))
    init = paths.both(node.init)
    var, state = slots.new(node.var), slots.new(node.state)
    step = paths.both(node.step)

    def f(B: list, E: list) -> Any:
        a, b = lo(B, E), at(B, E)
        spend(E, b - a + 1, text)
        now = kept(init.read(B, E), balls)
        for i in range(a, b + 1):
            put(B, E, var, i)
            E[state], B[state] = now
            now = kept(step.read(B, E), balls)
        return now[1] if balls else now[0]

    return f


class _Entries:
    """Entries of a state, read like those of an array."""

    __slots__ = ("values",)

    def __init__(self, values: dict[Place, Value]) -> None:
        self.values = values

    def exact(self, idx: Place) -> fmpq | None:
        """Return an entry, None if it is not rational or not there."""
        return self.values.get(idx, (None, None))[0]

    def ball(self, idx: Place) -> arb:
        """Return an entry as a ball."""
        value = self.values.get(idx, (None, None))[1]
        return NAN if value is None else value


@dataclass(frozen=True)
class _State:
    """A compiled state: its slot, the slots and ends of its indices, its start and its step."""

    slot: int
    index: tuple[int, ...]
    ends: tuple[tuple[Any, Any], ...]
    init: Choices
    step: Choices
    balls: bool
    text: str

    def update(self, B: list, E: list, part: Choices) -> dict[Place, Value]:
        """Compute every entry of a start or a step."""
        places: list[Place] = [()]
        for lo, hi in self.ends:
            a, b = lo(B, E), hi(B, E)
            spend(E, len(places) * (b - a + 1), self.text)
            places = [(*p, i) for p in places for i in range(a, b + 1)]
        out = {}
        for place in places:
            for slot, i in zip(self.index, place, strict=True):
                put(B, E, slot, i)
            out[place] = kept(part.read(B, E), self.balls)
        return out

    def write(self, B: list, E: list, values: dict[Place, Value]) -> None:
        """Let everything read these entries from now on."""
        if self.index:
            E[self.slot] = B[self.slot] = _Entries(values)
        else:
            E[self.slot], B[self.slot] = values[()]


def _states(node: Iterate, paths: Paths) -> list[_State]:
    slots, text, outer = paths.slots, str(node), dict(paths.slots.of)
    heads = []
    for s in node.states:
        ends = tuple(tuple(whole(paths.exact(e, slots), f"a range of {text}") for e in pair) for pair in s.ranges)
        index = {v: slots.new(v) for v in s.index}
        heads.append((index, ends, paths.both(s.init)))
        slots.of = dict(outer)
    own = {s.symbol: slots.new(s.symbol) for s in node.states}
    states = []
    for s, (index, ends, init) in zip(node.states, heads, strict=True):
        slots.of = {**outer, **own, **index}
        step = paths.both(s.step)
        states.append(_State(own[s.symbol], tuple(index.values()), ends, init, step, paths.balls, text))
    slots.of = {**outer, **own}
    return states


def iteration(node: Iterate, paths: Paths) -> Closure:
    """Compile an iteration.

    Parameters
    ----------
    node : Iterate
        Node.
    paths : Paths
        Compilers.

    Returns
    -------
    callable
    """
    text, together = str(node), node.simultaneous
    rounds = whole(paths.exact(node.count, paths.slots), f"the number of rounds of {text}")
    tol = None if node.tol is None else paths.both(node.tol)
    states = _states(node, paths)
    out = paths.value(node.out)

    def f(B: list, E: list) -> Any:
        count, limit = rounds(B, E), None if tol is None else tol.read(B, E)
        now = [s.update(B, E, s.init) for s in states]
        for s, values in zip(states, now, strict=True):
            s.write(B, E, values)
        for _ in range(count):
            spend(E, 1, text)
            before, now = now, _round(states, B, E, together)
            if limit is not None:
                moved = _moved(before, now, limit)
                if moved is None:
                    return paths.give(None)
                if not moved:
                    break
        return out(B, E)

    return f


def _round(states: list[_State], B: list, E: list, together: bool) -> list[dict[Place, Value]]:
    new = []
    for s in states:
        new.append(s.update(B, E, s.step))
        if not together:
            s.write(B, E, new[-1])
    if together:
        for s, values in zip(states, new, strict=True):
            s.write(B, E, values)
    return new


def _moved(before: list[dict[Place, Value]], now: list[dict[Place, Value]], tol: Value) -> bool | None:
    """Say whether some entry changed by more than the tolerance; None is unknown."""
    verdicts = []
    for old, new in zip(before, now, strict=True):
        for place, (q, x) in new.items():
            p, y = old[place]
            change = (None if p is None or q is None else abs(q - p), None if x is None or y is None else abs(x - y))
            verdicts.append(holds(tol, "<", change))
    return True if True in verdicts else None if None in verdicts else False
