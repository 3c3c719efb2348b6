"""The range of a loss: what the user says, what a statement implies, and measured risks that cannot lie in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from dltsym.boundform import Bound
from dltsym.bounds.amounts import as_ball
from dltsym.bounds.rounding import decimal
from dltsym.errors import DomainError
from dltsym.lower.closed.oracle import exact
from dltsym.notation.balls import working
from dltsym.notation.evaluate import evaluate, evaluate_exact
from dltsym.notation.walk import expand_lets, free_symbols

__all__ = ["ends_of", "number_of", "out_of_range", "own_range", "range_of", "shown"]

BITS = 320
MOST = 10**40  # larger integers are shown with twelve digits


def ends_of(loss: Sequence[Any]) -> tuple[Fraction, Fraction]:
    """Read a range of losses.

    Parameters
    ----------
    loss : pair
        Smallest and largest loss.

    Returns
    -------
    tuple of Fraction

    Raises
    ------
    DomainError
        For anything else than two numbers, the smaller one first.
    """
    ends = tuple(exact(x) for x in loss) if len(loss) == 2 else ()
    if len(ends) != 2 or not all(isinstance(x, Fraction) for x in ends) or not ends[0] < ends[1]:
        raise DomainError(f"a range of losses is a pair of numbers, the smaller one first, not {loss!r}")
    return ends


def range_of(statement: Bound, inputs: Mapping[str, Any], ends: Any, measured: Any) -> Any:
    """Return the range of the loss: as the user says, if the statement and the measured risk agree, or its own.

    Parameters
    ----------
    statement : Bound
        Roles.
    inputs : mapping
        Exact inputs.
    ends : pair of Fraction or None
        Range as the user says; None where it was not said.
    measured : Fraction, arb or None
        Measured risk.

    Returns
    -------
    pair or None

    Raises
    ------
    DomainError
        For a range that is wider than the width, or does not cover that of the statement, or the measured risk.
    """
    own = own_range(statement, inputs)
    span = own if ends is None else ends
    if told := out_of_range(measured, span, ends is not None):
        raise DomainError(told)
    if ends is None:
        return span
    width = inputs.get(statement.width)
    if width is not None and not _reaches(width, ends[1] - ends[0]):
        raise DomainError(
            f"{statement.width} = {shown(width)}, and losses in [{shown(ends[0])}, {shown(ends[1])}] have the width "
            f"{shown(ends[1] - ends[0])}: say only one of both"
        )
    if own is not None and not (_reaches(own[0], ends[0]) and _reaches(ends[1], own[1])):
        raise DomainError(f"the losses of this statement lie in [{shown(own[0])}, {shown(own[1])}], not in "
                          f"[{shown(ends[0])}, {shown(ends[1])}]: leave the range away")  # fmt: skip
    return span


def out_of_range(measured: Any, loss: Any, said: bool) -> str:
    """Say why a measured risk cannot be the mean of losses in a range.

    Parameters
    ----------
    measured : Fraction, arb or None
        Measured risk in the units of the loss.
    loss : pair or None
        Range of the loss.
    said : bool
        Whether the user says it; else it is that of the bounded risk, and the measured one may exceed it.

    Returns
    -------
    str
        Empty where it can be, or that is not known.
    """
    if measured is None or loss is None:
        return ""
    lo, hi = loss
    if _below(measured, lo) or (said and _below(hi, measured)):
        return f"a measured risk of {shown(measured)} is not in the range [{shown(lo)}, {shown(hi)}] of the loss"
    return ""


def own_range(statement: Bound, inputs: Mapping[str, Any]) -> Any:
    """Return the range of losses that follows from the inputs.

    Parameters
    ----------
    statement : Bound
        Roles.
    inputs : mapping
        Exact inputs.

    Returns
    -------
    pair or None
        None where the record does not say.
    """
    trees = [statement.trees.get(f"loss {end}") for end in ("from", "to")]
    return None if None in trees else tuple(number_of(t, inputs) for t in trees)


def number_of(tree: Any, inputs: Mapping[str, Any]) -> Any:
    """Evaluate an expression of a statement, exactly where its value is rational.

    Parameters
    ----------
    tree : Expr
        Expression.
    inputs : mapping
        Exact inputs.

    Returns
    -------
    Fraction or arb
    """
    rational = all(isinstance(inputs.get(s.name), Fraction) for s in free_symbols(expand_lets(tree)))
    q = evaluate_exact(tree, inputs) if rational else None
    return evaluate(tree, inputs, BITS) if q is None else q


def _below(x: Any, y: Any) -> bool:
    """Tell whether a number is certainly below another."""
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return x < y
    with working(BITS):
        return bool(as_ball(x) < as_ball(y))


def _reaches(x: Any, y: Any) -> bool:
    """Tell whether a number is certainly at least another."""
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return x >= y
    with working(BITS):
        return bool(as_ball(x) >= as_ball(y))


def shown(x: Any) -> str:
    """Return an exact number for reading.

    Parameters
    ----------
    x : Fraction or arb
        Number.

    Returns
    -------
    str
    """
    if isinstance(x, Fraction):
        return str(x.numerator) if x.denominator == 1 and abs(x) < MOST else decimal(x, 0, digits=12)
    return x.str(12, radius=False) if hasattr(x, "rad") else str(x)
