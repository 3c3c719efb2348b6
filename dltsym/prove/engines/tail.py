"""Claims on an unbounded domain: a box for the middle, ladders or the substitution ``x = c + 1/t`` for the tails.

The hint ``tail(x, 1/t)`` (or ``tail(x, 3 + 1/t)``) names the variable and the substitution. Without it each unbounded
variable is tried with a small budget. An integer from N on is a finite family up to N1 and a real variable beyond.
The certificate nests those of the parts; the parts are built by `dltsym.prove.replay.tail`, which checks it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.notation.tree import Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.boxes_sides import confine
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import Engine, boxes, direct, finite, ladder
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Rejected, kinds
from dltsym.prove.replay.spans import hypotheses
from dltsym.prove.replay.tail import Interval, part, write
from dltsym.prove.verdict import PROVED, REFUTED, Row, Verdict, open_, proved

NAME, SECONDS, HINTED_SECONDS, LADDER_SECONDS, BOXES = "tail", 4.0, 10.0, 1.0, 20_000
STARTS = (0, 1, 2, 4, 8, 16, 64)
HINT = re.compile(r"tail\(\s*(\w+)\s*(?:,\s*(?:(-?\d+(?:/\d+)?)\s*([+-])\s*|(-?))1/t\s*)?\)")


def run(problem: Problem) -> Verdict:
    """Prove an inequality on an unbounded domain.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.

    Returns
    -------
    Verdict
    """
    hinted = HINT.fullmatch(problem.hint.strip())
    problem = replace(problem, hint="")
    _, box = confine(hypotheses(problem))
    until, tried = time.process_time() + (HINTED_SECONDS if hinted else SECONDS), []
    for var in sorted(free_symbols(problem.goal), key=lambda s: s.name):
        lo, hi = box.get(var.name, (None, None))
        if var.decl.sort not in ("real", "integer") or (lo is not None and hi is not None):
            continue
        if hinted and var.name != hinted[1]:
            continue
        shift = None if not hinted or "1/t" not in hinted[0] else Fraction(hinted[2] or 0)
        for intervals in plans(var, lo, hi, shift):
            if time.process_time() > until:
                return open_(NAME, "time is over", tried=tried[:12])
            out = cover(problem, var, intervals)
            if isinstance(out, Verdict):
                return out
            tried.append(out)
    return open_(NAME, "; ".join(tried[:8]) or "no variable of the goal is unbounded on one side")


def plans(var: Sym, lo: Fraction | None, hi: Fraction | None, shift: Fraction | None) -> Iterator[list[Interval]]:
    """Yield ways to cover the domain of a variable, the tails first in each.

    Parameters
    ----------
    var : Sym
        Variable.
    lo, hi : Fraction or None
        Ends of its domain; at least one is missing.
    shift : Fraction or None
        The constant of the author's substitution.

    Yields
    ------
    list of Interval
    """
    whole = var.decl.sort == "integer"
    if whole:
        lo, hi = (None if lo is None else Fraction(math.ceil(lo))), (None if hi is None else Fraction(math.floor(hi)))
    end = lo if lo is not None else hi
    if end is not None:
        side = 1 if hi is None else -1
        yield from ([tail] for tail in _tails(end, side, shift, whole, whole or lo is None))
        for far in dict.fromkeys(Fraction(s) if side * (s - end) > 0 else end + side * s for s in STARTS):
            if far == end:
                continue
            middle = Interval(end, far) if side > 0 else Interval(far, end)
            yield from ([tail, middle] for tail in _tails(far, side, shift, whole, True))
        return
    for start in STARTS[1:]:
        far = Fraction(start)
        for right in _tails(far, 1, shift, whole, True):
            for left in _tails(-far, -1, shift, whole, True):
                if bool(left.put) == bool(right.put):
                    yield [right, left, Interval(-far, far)]


def _tails(far: Fraction, side: int, shift: Fraction | None, whole: bool, plain: bool) -> Iterator[Interval]:
    """Yield ways to treat all values beyond `far`: as they are (unless that was tried before), and by ``1/t``."""
    lo, hi = (far, None) if side > 0 else (None, far)
    if plain and shift is None:
        yield Interval(lo, hi, relaxed=whole)
    shifts = [shift] if shift is not None else [Fraction(0)] if side * far > 0 else [far - side]
    for c in shifts:
        if side * (far - c) > 0:
            yield Interval(lo, hi, side, c, whole)


def cover(problem: Problem, var: Sym, intervals: list[Interval]) -> Verdict | str:
    """Prove a claim on every interval.

    Parameters
    ----------
    problem : Problem
        Problem.
    var : Sym
        Variable.
    intervals : list of Interval
        Intervals that cover its domain.

    Returns
    -------
    Verdict or str
        A proof, a refutation met on the way, or which interval stopped it.
    """
    rows: list[Row] = []
    parts = []
    for i in intervals:
        data = write(i)
        label = f"{var} in [{data['lo']}, {data['hi']}]" + (f", {var} = {data['put']}" if i.put else "")
        try:
            here = part(problem, var, i)
        except (Rejected, UnknownNode) as err:
            return f"{label}: {err}"
        out = _prove(here, tail=i.lo is None or i.hi is None)
        if out is not None and out.status == REFUTED and not (i.put or i.relaxed):
            return out  # a point of a part is a point of the whole
        if out is None or out.status != PROVED:
            return f"{label}: open"
        rows += [Row(f"{label}: {here.goal}", out.grade, out.engine), *out.rows]
        parts.append((data, out))
    parts.sort(key=lambda p: (p[0]["lo"] != "-oo", Fraction(p[0]["lo"]) if p[0]["lo"] != "-oo" else 0))  # type: ignore[arg-type]
    shown = [{**d, "engine": out.engine, "grade": out.grade} for d, out in parts]
    nested = [{**d, "certificate": out.evidence.get("certificate", {})} for d, out in parts]
    bare = [p["engine"] for p, n in zip(shown, nested, strict=True) if n["certificate"].get("kind") not in kinds()]
    written = {"kind": NAME, "variable": var.name, "parts": nested}
    if bare:
        written = {"kind": "none", "why": f"a part proved by {bare[0]} has no certificate"}
    return proved(NAME, "exact", tuple(dict.fromkeys(rows)), variable=var.name, parts=shown, certificate=written)


def _prove(here: Problem, tail: bool) -> Verdict | None:
    """Decide one part, its definedness first: a relaxed integer asks for more than the claim did."""
    side, missing = discharge(here)
    if missing:
        return None
    compact = [(boxes.NAME, lambda p: boxes.run(p, BOXES))]
    exact = [(direct.NAME, direct.run), (ladder.NAME, lambda p: ladder.run(p, LADDER_SECONDS))]
    family = [(finite.NAME, finite.run)]
    for name, engine in [*exact, *compact] if tail else [*family, *compact, *exact]:
        out = engine(here)
        if out.status == PROVED:
            return proved(name, out.grade, (*side, *out.rows), **out.evidence)
        if out.status == REFUTED:
            return out
    return None


ENGINE = Engine(NAME, "exact", 620, ("<", "<="), 12.0, run)
