"""Functions of counts on the values of the IR's ball evaluator."""

from __future__ import annotations

from dltsym.errors import Undecided
from dltsym.notation import extended as ext
from dltsym.notation.balls import NAN
from dltsym.notation.extended import NEG_INF, Value


def log_binomial(n: Value, k: Value) -> Value:
    """Return the logarithm of a binomial coefficient, by the gamma function.

    Parameters
    ----------
    n, k : Value
        Whole numbers.

    Returns
    -------
    Value
        ``-inf`` outside ``0 <= k <= n``.

    Raises
    ------
    Undecided
        When a ball does not tell whether it is.
    """
    if ext.undefined(n) or ext.undefined(k):
        return NAN
    rest = ext.plus(n, -k)
    signs = ext.sign(k), ext.sign(rest)
    if -1 in signs:
        return NEG_INF
    if None in signs:
        raise Undecided("it is not known whether a binomial coefficient is 0")
    top, low, high = ((ext.ball(x) + 1).lgamma() for x in (n, k, rest))
    return top - low - high
