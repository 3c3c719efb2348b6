"""Draw exact points: simple values first, then scales, ends of ranges, and values that nearly coincide.

Everything random comes from one generator per point, seeded by text, so that a run can be repeated anywhere.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from fractions import Fraction

from dltsym.notation.tree import Sym
from dltsym.prove.certify import number
from dltsym.prove.setting import Point, Setting, Table

SPECIAL = tuple(
    map(
        Fraction,
        ("0", "1", "-1", "1/2", "2", "-1/2", "-2", "3", "1/3", "1/4", "3/4", "3/2", "4", "1/10", "9/10", "10", "1/100"),
    )
)
MAX_ENTRIES = 100
Range = tuple[Fraction | None, bool, Fraction | None, bool]
FREE: Range = (None, False, None, False)


def draw(s: Setting, seed: int, turn: int, fixed: Point | None = None) -> Point:
    """Draw a point inside the simple bounds; equalities and other hypotheses are not yet met.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    seed, turn : int
        Which point; small turns give simple values.
    fixed : dict, optional
        Values to keep.

    Returns
    -------
    dict
    """
    rng = random.Random(f"{seed}:{turn}")
    point: Point = dict(fixed or {})
    order = [sym for sym in s.symbols if sym.name not in point]
    rng.shuffle(order)
    rank = {"integer": 1, "index": 2, "array": 4}
    order.sort(key=lambda sym: 0 if sym.name in s.sizes else rank.get(sym.decl.sort, 3))
    for sym in order:
        if sym.decl.sort == "array":
            point[sym.name] = table(sym, point, rng, turn)
        elif sym.decl.sort in ("integer", "index"):
            point[sym.name] = whole(span(s, sym, point), rng, turn, small=sym.name in s.sizes)
        else:
            others = [point[o.name] for o in s.symbols if o.decl.sort == "real" and o.name in point]
            point[sym.name] = real(span(s, sym, point), rng, turn, others)
    return point


def span(s: Setting, sym: Sym, point: Point) -> Range:
    """Return the tightest known bounds of a scalar, given the symbols drawn so far.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    sym : Sym
        Scalar.
    point : dict
        Values drawn so far.

    Returns
    -------
    tuple
        ``(lo, open, hi, open)``.
    """
    rows = s.ranges[sym.name]
    if sym.decl.sort == "index":
        rows = tuple((side, e, False) for side, e in (("lo", sym.decl.lo), ("hi", sym.decl.hi)) if e is not None)
    return tightest([(side, number(e, point), strict) for side, e, strict in rows])


def tightest(rows: list) -> Range:
    """Join bounds ``(side, (value, exact) or None, open)`` into one range.

    Parameters
    ----------
    rows : list of tuple
        Bounds; an inexact one counts as open.

    Returns
    -------
    tuple
    """
    lo: Fraction | None = None
    hi: Fraction | None = None
    lo_open = hi_open = False
    for side, known, strict in rows:
        if known is None:
            continue
        value, strict = known[0], strict or not known[1]
        if side == "lo" and (lo is None or value > lo or (value == lo and strict)):
            lo, lo_open = value, strict
        if side == "hi" and (hi is None or value < hi or (value == hi and strict)):
            hi, hi_open = value, strict
    return lo, lo_open, hi, hi_open


def fits(x: Fraction, r: Range) -> bool:
    """Say whether a number lies in a range.

    Parameters
    ----------
    x : Fraction
        Number.
    r : tuple
        Range.

    Returns
    -------
    bool
    """
    lo, lo_open, hi, hi_open = r
    if lo is not None and (x < lo or (lo_open and x == lo)):
        return False
    return not (hi is not None and (x > hi or (hi_open and x == hi)))


def real(r: Range, rng: random.Random, turn: int, others: list[Fraction]) -> Fraction:
    """Draw a rational in a range.

    Parameters
    ----------
    r : tuple
        Range.
    rng : random.Random
        Generator of the point.
    turn : int
        Small turns prefer simple values.
    others : list of Fraction
        Values drawn already: a draw may coincide, or nearly coincide, with one of them.

    Returns
    -------
    Fraction
    """
    lo, _, hi, _ = r
    if lo is not None and hi is not None and lo >= hi:
        return lo
    simple = [x for x in (*SPECIAL, *(e for e in (lo, hi) if e is not None)) if fits(x, r)]
    if lo is not None and hi is not None:
        simple += [lo + (hi - lo) * Fraction(k, 4) for k in (2, 1, 3)]
    for _ in range(8):
        kind = rng.random()
        if simple and kind < (0.8 if turn < 6 else 0.25):
            return rng.choice(simple[:4] if turn < 3 else simple)
        close = others and kind < (0.9 if turn < 6 else 0.45)
        x = near(rng.choice(others), rng) if close else spread(r, rng, turn)
        if fits(x, r):
            return x
    return spread((lo, True, hi, True), rng, 0)


def near(y: Fraction, rng: random.Random) -> Fraction:
    """Draw a number equal or close to another one.

    Parameters
    ----------
    y : Fraction
        The other number.
    rng : random.Random
        Generator.

    Returns
    -------
    Fraction
    """
    kind = rng.randrange(4)
    step = Fraction(rng.choice((-1, 1)), 2 ** rng.randrange(2, 20))
    return (y, -y, y + step, y * (1 + step))[kind]


def spread(r: Range, rng: random.Random, turn: int) -> Fraction:
    """Draw from the whole range: uniformly and near the ends if it is bounded, else on a log scale.

    Parameters
    ----------
    r : tuple
        Range.
    rng : random.Random
        Generator.
    turn : int
        Larger turns reach further.

    Returns
    -------
    Fraction
    """
    lo, _, hi, _ = r
    if lo is not None and hi is not None:
        den = rng.choice((2, 3, 4, 5, 8, 10, 20, 97, 1000))
        u = Fraction(rng.randrange(1, den), den)
        if rng.random() < 0.25:
            u = Fraction(1, 2 ** rng.randrange(1, 24))
            u = 1 - u if rng.random() < 0.5 else u
        return lo + (hi - lo) * u
    far = 30 if turn % 8 == 7 else 8 if turn % 2 else 2
    size = Fraction(rng.randrange(8, 16), 8) * Fraction(2) ** rng.randrange(-far, min(far, 12))
    if lo is not None:
        return lo + size
    if hi is not None:
        return hi - size
    return size if rng.random() < 0.5 else -size


def whole(r: Range, rng: random.Random, turn: int, small: bool) -> int:
    """Draw an integer in a range; sizes stay small.

    Parameters
    ----------
    r : tuple
        Range.
    rng : random.Random
        Generator.
    turn : int
        Small turns prefer small values.
    small : bool
        Whether it is a size.

    Returns
    -------
    int
    """
    lo, lo_open, hi, hi_open = r
    low = None if lo is None else math.floor(lo) + 1 if lo_open else math.ceil(lo)
    high = None if hi is None else math.ceil(hi) - 1 if hi_open else math.floor(hi)
    if low is not None and high is not None:
        reach = max(high, low)
        return rng.randint(low, min(reach, low + 3) if small and turn % 4 else reach)
    steps = (1, 0, 2, 3) if small else (0, 1, 2, 3) if turn < 6 else (0, 1, 2, 4, 9, 30, 100, 10**4, 10**6)
    step = rng.choice(steps)
    if low is not None:
        return low + step
    if high is not None:
        return high - step
    return rng.choice((-1, 1)) * step


def table(sym: Sym, point: Point, rng: random.Random, turn: int) -> Table:
    """Draw an array: small whole numbers, fractions, ties, zeros, or one dominant entry.

    Parameters
    ----------
    sym : Sym
        Array.
    point : dict
        Values drawn so far; they give its sizes and bounds.
    rng : random.Random
        Generator.
    turn : int
        Small turns prefer whole numbers.

    Returns
    -------
    Table
    """
    d = sym.decl
    pairs = (("lo", d.lo, d.lo_open), ("hi", d.hi, d.hi_open))
    bounds = tightest([(side, number(e, point), o) for side, e, o in pairs if e is not None])
    entry = _entry(bounds, rng, turn, d.entries)
    out = Table({}, entry)
    ends = [number(e, point) for pair in d.shape for e in pair]
    if all(e is not None and e[1] for e in ends):
        spans = [range(int(lo[0]), int(hi[0]) + 1) for lo, hi in zip(ends[::2], ends[1::2], strict=True)]  # type: ignore[index]
        if math.prod(map(len, spans)) <= MAX_ENTRIES:
            for idx in itertools.product(*spans):
                out(idx)
    if turn % 5 == 4 and out.entries and bounds[2] is None and d.entries == "real":  # one entry dominates
        idx = rng.choice(list(out.entries))
        out.entries[idx] += 100
    return out


def _entry(r: Range, rng: random.Random, turn: int, entries: str) -> Callable[[], Fraction]:
    if entries != "real":
        return lambda: Fraction(whole(r, rng, turn, False))
    style = turn % 6
    tie = real(r, rng, turn, [])

    def small() -> Fraction:
        x = Fraction(rng.randrange(-2, 4), 1 if turn < 12 else rng.choice((1, 2, 3)))
        return x if fits(x, r) else Fraction(rng.randrange(1, 5), rng.choice((1, 2, 5)))

    def one() -> Fraction:
        if style == 3 and rng.random() < 0.6:
            return tie
        x = small() if style in (0, 1, 4) else real(r, rng, turn, [])
        return x if fits(x, r) else real(r, rng, turn, [])

    return one
