"""`Floats`: the numbers of record code in double precision, under the names of `dltsym.notation.numbers.Balls`."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from dltsym.errors import DomainError
from dltsym.lower.closed import entropy, inverse, stable
from dltsym.notation.optima import near_minimum


def _exp(u: float) -> float:
    return math.exp(u) if u <= 709.782712893384 else math.inf


_MATH: dict[str, Callable[..., Any]] = {
    "abs": abs, "exp": _exp, "expm1": math.expm1, "log": math.log, "log1p": math.log1p, "sqrt": math.sqrt,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "acos": math.acos, "asin": math.asin, "atan": math.atan,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "erf": math.erf, "erfc": math.erfc,
    "lgamma": math.lgamma, "floor": math.floor, "rsqrt": lambda u: 1 / math.sqrt(u),
    "sech2": lambda u: 1 / math.cosh(u) ** 2, "relu": lambda u: max(u, 0.0),
    "sign": lambda u: float((u > 0) - (u < 0)), "logsigmoid": lambda u: -stable.softplus(-u),
    "logaddexp": lambda u, w: max(u, w) + math.log1p(math.exp(-abs(u - w))),
    "log1mexp": lambda u: math.log(-math.expm1(-u)) if u < 0.7 else math.log1p(-math.exp(-u)),
    "log1pmx": lambda u: -_array_function(stable.log1pmx, u),
    "phi1d": lambda z: math.exp(z) * (z - 1) / z**2 + 1 / z**2 if abs(z) > 0.1 else sum(
        (k + 1) * z**k / math.factorial(k + 2) for k in range(12)),
}  # fmt: skip
_SCIPY = {"digamma": "digamma", "ei": "expi", "log_ndtr": "log_ndtr", "bessel_i": "iv", "bessel_ie": "ive",
          "xlogy": "xlogy"}  # fmt: skip
_STABLE = {
    **{name: getattr(entropy, name) for name in ("xlogx", "kl_bernoulli", "binary_entropy")},
    **{name: getattr(inverse, name) for name in ("kl_lower", "kl_upper")},
    **{name: getattr(stable, name) for name in ("expm1mx", "log_cosh", "softplus", "sigmoid", "phi1")},
}


class Floats:
    """Python floats with the interface of `Balls`; comparisons decide, `widen` and `upper` change nothing.

    Examples
    --------
    >>> m = Floats()
    >>> m.root(lambda x: m.exp(x) - 2, 0, 1) == m.log(m.number(2))
    True
    """

    pi = math.pi

    def __enter__(self) -> Floats:
        return self

    def __exit__(self, *exc: Any) -> None:
        return None

    def number(self, x: Any) -> Any:
        """Turn a number, decimal text or nested sequence into floats.

        Parameters
        ----------
        x : number, str or sequence
            Input.

        Returns
        -------
        float or list

        Raises
        ------
        DomainError
            When `x` is not a finite number, or too large for a float.
        """
        if isinstance(x, list | tuple):
            return [self.number(y) for y in x]
        try:
            value = float(Fraction(x)) if isinstance(x, str) else float(x)
        except (ValueError, OverflowError, ZeroDivisionError, TypeError):
            raise DomainError(f"{x!r} is not a finite number that floating point can hold") from None
        return value

    def result(self, value: Any, text: str) -> float:
        """Return a result of record code as a float; one that is too large is infinite.

        Parameters
        ----------
        value : object
            What the code returned.
        text : str
            Named in errors.

        Returns
        -------
        float

        Raises
        ------
        DomainError
            When it is not a number.
        """
        if not isinstance(value, int | float | Fraction):
            raise DomainError(f"{text} is {value!r}; an algorithm returns numbers, made of m.number")
        number = self.number(value)
        if math.isnan(number):
            raise DomainError(f"{text} is not a number in floating point; use --backend ball")
        return number

    def max(self, *numbers: Any) -> float:
        """Return the largest of some numbers, or of a list of numbers.

        Parameters
        ----------
        *numbers : number
            Numbers.

        Returns
        -------
        float
        """
        return max(self._items(numbers))

    def min(self, *numbers: Any) -> float:
        """Return the smallest of some numbers, or of a list of numbers.

        Parameters
        ----------
        *numbers : number
            Numbers.

        Returns
        -------
        float
        """
        return min(self._items(numbers))

    maximum, minimum = max, min

    def sum(self, numbers: Any) -> float:
        """Return the sum of a sequence, rounded once.

        Parameters
        ----------
        numbers : iterable of number
            Numbers.

        Returns
        -------
        float
        """
        return math.fsum(map(self.number, numbers))

    def logsumexp(self, numbers: Any) -> float:
        """Return the logarithm of the sum of exponentials of a sequence.

        Parameters
        ----------
        numbers : iterable of number
            At least one number.

        Returns
        -------
        float
        """
        items = [self.number(x) for x in numbers]
        top = max(items)
        return top + math.log(math.fsum(math.exp(x - top) for x in items))

    def widen(self, x: Any, bound: Any) -> Any:
        """Return `x`.

        Parameters
        ----------
        x : number or nested list
            Computed numbers.
        bound : number
            Largest error; only enclosures can hold it.

        Returns
        -------
        float or nested list
        """
        self.number(bound)
        return self.number(x)

    def upper(self, x: Any) -> float:
        """Return `x`.

        Parameters
        ----------
        x : number
            Number.

        Returns
        -------
        float
        """
        return self.number(x)

    lower = middle = upper

    def root(self, f: Callable[[Any], Any], lo: Any, hi: Any) -> float:
        """Return the only zero of a monotone function between two points.

        Parameters
        ----------
        f : callable
            Function of one number.
        lo, hi : number
            Ends.

        Returns
        -------
        float

        Raises
        ------
        DomainError
            When the signs at the ends do not differ.
        """
        from scipy.optimize import brentq

        a, b = self.number(lo), self.number(hi)
        if not a < b:
            raise DomainError(f"a root is looked for between two points, not {a} and {b}")
        if f(a) * f(b) > 0:
            raise DomainError(f"the function has the same sign at {a} and at {b}")
        return float(brentq(f, a, b, xtol=5e-324, rtol=9e-16, maxiter=2000))

    def minimiser(self, f: Callable[[Any], Any], lo: Any, hi: Any) -> float:
        """Return a point near the least value of a function on an interval.

        Parameters
        ----------
        f : callable
            Function of one number.
        lo, hi : number
            Ends.

        Returns
        -------
        float
        """
        return near_minimum(lambda x: self.number(f(x)), self.number(lo), self.number(hi))

    def least(self, f: Callable[[Any], Any], lo: Any, hi: Any, slope: Any = None, below: Any = None) -> float:
        """Return the least value of a function on an interval.

        Parameters
        ----------
        f : callable
            Function of one number.
        lo, hi : number
            Ends.
        slope, below : callable, optional
            What only enclosures need.

        Returns
        -------
        float
        """
        del slope, below
        return self.number(f(self.minimiser(f, lo, hi)))

    def binomial_tail(self, k: int, n: int, p: Any) -> float:
        """Return the probability of at most k successes in n independent trials.

        Parameters
        ----------
        k, n : int
            Successes and trials.
        p : number
            Probability of success.

        Returns
        -------
        float
        """
        from scipy.special import bdtr

        return float(bdtr(k, n, self.number(p)))

    def binomial_upper(self, k: int, n: int, logdelta: Any) -> float:
        """Return the largest probability of success under which at most k successes are as likely as delta.

        Parameters
        ----------
        k, n : int
            Successes and trials.
        logdelta : number
            Logarithm of delta, below -log(2).

        Returns
        -------
        float
        """
        from dltsym.lower.closed.binomial import log_tail_inverse

        return float(log_tail_inverse(k, n, self.number(logdelta)))

    def integral(self, f: Callable[[Any], Any], lo: Any, hi: Any) -> float:
        """Return the integral of a function over a finite interval.

        Parameters
        ----------
        f : callable
            Function of one number.
        lo, hi : number
            Ends.

        Returns
        -------
        float
        """
        from scipy.integrate import quad

        return float(quad(f, self.number(lo), self.number(hi), epsabs=0, epsrel=1e-12, limit=400, full_output=1)[0])

    def __getattr__(self, name: str) -> Callable[..., float]:
        if name in _MATH:
            return lambda *args: float(_MATH[name](*map(self.number, args)))
        if name in _STABLE:
            return lambda *args: _array_function(_STABLE[name], *map(self.number, args))
        if name in _SCIPY or name == "trigamma":
            return lambda *args: _special(name, *map(self.number, args))
        raise AttributeError(f"Floats has no function {name!r}")

    def _items(self, numbers: tuple[Any, ...]) -> list[float]:
        items = numbers[0] if len(numbers) == 1 and isinstance(numbers[0], list | tuple) else numbers
        return [self.number(x) for x in items]


def _array_function(f: Callable[..., Any], *args: float) -> float:
    import numpy as np

    with np.errstate(all="ignore"):
        return float(f(*map(np.float64, args)))


def _special(name: str, *args: float) -> float:
    from scipy import special

    return float(special.polygamma(1, *args) if name == "trigamma" else getattr(special, _SCIPY[name])(*args))
