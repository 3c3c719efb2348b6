"""How a record is used as a bound, in words: the same rows for terminal, page and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator

from dltsym.boundform import ABOUT, BEFORE, HOLDS_FOR, UNITS, Bound
from dltsym.notation.latex import symbol_latex, to_latex
from dltsym.record import Theorem


def bound_rows(theorem: Theorem) -> list[tuple[str, str]]:
    """Return what a record says about its bounds, as pairs of a term and mixed text.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    list of tuple of str
        Nothing for a record without a bound.
    """
    return [row for item in theorem.bounds for row in _rows(theorem, item)]


def bound_lines(theorem: Theorem) -> list[str]:
    """Return one line per bound for the terminal.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    list of str
    """
    lines = []
    for b in theorem.bounds:
        counted = ", ".join(f"{name} = {unit}s" for name, unit in b.units.items())
        events = ", ".join(f"{event}: {share}" for event, share in b.events)
        loss = b.loss if isinstance(b.loss, str) else f"[{b.loss[0]}, {b.loss[1]}]"
        rows = [f"{b.of} ({b.side}) on the {b.about}, {b.holds_for}"]
        rows += [f"loss in {loss}" if b.rescaled or not b.width else f"loss of width {loss}"]
        rows += [counted] if counted else []
        rows += [f"before the data: {', '.join(b.before)}"] if b.before else []
        rows += [f"free: {', '.join(b.free)}"] if b.free else []
        lines.append("; ".join([*rows, *([f"fails by {events}"] if events else [])]))
    return lines


def _rows(theorem: Theorem, b: Bound) -> Iterator[tuple[str, str]]:
    def name(symbol: str) -> str:
        return f"${symbol_latex(theorem.symbols[symbol])}$"

    yield f"{b.of}", f"{b.side} bound of {ABOUT[b.about]}; {HOLDS_FOR[b.holds_for]}"
    if b.family:
        yield "variant", f"of {b.family}'s bound: {b.variant}"
    if b.gap:
        yield "gap", "it bounds the risk minus the measured risk"
    if b.rescaled:
        yield "loss", f"in $[{b.loss[0]}, {b.loss[1]}]$; another range is mapped there and back"
    elif b.width:
        yield "loss", f"any range of width {name(b.width)}"
    else:
        ends = ", ".join(to_latex(b.trees[f"loss {end}"]) for end in ("from", "to"))
        yield "loss", f"in $\\left[{ends}\\right]$"
    yield from (("counts", f"{name(n)}: {UNITS[u]}") for n, u in b.units.items())
    fixed = [BEFORE[x] if x in BEFORE else name(x) for x in b.before]
    if fixed:
        yield "before the data", ", ".join(fixed)
    if b.free:
        yield "after the data", f"{', '.join(map(name, b.free))} may be chosen freely"
    for event, _ in b.events:
        yield f"event: {event}", f"fails with probability ${to_latex(b.trees[f'event {event}'])}$"
    if b.baseline:
        yield "to beat", f"${to_latex(b.trees['baseline'])}$"
