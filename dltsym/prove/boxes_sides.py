"""Find the sides of a box: ends of every variable that follow from hypotheses, one after the other."""

from __future__ import annotations

from dltsym.notation.tree import Rel, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.replay.spans import Span, implied

ROUNDS = 4


def confine(known: tuple[Rel, ...]) -> tuple[list[list[str]], dict[str, Span]]:
    """Find what the hypotheses say about the ends of every variable.

    Parameters
    ----------
    known : tuple of Rel
        Hypotheses.

    Returns
    -------
    tuple
        Sides in the order in which they follow, and the ends that they leave.
    """
    symbols = sorted({s for r in known for s in free_symbols(r)}, key=lambda s: s.name)
    box: dict[str, Span] = {s.name: (None, None) for s in symbols}
    sides: list[list[str]] = []
    for _ in range(ROUNDS):
        before = len(sides)
        for rel in sorted(known, key=lambda r: len(free_symbols(r))):
            for s in sorted(free_symbols(rel), key=lambda s: s.name):
                for side in ("lo", "hi"):
                    _tighten(box, sides, rel, s, side)
        if len(sides) == before:
            break
    return sides, box


def _tighten(box: dict[str, Span], sides: list[list[str]], rel: Rel, s: Sym, side: str) -> None:
    end = implied(rel, s, side, box)
    lo, hi = box[s.name]
    old = lo if side == "lo" else hi
    if end is None or (old is not None and (end <= old if side == "lo" else end >= old)):
        return
    box[s.name] = (end, hi) if side == "lo" else (lo, end)
    sides.append([s.name, side, str(end), str(rel)])
