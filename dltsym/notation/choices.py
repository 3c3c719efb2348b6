"""Choices made with certainty inside closures ``f(B, E)``, and the loops that folds and iterations share.

A choice is decided by exact rationals where both sides have one, else by balls that do not overlap; balls are there
only while a ball is evaluated (``E[0][1]``). A choice that stays open makes the value unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

from dltsym.errors import DomainError, UnknownNode
from dltsym.notation.balls import MAX_BITS, NAN, NotRational
from dltsym.notation.tree import Const, Expr, Sym
from dltsym.notation.walk import subterms

KEPT_BITS = 512  # an exact value carried beside a ball may not grow beyond this
Closure = Callable[[list, list], Any]
Path = Callable[..., Closure]
Value = tuple[fmpq | None, arb | None]


@dataclass(frozen=True)
class Choices:
    """A part compiled on both paths; `read` gives its value now: exact or None, and a ball or None.

    Reading both at every level of nested choices would double the work at each, so a choice tries `ways` in turn.
    """

    exact: Closure
    ball: Closure

    @staticmethod
    def ways(E: list) -> tuple[bool, ...]:
        """Return with which values of `exact` a choice reads: balls alone first, where there are any.

        Parameters
        ----------
        E : list
            Frame.

        Returns
        -------
        tuple of bool
        """
        return (False, True) if E[0][1] else (True,)

    def read(self, B: list, E: list, exact: bool = True) -> Value:
        """Return the value now.

        Parameters
        ----------
        B, E : list
            Frame.
        exact : bool
            Try to find an exact value.

        Returns
        -------
        tuple
        """
        if not exact:
            return None, self.ball(B, E)
        try:
            q = self.exact(B, E)
        except NotRational:
            return None, (self.ball(B, E) if E[0][1] else None)
        return q, (arb(q) if E[0][1] else None)


@dataclass(frozen=True)
class Paths:
    """The compilers of both paths, the slots, and whether the value that is made is a ball."""

    exact: Path
    ball: Path
    slots: Any
    balls: bool

    def value(self, node: Expr) -> Closure:
        """Compile a part on the path that makes the value.

        Parameters
        ----------
        node : Expr
            Part.

        Returns
        -------
        callable
        """
        return (self.ball if self.balls else self.exact)(node, self.slots)

    def both(self, node: Expr) -> Choices:
        """Compile a part on both paths.

        Parameters
        ----------
        node : Expr
            Part.

        Returns
        -------
        Choices
        """
        return Choices(self.exact(node, self.slots), self.ball(node, self.slots))

    def give(self, q: Any) -> Any:
        """Return an exact result as this path does; None is unknown.

        Parameters
        ----------
        q : fmpq, int or None
            Result.

        Returns
        -------
        arb or fmpq

        Raises
        ------
        NotRational
            On the exact path, when the result is unknown.
        """
        if q is None and not self.balls:
            raise NotRational
        return NAN if q is None else arb(q) if self.balls else fmpq(q)


def known(value: Value) -> bool:
    """Say whether a value is defined for certain.

    Parameters
    ----------
    value : tuple
        Exact value or None, ball or None.

    Returns
    -------
    bool
    """
    return value[0] is not None or (value[1] is not None and value[1].is_finite())


def holds(x: Value, op: str, y: Value) -> bool | None:
    """Compare two values with certainty; None is unknown.

    Parameters
    ----------
    x, y : tuple
        Values.
    op : str
        A relation.

    Returns
    -------
    bool or None
    """
    (p, a), (q, b) = x, y
    if op in (">", ">="):
        return holds(y, "<" if op == ">" else "<=", x)
    if p is not None and q is not None:
        return {"=": p == q, "!=": p != q, "<": p < q, "<=": p <= q}[op]
    if a is None or b is None or not (a.is_finite() and b.is_finite()):
        return None
    if op in ("=", "!="):  # equality is never concluded from balls
        return None if a.overlaps(b) else op == "!="
    if op == "<":
        return True if a < b else False if a >= b else None
    return True if a <= b else False if a > b else None


def kept(value: Value, balls: bool) -> Value:
    """Drop an exact value that has grown too long to carry through a loop.

    Parameters
    ----------
    value : tuple
        Value of one round.
    balls : bool
        Whether balls are made.

    Returns
    -------
    tuple

    Raises
    ------
    NotRational
        On the exact path, when no exact value is left.
    """
    q, x = value
    long = q is not None and max(q.p.bit_length(), q.q.bit_length()) > (KEPT_BITS if balls else MAX_BITS)
    if not balls and (q is None or long):
        raise NotRational
    return (None, x) if long else value


def whole(f: Closure, what: str) -> Callable[[list, list], int]:
    """Return a closure that gives an exact integer.

    Parameters
    ----------
    f : callable
        Closure of the exact path.
    what : str
        Named in errors.

    Returns
    -------
    callable
        It raises `DomainError` for anything else.
    """

    def at(B: list, E: list) -> int:
        try:
            q = f(B, E)
        except NotRational:
            raise DomainError(f"{what} is not an exact integer") from None
        if q.q != 1:
            raise DomainError(f"{what} is {q}: not an integer")
        return int(q.p)

    return at


def spend(E: list, terms: int, text: str) -> None:
    """Take terms from the budget of an evaluation.

    Parameters
    ----------
    E : list
        Frame.
    terms : int
        How many.
    text : str
        Named in the error.

    Raises
    ------
    DomainError
        When none are left.
    """
    E[0][0] -= max(terms, 0)
    if E[0][0] < 0:
        raise DomainError(f"{text} has too many terms here")


def put(B: list, E: list, slot: int, i: int) -> None:
    """Give an index its value on both paths.

    Parameters
    ----------
    B, E : list
        Frame.
    slot, i : int
        Slot and value.
    """
    E[slot] = fmpq(i)
    if E[0][1]:
        B[slot] = arb(i)


def loop(limits: tuple[tuple[Sym, Expr, Expr], ...], text: str, paths: Paths) -> Callable[..., Iterator[int]]:
    """Return a generator that sets indices to every tuple in range, outermost slowest, and yields the innermost.

    Parameters
    ----------
    limits : tuple
        Bound indices and their ranges, innermost first.
    text : str
        Named in errors.
    paths : Paths
        Compilers.

    Returns
    -------
    callable

    Raises
    ------
    UnknownNode
        For an infinite range.
    """
    loops = []
    for var, lo, hi in reversed(limits):
        if any(isinstance(t, Const) and t.name == "oo" for e in (lo, hi) for t in subterms(e)):
            raise UnknownNode(f"the range of {var.name} in {text} is infinite")
        ends = [whole(paths.exact(e, paths.slots), f"a limit of {text}") for e in (lo, hi)]
        loops.append((paths.slots.new(var), *ends))

    def run(B: list, E: list, depth: int = 0) -> Iterator[int]:
        slot, lo, hi = loops[depth]
        a, b = lo(B, E), hi(B, E)
        spend(E, b - a + 1, text)
        for i in range(a, b + 1):
            put(B, E, slot, i)
            if depth + 1 == len(loops):
                yield i
            else:
                yield from run(B, E, depth + 1)

    return run
