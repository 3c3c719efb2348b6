"""`Balls`: rigorous numbers under the names that record code uses, for audit fixtures and algorithms of theorems."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import acb, arb

from dltsym.errors import DomainError, Undecided
from dltsym.notation.balls import COMPLEX, NAN, REAL, working
from dltsym.notation.balls_stable import logaddexp
from dltsym.notation.enclosed import Ball, bare, lift
from dltsym.notation.searches import Searches, real
from dltsym.notation.zeros import enclosed_zero

_EVALUATIONS = 20_000  # of the integrand, by quadrature


class Balls(Searches):
    """Numbers for record code: enclosures at `prec` bits with the functions that printed code uses.

    Operators on balls use flint's global precision, so run the code through `run` or inside ``with``. A comparison
    that is not certain raises `Undecided`.

    Examples
    --------
    >>> m = Balls(128)
    >>> str(m.run(lambda m, x: m.exp(m.number(x)), x="0.5"))[:8]
    '[1.64872'
    """

    def __init__(self, prec: int = 128) -> None:
        self.prec = prec
        self._blocks: list[Any] = []

    def __enter__(self) -> Balls:
        block = working(self.prec)
        block.__enter__()
        self._blocks.append(block)
        return self

    def __exit__(self, *exc: Any) -> None:
        self._blocks.pop().__exit__(None, None, None)

    def run(self, code: Callable[..., Any], **inputs: Any) -> Any:
        """Call ``code(self, **inputs)`` at this precision.

        Parameters
        ----------
        code : callable
            Code written against this namespace.
        **inputs
            Passed on.

        Returns
        -------
        object
            What the code returns, with the balls of flint in place of `Ball`.
        """
        with self:
            return bare(code(self, **inputs))

    def number(self, x: Any) -> Any:
        """Turn a number into an enclosure: floats and decimal text are taken exactly; nested sequences elementwise.

        Parameters
        ----------
        x : int, float, Fraction, str, Ball, arb or sequence
            Input.

        Returns
        -------
        Ball or list

        Anything else than a finite number is a `DomainError`.
        """
        if isinstance(x, list | tuple):
            return [self.number(y) for y in x]
        with working(self.prec):
            return Ball(lift(x))

    def result(self, value: Any, text: str) -> arb:
        """Return a result of record code as a finite ball.

        Parameters
        ----------
        value : object
            What the code returned, without wrapping.
        text : str
            Named in errors.

        Returns
        -------
        arb

        Raises
        ------
        DomainError
            When it is not a real number.
        Undecided
            When it is not finite, which more bits may mend.
        """
        if not isinstance(value, Ball | int | Fraction):
            raise DomainError(f"{text} is {value!r}; an algorithm returns enclosures, made of m.number")
        ball = real(self.number(value))
        if not ball.is_finite():
            raise Undecided(f"{text} is {ball}, which is not a finite enclosure")
        return ball

    @property
    def pi(self) -> Ball:
        """The circle constant."""
        with working(self.prec):
            return Ball(arb.pi())

    def max(self, *numbers: Any) -> Ball:
        """Return the largest of some numbers, or of a list of numbers.

        Parameters
        ----------
        *numbers : number
            Numbers.

        Returns
        -------
        Ball
        """
        return self._fold("max", numbers)

    def min(self, *numbers: Any) -> Ball:
        """Return the smallest of some numbers, or of a list of numbers.

        Parameters
        ----------
        *numbers : number
            Numbers.

        Returns
        -------
        Ball
        """
        return self._fold("min", numbers)

    maximum, minimum = max, min

    def sum(self, numbers: Any) -> Ball:
        """Return the sum of a sequence.

        Parameters
        ----------
        numbers : iterable of number
            Numbers; none of them add up to 0.

        Returns
        -------
        Ball
        """
        return sum((self.number(x) for x in numbers), self.number(0))

    def logsumexp(self, numbers: Any) -> Ball:
        """Return the logarithm of the sum of exponentials of a sequence.

        Parameters
        ----------
        numbers : iterable of number
            At least one number.

        Returns
        -------
        Ball
        """
        first, *rest = [real(self.number(x)) for x in numbers]
        with working(self.prec):
            for x in rest:
                first = logaddexp(first, x)
            return Ball(first)

    def widen(self, x: Any, bound: Any) -> Any:
        """Return ``x +- bound``: what is known when `x` misses the wanted number by at most `bound`.

        Parameters
        ----------
        x : number or nested list
            Computed numbers.
        bound : number
            Largest error, not negative.

        Returns
        -------
        Ball or nested list
        """
        if isinstance(x, list | tuple):
            return [self.widen(y, bound) for y in x]
        with working(self.prec):
            most = abs(real(self.number(bound))).upper()
            return Ball(real(self.number(x)) + (arb(0, most) if most.is_finite() else NAN))

    def upper(self, x: Any) -> Ball:
        """Return a number that is certainly not below `x`; it has no width, so that comparing it is certain.

        Parameters
        ----------
        x : number
            Number.

        Returns
        -------
        Ball
        """
        with working(self.prec):
            return Ball(real(self.number(x)).upper())

    def lower(self, x: Any) -> Ball:
        """Return a number that is certainly not above `x`, without width.

        Parameters
        ----------
        x : number
            Number.

        Returns
        -------
        Ball
        """
        with working(self.prec):
            return Ball(real(self.number(x)).lower())

    def middle(self, x: Any) -> Ball:
        """Return the middle of an enclosure, without width: a guess, to be certified by what follows.

        Parameters
        ----------
        x : number
            Number.

        Returns
        -------
        Ball
        """
        with working(self.prec):
            return Ball(real(self.number(x)).mid())

    def root(self, f: Callable[[Any], Any], lo: Any, hi: Any) -> Ball:
        """Enclose the only zero of a continuous monotone function between two points.

        Parameters
        ----------
        f : callable
            Function of one number, with signs at `lo` and `hi` that are certain and differ.
        lo, hi : number
            Ends.

        Returns
        -------
        Ball

        An undecided sign at an end raises `Undecided`, equal signs raise `DomainError`.
        """
        ends = (real(self.number(x)) for x in (lo, hi))
        with working(self.prec):
            return Ball(enclosed_zero(lambda x: real(self.number(f(Ball(x)))), *ends, self.prec))

    def integral(self, f: Callable[[Any], Any], lo: Any, hi: Any) -> Ball:
        """Enclose the integral of an analytic function over a finite interval.

        Parameters
        ----------
        f : callable
            Function of one number, written with operators and functions of this namespace; it is also called with
            complex numbers, so it may not compare them.
        lo, hi : number
            Ends.

        Returns
        -------
        Ball

        What the integrand raises is raised.
        """
        a, b = (acb(real(self.number(x))) for x in (lo, hi))
        raised: list[Exception] = []

        def integrand(z: acb, _analytic: bool) -> acb:
            try:
                return acb(NAN) if raised else acb(self.number(f(Ball(z))).value)
            except (ArithmeticError, LookupError, TypeError, ValueError, Undecided) as error:
                raised.append(error)  # flint cannot pass an exception through
                return acb(NAN)

        with working(self.prec):
            out = acb.integral(integrand, a, b, eval_limit=_EVALUATIONS)
        if raised:
            raise raised[0]
        return Ball(out.real if out.imag.contains(0) else NAN)

    def __getattr__(self, name: str) -> Callable[..., Ball]:
        if name not in REAL or ":" in name or name in ("delta", "binomial"):
            raise AttributeError(f"Balls has no function {name!r}")
        return lambda *args: self._call(name, *args)

    def _fold(self, name: str, numbers: tuple[Any, ...]) -> Ball:
        items = numbers[0] if len(numbers) == 1 and isinstance(numbers[0], list | tuple) else numbers
        out, *rest = map(self.number, items)
        for x in rest:
            out = self._call(name, out, x)
        return out

    def _call(self, name: str, *args: Any) -> Ball:
        values = [self.number(a).value for a in args]
        with working(self.prec):
            if not any(isinstance(v, acb) for v in values):
                return Ball(REAL[name](*values))
            if name not in COMPLEX:
                raise DomainError(f"{name} is not analytic, or not known to be; it cannot stand inside an integral")
            return Ball(COMPLEX[name](*map(acb, values)))
