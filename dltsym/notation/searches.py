"""What `Balls` searches for: least values, and binomial tails with their inverse."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import acb, arb

from dltsym.errors import DomainError
from dltsym.notation.balls import working
from dltsym.notation.enclosed import Ball
from dltsym.notation.optima import binomial_tail, enclosed_least, near_minimum


class Searches:
    """Methods of `Balls` that call a function many times, or solve for something."""

    prec: int
    number: Callable[[Any], Any]
    upper: Callable[[Any], Ball]
    root: Callable[[Callable[[Any], Any], Any, Any], Ball]
    expm1: Callable[..., Ball]
    log: Callable[..., Ball]
    kl_upper: Callable[..., Ball]

    def least(self, f: Callable[[Any], Any], lo: Any, hi: Any, slope: Any = None, below: Any = None) -> Ball:
        """Enclose the least value of a function on an interval.

        Parameters
        ----------
        f : callable
            Function of one number; called with points and with whole boxes.
        lo, hi : number
            Ends.
        slope : callable, optional
            Its derivative, with which far fewer boxes are needed.
        below : callable, optional
            ``below(a, b)`` is at most the function on [a, b].

        Returns
        -------
        Ball

        A box over which a comparison is not certain is split further.
        """
        one, two = (real(self.number(x)) for x in (lo, hi))
        with working(self.prec):
            tol = arb(2) ** -(self.prec - 12)
            _, high, low = enclosed_least(self._of(f), one, two, tol, self._of(slope), self._of(below))
            return Ball(low.union(high))

    def minimiser(self, f: Callable[[Any], Any], lo: Any, hi: Any) -> Ball:
        """Return a point near the least value of a function on an interval, without width and without any claim.

        Parameters
        ----------
        f : callable
            Function of one number.
        lo, hi : number
            Ends.

        Returns
        -------
        Ball
        """
        ends = [float(real(self.number(x)).mid()) for x in (lo, hi)]
        with working(self.prec):
            call = self._of(f)
            return Ball(arb(near_minimum(lambda x: float(call(arb(x)).mid()), ends[0], ends[1])))

    def binomial_tail(self, k: int, n: int, p: Any) -> Ball:
        """Return the probability of at most k successes in n independent trials.

        Parameters
        ----------
        k, n : int
            Successes and trials.
        p : number
            Probability of success.

        Returns
        -------
        Ball
        """
        with working(self.prec):
            return Ball(binomial_tail(k, n, real(self.number(p))))

    def binomial_upper(self, k: int, n: int, logdelta: Any) -> Ball:
        """Return the largest probability of success under which at most k successes are as likely as delta.

        Parameters
        ----------
        k, n : int
            Successes and trials.
        logdelta : number
            Logarithm of delta, below 0.

        Returns
        -------
        Ball
        """
        level = self.number(logdelta)
        if k == n:
            return self.number(1)
        if k == 0:
            return -self.expm1(level / n)
        top = (1 + self.kl_upper(Fraction(k, n), -level / n)) / 2  # the tail is below exp(-n kl)
        return self.root(lambda p: self.log(self.binomial_tail(k, n, p)) - level, 0, self.upper(top))

    def _of(self, f: Any) -> Any:
        return f and (lambda *x: real(self.number(f(*map(Ball, x)))))


def real(x: Any) -> arb:
    """Return the ball of a real number of record code.

    Parameters
    ----------
    x : Ball
        Number.

    Returns
    -------
    arb

    Raises
    ------
    DomainError
        For anything else, such as a complex number inside an integral.
    """
    if not isinstance(x, Ball) or isinstance(x.value, acb):
        raise DomainError(f"{x!r} is not a real number")
    return x.value
