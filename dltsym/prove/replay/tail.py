"""Replay of covers of one variable by intervals, unbounded ones compactified by ``x = c + 1/t`` or ``x = c - 1/t``.

The intervals must cover every admissible value; each is a problem of its own with its own certificate. With a
substitution the gap becomes ``t**e * A(t)``; as t > 0, the goal is ``0 <= A`` on ``0 < t <= 1/(M - c)``. An integer may
be relaxed to a real variable: what holds for all reals holds for the integers among them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from dltsym.errors import UnknownNode
from dltsym.notation.calculus import ONE, ZERO, add, mul
from dltsym.notation.tree import (
    Add,
    Call,
    Decl,
    Diff,
    Div,
    Expr,
    Index,
    Integral,
    Limit,
    Mul,
    Neg,
    Num,
    Pow,
    Rel,
    Sum,
    Sym,
)
from dltsym.notation.walk import free_symbols, key, substitute, subterms
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import Certificate, Rejected, replay
from dltsym.prove.replay.spans import FREE, Span, constant, hypotheses, implied, span

KIND = "tail"


@dataclass(frozen=True)
class Interval:
    """Closed interval of the variable (None: unbounded) and what is done on it.

    `put` is 0, or 1 for ``x = shift + 1/t``, or -1 for ``x = shift - 1/t``; `relaxed` makes an integer real.
    """

    lo: Fraction | None
    hi: Fraction | None
    put: int = 0
    shift: Fraction = Fraction(0)
    relaxed: bool = False


def read(data: Certificate) -> Interval:
    """Read an interval of a certificate.

    Parameters
    ----------
    data : mapping
        Keys ``lo``, ``hi`` (``-oo`` and ``oo`` allowed), ``put`` and ``relaxed``.

    Returns
    -------
    Interval

    Raises
    ------
    Rejected
        For an unknown substitution.
    """
    lo, hi = (None if data[k] == infinite else Fraction(data[k]) for k, infinite in (("lo", "-oo"), ("hi", "oo")))
    if not data["put"]:
        return Interval(lo, hi, relaxed=data["relaxed"])
    shift, sign, tail = data["put"].rsplit(" ", 2)
    if sign not in "+-" or tail != "1/t":
        raise Rejected("put", f"{data['put']} is no substitution of the form c + 1/t")
    return Interval(lo, hi, 1 if sign == "+" else -1, Fraction(shift), data["relaxed"])


def write(i: Interval) -> dict[str, object]:
    """Write an interval as plain data.

    Parameters
    ----------
    i : Interval
        Interval.

    Returns
    -------
    dict
    """
    put = f"{i.shift} {'+' if i.put > 0 else '-'} 1/t" if i.put else ""
    lo, hi = "-oo" if i.lo is None else str(i.lo), "oo" if i.hi is None else str(i.hi)
    return {"lo": lo, "hi": hi, "put": put, "relaxed": i.relaxed}


def part(problem: Problem, var: Sym, i: Interval) -> Problem:
    """Return the problem on one interval.

    Parameters
    ----------
    problem : Problem
        Problem without facts about the variable's declaration elsewhere.
    var : Sym
        Variable.
    i : Interval
        Interval.

    Returns
    -------
    Problem

    Raises
    ------
    Rejected
        When the variable cannot be treated this way.
    """
    if any(var in free_symbols(e) for s in problem.symbols for e in _decl(s)):
        raise Rejected("variable", f"the domain of another symbol depends on {var}")
    if var.decl.sort not in ("real", "integer") or (var.decl.sort == "integer" and i.put and not i.relaxed):
        raise Rejected("variable", f"{var} is no real variable")
    bounds = [Rel(Num(i.lo), "<=", var)] if i.lo is not None else []
    bounds += [Rel(var, "<=", Num(i.hi))] if i.hi is not None else []
    here = problem.with_goal(problem.goal, *bounds)
    if i.relaxed:
        here = _relaxed(here, var)
    return _put(here, next(s for s in here.symbols if s.name == var.name), i) if i.put else here


def _decl(s: Sym) -> list[Expr]:
    return [e for e in (s.decl.lo, s.decl.hi, *(e for pair in s.decl.shape for e in pair)) if e is not None]


def _relaxed(problem: Problem, var: Sym) -> Problem:
    """Let an integer be any real number; hypotheses that would mean something else then are dropped."""
    if not _same_for_reals(problem.goal, var, problem):
        raise Rejected("relaxed", f"the goal means something only for whole {var}")
    given = tuple(r for r in problem.given if _same_for_reals(r, var, problem))
    facts = tuple(f for f in problem.facts if _same_for_reals(f.rel, var, problem))
    return _moved(replace(problem, given=given, facts=facts), var, Sym(Decl(var.name, "real")))


def _same_for_reals(node: Expr | Rel, var: Sym, problem: Problem) -> bool:
    """Whether a tree reads the same for whole and for real values: no ranges, no indices, powers of positive bases."""
    for e in (e for e in subterms(node) if var in free_symbols(e)):
        match e:
            case Sum() | Integral() | Limit() | Diff() | Index() | Call("delta" | "binomial", _):
                return False
            case Pow(base, exponent) if var in free_symbols(exponent) and not _positive(base, problem):
                return False
    return True


def _positive(base: Expr, problem: Problem) -> bool:
    """Whether bounds by numbers make a base positive for every real value of the variable."""
    known = hypotheses(problem)
    below = [constant(r.lhs) for r in known if r.op == "<" and key(r.rhs) == key(base)]
    if any(q is not None and q >= 0 for q in below):
        return True
    box: dict[str, Span] = {}
    for r in (r for r in known if len(free_symbols(r)) == 1):
        (s,) = free_symbols(r)
        lo, hi = box.get(s.name, FREE)
        low = [e for e in (lo, implied(r, s, "lo", {})) if e is not None]
        high = [e for e in (hi, implied(r, s, "hi", {})) if e is not None]
        box[s.name] = max(low, default=None), min(high, default=None)
    low_end = span(base, box)[0]
    return (isinstance(base, Call) and base.name == "exp") or (low_end is not None and low_end > 0)


def _moved(problem: Problem, var: Sym, value: Expr, goal: Rel | None = None) -> Problem:
    """Replace a variable everywhere; its declared bounds become hypotheses."""
    at = {var: value}
    given = tuple(substitute(r, at) for r in (*problem.given, *declared_bounds(var)))
    facts = tuple(replace(f, rel=substitute(f.rel, at)) for f in problem.facts)
    return Problem(substitute(problem.goal, at) if goal is None else goal, given, facts)


def _put(problem: Problem, var: Sym, i: Interval) -> Problem:
    start = i.lo if i.put > 0 else i.hi
    room = None if start is None else (start - i.shift) * i.put
    if room is None or room <= 0:
        raise Rejected("put", "the interval does not begin beyond the shift")
    taken = {s.name for s in problem.symbols}
    name = next(n for n in ("t", *(f"t{k}" for k in range(1, 50))) if n not in taken)
    t = Sym(Decl(name, "real", lo=ZERO, lo_open=True, hi=Num(1 / room)))
    value = add(Num(i.shift), Div(Num(Fraction(i.put)), t))
    gap = substitute(problem.goal.rhs + (-problem.goal.lhs), {var: t})
    body = scaled(gap, t, add(mul(Num(i.shift), t), Num(Fraction(i.put))))[1]
    return _moved(problem, var, value, Rel(ZERO, problem.goal.op, body))


def scaled(e: Expr, t: Sym, top: Expr) -> tuple[int, Expr]:
    """Write a tree at ``t = top/t`` as ``t**k * rest``, equal for every t > 0 where the tree is defined.

    Parameters
    ----------
    e : Expr
        Tree in which `t` stands for the variable that is replaced.
    t : Sym
        New variable.
    top : Expr
        The old variable times the new one.

    Returns
    -------
    tuple of (int, Expr)

    Raises
    ------
    UnknownNode
        For a node that binds a variable or is no function of numbers.
    """
    if t not in free_symbols(e):
        return 0, e
    match e:
        case Sym():
            return -1, top
        case Neg(arg):
            k, rest = scaled(arg, t, top)
            return k, Neg(rest)
        case Add(args):
            parts = [scaled(a, t, top) for a in args]
            low = min(k for k, _ in parts)
            return low, add(*(_times(k - low, rest, t) for k, rest in parts))
        case Mul(args):
            parts = [scaled(a, t, top) for a in args]
            return sum(k for k, _ in parts), mul(*(rest for _, rest in parts))
        case Div(a, b):
            (k, above), (m, below) = scaled(a, t, top), scaled(b, t, top)
            return k - m, above if below == ONE else Div(above, below)
        case Pow(base, exponent):
            return _power(e, *scaled(base, t, top), exponent, t, top)
        case Call("sqrt", (arg,)):
            k, rest = scaled(arg, t, top)
            return k // 2, Call("sqrt", (_times(k % 2, rest, t),))
        case Call(name, args):
            return 0, Call(name, tuple(_times(*scaled(a, t, top), t) for a in args))
    raise UnknownNode(f"{e} is not rewritten at 1/t")


def _power(e: Expr, k: int, rest: Expr, exponent: Expr, t: Sym, top: Expr) -> tuple[int, Expr]:
    q = constant(exponent)
    if q is not None and (q * k).denominator == 1:
        return int(q * k), rest if rest == ONE else Pow(rest, exponent)
    power = _times(*scaled(exponent, t, top), t) if t in free_symbols(exponent) else exponent
    return 0, Pow(_times(k, rest, t), power)


def _times(k: int, rest: Expr, t: Sym) -> Expr:
    if k == 0:
        return rest
    factor = t if abs(k) == 1 else Pow(t, Num(Fraction(abs(k))))
    return mul(factor, rest) if k > 0 else Div(rest, factor)


def _end(rel: Rel, var: Sym, side: str) -> Fraction | None:
    end = implied(rel, var, side, {})
    if end is None or var.decl.sort == "real":
        return end
    return Fraction(math.ceil(end) if side == "lo" else math.floor(end))


def covered(problem: Problem, var: Sym, intervals: list[Interval]) -> None:
    """Check that intervals, from left to right, contain every admissible value of a variable.

    Parameters
    ----------
    problem : Problem
        Problem.
    var : Sym
        Variable.
    intervals : list of Interval
        Intervals.

    Raises
    ------
    Rejected
        When there may be a gap.
    """
    known = [r for r in hypotheses(problem) if free_symbols(r) == {var}]
    first, last = intervals[0].lo, intervals[-1].hi
    for end, side in ((first, "lo"), (last, "hi")):
        ends = [] if end is None else [_end(r, var, side) for r in known]
        if end is not None and not any(e is not None and (e >= end if side == "lo" else e <= end) for e in ends):
            raise Rejected("cover", f"no hypothesis confines {var} at {end}")
    for a, b in pairwise(intervals):
        step = 1 if var.decl.sort == "integer" and a.hi is not None and a.hi.denominator == 1 else 0
        if a.hi is None or b.lo is None or b.lo > a.hi + step:
            raise Rejected("cover", f"there is a gap after {a.hi}")


def check(problem: Problem, certificate: Certificate) -> None:
    """Check a cover by intervals and the certificate on each.

    Parameters
    ----------
    problem : Problem
        Prepared problem with an inequality goal.
    certificate : mapping
        Keys ``variable`` and ``parts``.

    Raises
    ------
    Rejected
        When any part of it does not hold.
    """
    var = next((s for s in free_symbols(problem.goal) if s.name == certificate["variable"]), None)
    if var is None or problem.goal.op not in ("<", "<="):
        raise Rejected("variable", f"{certificate['variable']} is no variable of an inequality")
    intervals = [read(p) for p in certificate["parts"]]
    if not intervals:
        raise Rejected("cover", "no interval is listed")
    covered(problem, var, intervals)
    for k, (i, data) in enumerate(zip(intervals, certificate["parts"], strict=True)):
        try:
            replay(part(problem, var, i), data["certificate"])
        except UnknownNode as err:
            raise Rejected(f"interval {k}", str(err)) from err
        except Rejected as err:
            raise Rejected(f"interval {k}: {err.where}", err.why) from err
