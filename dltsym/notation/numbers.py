"""`Balls`: rigorous numbers under the names that printed code uses, for audit fixtures."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import arb

from dltsym.errors import DomainError
from dltsym.notation.balls import REAL, rational, working


class Balls:
    """Numbers for audit fixtures: balls at `prec` bits with the functions that printed code uses.

    Operators on balls use flint's global precision, so run the fixture through `run` or inside ``with``.

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

    def run(self, fixture: Callable[..., Any], **inputs: Any) -> Any:
        """Call ``fixture(self, **inputs)`` at this precision.

        Parameters
        ----------
        fixture : callable
            Code written against this namespace.
        **inputs
            Passed on.

        Returns
        -------
        object
            What the fixture returns.
        """
        with self:
            return fixture(self, **inputs)

    def number(self, x: Any) -> Any:
        """Turn a number into a ball: floats and decimal text are taken exactly; nested sequences elementwise.

        Parameters
        ----------
        x : int, float, Fraction, str, arb or sequence
            Input.

        Returns
        -------
        arb or list

        Raises
        ------
        DomainError
            When `x` is not a finite number.
        """
        if isinstance(x, arb):
            return x
        if isinstance(x, list | tuple):
            return [self.number(y) for y in x]
        try:
            value = Fraction(x)
        except (ValueError, OverflowError, ZeroDivisionError, TypeError):
            raise DomainError(f"{x!r} is not a finite number; give an integer, a fraction or decimal text") from None
        with working(self.prec):
            return arb(rational(value))

    @property
    def pi(self) -> arb:
        """The circle constant."""
        with working(self.prec):
            return arb.pi()

    def maximum(self, a: Any, b: Any) -> arb:
        """Return the larger of two numbers.

        Parameters
        ----------
        a, b : number
            Numbers.

        Returns
        -------
        arb
        """
        return self._call("max", a, b)

    def minimum(self, a: Any, b: Any) -> arb:
        """Return the smaller of two numbers.

        Parameters
        ----------
        a, b : number
            Numbers.

        Returns
        -------
        arb
        """
        return self._call("min", a, b)

    def __getattr__(self, name: str) -> Callable[..., arb]:
        if name not in REAL or name in ("delta", "binomial"):
            raise AttributeError(f"Balls has no function {name!r}")
        return lambda *args: self._call(name, *args)

    def _call(self, name: str, *args: Any) -> arb:
        with working(self.prec):
            return REAL[name](*(self.number(a) for a in args))
