"""Functions at the ends of their domain on a box: ``sqrt(x)`` on ``[0, 1]``, ``kl(q, p)`` for ``0 <= q <= 1``.

An argument is enclosed exactly, with rational ends, over the whole box. Where that shows that it never leaves the
closed domain of the function, the call becomes the one of `dltsym.notation.balls_closed`, which has the same values.
"""

from __future__ import annotations

from fractions import Fraction

from dltsym.notation.balls_closed import SUFFIX
from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Rel
from dltsym.notation.walk import free_symbols, transform
from dltsym.prove.replay.spans import FREE, Box, constant, implied, linear, span

Strict = frozenset[tuple[str, str, Fraction]]

LIMITS: dict[str, tuple[int, int | None]] = {
    "sqrt": (0, None),
    "xlogx": (0, None),
    "binary_entropy": (0, 1),
    "kl_bernoulli": (0, 1),
    "acos": (-1, 1),
    "asin": (-1, 1),
}


def closed(expr: Expr, box: Box, strict: Strict = frozenset()) -> Expr:
    """Rewrite the calls whose first argument stays in the closed domain of the function on a box.

    Parameters
    ----------
    expr : Expr
        Tree.
    box : mapping
        Name to ends.
    strict : frozenset
        Ends that hypotheses exclude, see `strict_ends`; up to them ``u*log(u)`` goes on continuously.

    Returns
    -------
    Expr
        Same values on the box, wherever the tree has one. It can be evaluated, and nothing else: take derivatives
        before.
    """

    def rule(e: Expr) -> Expr:
        match e:
            case Call(name, args) if name in LIMITS and _within(args[0], box, *LIMITS[name]):
                return Call(name + SUFFIX, args)
            case Pow(base, exponent):
                q = constant(exponent)
                if q is not None and q.denominator == 2 and q > 0 and _within(base, box, 0, None):
                    return Pow(Call("sqrt" + SUFFIX, (base,)), Num(Fraction(q.numerator)))
            case Mul(args):
                found = _with_logarithm(args, box, strict)
                return e if found is None else found
        return e

    return transform(expr, rule)


def _with_logarithm(args: tuple[Expr, ...], box: Box, strict: Strict) -> Expr | None:
    """Write ``u*log(u)`` and ``u*log(u/v)`` with ``u log u``, which goes on to an end u = 0 that is excluded."""
    for k, log in enumerate(args):
        if not (isinstance(log, Call) and log.name == "log"):
            continue
        (inside,) = log.args
        top, below = (inside.num, inside.den) if isinstance(inside, Div) else (inside, None)
        for m, u in enumerate(args):
            if m != k and u in (top, Neg(top)) and _opens_at_zero(top, box, strict):
                own: Expr = Call("xlogx" + SUFFIX, (top,))
                whole = own if below is None else Add((own, Neg(Mul((top, Call("log", (below,)))))))
                whole = whole if u == top else Neg(whole)
                rest = tuple(a for n, a in enumerate(args) if n not in (k, m))
                return Mul((*rest, whole)) if rest else whole
    return None


def _opens_at_zero(u: Expr, box: Box, strict: Strict) -> bool:
    """Whether u, linear in one variable, is positive but for one end of the variable that a hypothesis excludes."""
    if len(free_symbols(u)) != 1:
        return False
    (s,) = free_symbols(u)
    split, ends = linear(u, s), box.get(s.name, FREE)
    d = None if split is None else constant(split[1])
    if split is None or split[0] == 0 or d is None:
        return False
    side = "lo" if split[0] > 0 else "hi"
    end = ends[side == "hi"]
    return end is not None and split[0] * end + d == 0 and (s.name, side, end) in strict


def strict_ends(known: tuple[Rel, ...]) -> Strict:
    """Return the ends of variables that strict hypotheses about one variable exclude.

    Parameters
    ----------
    known : tuple of Rel
        Hypotheses.

    Returns
    -------
    frozenset of (name, "lo" or "hi", end)
    """
    one = [(r, s) for r in known if r.op == "<" and len(free_symbols(r)) == 1 for s in free_symbols(r)]
    found = ((s.name, side, implied(r, s, side, {})) for r, s in one for side in ("lo", "hi"))
    return frozenset((name, side, end) for name, side, end in found if end is not None)


def _within(e: Expr, box: Box, low: int, high: int | None) -> bool:
    lo, hi = span(e, box)
    return lo is not None and lo >= low and (high is None or (hi is not None and hi <= high))
