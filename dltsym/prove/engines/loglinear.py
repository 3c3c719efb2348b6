"""E2, log normal form: both sides are positive, and the difference of their logarithms is zero.

Products, powers with symbolic exponents and exponentials become sums before any polynomial is built, so that the
Chinchilla first-order condition is linear algebra over Q(symbols) with one generator per logarithm.
"""

from __future__ import annotations

from fractions import Fraction

from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Rel
from dltsym.notation.walk import free_symbols, subterms
from dltsym.prove.certificates import identity
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.tower import Unknown, difference, prove_positive, prove_zero
from dltsym.prove.verdict import Row, Verdict, open_, proved

NAME = "log form"
TWO = Num(Fraction(2))


class NotPositive(Exception):
    """A factor is not proved to be positive."""


def log_form(e: Expr, problem: Problem, rows: dict[str, Row]) -> Expr:
    """Return the logarithm of a tree as a sum; every base that is split off is proved positive.

    Parameters
    ----------
    e : Expr
        Tree.
    problem : Problem
        Where positivity is proved from.
    rows : dict of str to Row
        Gets the positivity rows.

    Returns
    -------
    Expr

    Raises
    ------
    NotPositive
        When a factor is not proved positive.
    """
    match e:
        case Mul(args):
            return Add(tuple(log_form(a, problem, rows) for a in args))
        case Div(num, den):
            return Add((log_form(num, problem, rows), Neg(log_form(den, problem, rows))))
        case Pow(base, exponent):
            return Mul((exponent, log_form(base, problem, rows)))
        case Call("sqrt", (u,)):
            return Div(log_form(u, problem, rows), TWO)
        case Call("exp", (u,)):
            return u
    found = prove_positive(e, problem)
    if found is None:
        raise NotPositive(f"0 < {e} is not proved")
    rows |= {row.text: row for row in found}
    return Call("log", (e,))


def _symbolic(e: Expr | Rel) -> bool:
    """Return whether a power has an exponent that is not a number: without one, E1 has decided already."""
    return any(isinstance(s, Pow) and free_symbols(s.exponent) for s in subterms(e))


def run(problem: Problem) -> Verdict:
    """Prove ``lhs = rhs`` for positive sides by comparing logarithms.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``.

    Returns
    -------
    Verdict
    """
    rows: dict[str, Row] = {}
    if not _symbolic(problem.goal):
        return open_(NAME, "no power with a symbolic exponent")
    try:
        sides = [log_form(s, problem, rows) for s in (problem.goal.lhs, problem.goal.rhs)]
        zero = prove_zero(difference(*sides), problem)
    except (Unknown, NotPositive) as why:
        return open_(NAME, str(why))
    if zero is None:
        return open_(NAME, "the logarithms of both sides differ")
    for row in zero.rows:
        rows.setdefault(row.text, row)
    return proved(
        NAME,
        "exact",
        tuple(rows.values()),
        certificate=identity(problem, logs=True),
        generators=list(zero.generators),
        uses=list(zero.uses),
    )


ENGINE = Engine(NAME, "exact", 150, ("=",), 3.0, run)
