"""Substitutions that show the sign of a polynomial: between, above or below ends, by variables that are ``>= 0``.

Between two closed ends ``x = (l + u*t)/(1 + t)`` reaches the upper one only as ``t -> oo``; a strict sign needs, for
every choice of closed ends, a term that does not vanish there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.prove.replay import plain
from dltsym.prove.replay.place import need

MAX_TERMS, MAX_DEGREE = 5000, 60


@dataclass(frozen=True)
class Signed:
    """``>= 0`` (or ``<= 0`` when not `positive`), never 0 if `strict`."""

    positive: bool
    strict: bool


@dataclass(frozen=True)
class End:
    """The value ``num/den`` with ``den > 0``, excluded if `strict`."""

    num: plain.Poly
    den: plain.Poly
    strict: bool


@dataclass(frozen=True)
class Step:
    """One term and its ends; at least one of them."""

    term: str
    low: End | None
    high: End | None


def substituted(start: plain.Poly, todo: list[Step]) -> Signed:
    """Put all substitutions in and read the sign off the coefficients.

    Parameters
    ----------
    start : Poly
        Polynomial.
    todo : list of Step
        Substitutions, in order; the ends of a term may only mention terms that are not replaced yet.

    Returns
    -------
    Signed
    """
    names = sorted({a for p in _polys(start, todo) for mono in p for a, _ in mono} | {s.term for s in todo})
    ctx = fmpq_mpoly_ctx.get(tuple(f"v{k}" for k in range(len(names))), Ordering.lex)
    at = {a: k for k, a in enumerate(names)}
    p, done, degrees = _dense(start, ctx, at), set(), []
    for s in todo:
        mentioned = {a for e in (s.low, s.high) if e is not None for q in (e.num, e.den) for mono in q for a, _ in mono}
        need(s.term not in done and not mentioned & {*done, s.term}, f"the ends of {s.term} come too late")
        done.add(s.term)
        degrees.append(p.degrees()[at[s.term]])
        need(degrees[-1] > 0, f"{s.term} does not occur")
        p = _replaced(p, s, ctx, at)
        need(len(p) <= MAX_TERMS and max(p.degrees(), default=0) <= MAX_DEGREE, "a substitution grows too large")
    terms = p.to_dict()
    need(bool(terms), "a substitution gives zero")
    positive = next(iter(terms.values())) > 0
    need(all((c > 0) == positive for c in terms.values()), "coefficients of both signs")
    kept = [k for a, k in at.items() if a not in done]
    need(all(e[k] % 2 == 0 for e in terms for k in kept), "an odd power of a term without ends")
    return Signed(positive, _strict(list(terms), todo, [int(d) for d in degrees], at, kept))


def _polys(start: plain.Poly, todo: list[Step]) -> list[plain.Poly]:
    ends = [e for s in todo for e in (s.low, s.high) if e is not None]
    return [start, *(e.num for e in ends), *(e.den for e in ends)]


def _dense(p: plain.Poly, ctx: fmpq_mpoly_ctx, at: dict[str, int]) -> fmpq_mpoly:
    out = {}
    for mono, c in p.items():
        exps = [0] * len(at)
        for a, e in mono:
            exps[at[a]] = e
        out[tuple(exps)] = fmpq(c.numerator, c.denominator)
    return ctx.from_dict(out)


def _replaced(p: fmpq_mpoly, s: Step, ctx: fmpq_mpoly_ctx, at: dict[str, int]) -> fmpq_mpoly:
    """Put the substitution in and multiply by the positive denominator to the degree; t takes the place of x."""
    k = at[s.term]
    t = ctx.gens()[k]
    ends = [(_dense(e.num, ctx, at), _dense(e.den, ctx, at)) if e is not None else None for e in (s.low, s.high)]
    low, high = ends
    if low is not None and high is not None:
        top, bottom = low[0] * high[1] + high[0] * low[1] * t, low[1] * high[1] * (t + 1)
    elif low is not None:
        top, bottom = low[0] + low[1] * t, low[1]
    else:
        assert high is not None
        top, bottom = high[0] - high[1] * t, high[1]
    degree = int(p.degrees()[k])
    parts: dict[int, dict[tuple[int, ...], fmpq]] = {}
    for e, c in p.to_dict().items():
        parts.setdefault(int(e[k]), {})[(*e[:k], 0, *e[k + 1 :])] = c
    out = ctx.constant(0)
    for n, part in parts.items():
        out += ctx.from_dict(part) * top**n * bottom ** (degree - n)
    return out


def _strict(
    terms: list[tuple[int, ...]], todo: list[Step], degrees: list[int], at: dict[str, int], kept: list[int]
) -> bool:
    """Whether at every choice of closed ends some term does not vanish; t = 0 is the low end, t = oo the high one."""
    corners: list[list[tuple[int, int]]] = [[(k, 0)] for k in kept]
    for s, degree in zip(todo, degrees, strict=True):
        k, here = at[s.term], []
        if s.low is not None and s.high is not None:
            here = [(k, n) for end, n in ((s.low, 0), (s.high, degree)) if not end.strict]
        elif not (s.low or s.high).strict:  # type: ignore[union-attr]
            here = [(k, 0)]
        corners += [here] if here else []
    if len(corners) > 12:
        return False
    return all(any(all(e[k] == n for k, n in c) for e in terms) for c in itertools.product(*corners))
