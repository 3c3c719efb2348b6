"""What is known about generators of the tower by their kind."""

from __future__ import annotations

from flint import fmpq

from dltsym.notation.tree import Call, Const, Expr
from dltsym.prove.named import Quotient
from dltsym.prove.tower import Gen
from dltsym.prove.verdict import weakest


def fixed_ends(gen: Gen) -> tuple[tuple[fmpq, bool, bool], ...]:
    """Return the ends that hold for every argument, as ``(value, excluded, upper)``.

    Parameters
    ----------
    gen : Gen
        Generator.

    Returns
    -------
    tuple
    """
    one = fmpq(1)
    if gen.kind in ("sin", "cos"):
        return (-one, False, False), (one, False, True)
    if gen.kind == "opaque" and isinstance(gen.arg, Const) and gen.arg.name == "pi":
        return (fmpq(3), True, False), (fmpq(22, 7), True, True)
    if gen.kind == "opaque" and isinstance(gen.arg, Call) and gen.arg.name == "erf":
        return (-one, True, False), (one, True, True)
    return ()


def argument(gen: Gen) -> Expr | None:
    """Return ``u`` of a generator that stands for ``exp(u)``, ``log(u)``, ``sqrt(u)`` or ``erf(u)``.

    Parameters
    ----------
    gen : Gen
        Generator.

    Returns
    -------
    Expr or None
    """
    names = {"exp": "exp", "log": "log", "root": "sqrt", "opaque": "erf"}
    arg = gen.arg
    return arg.args[0] if isinstance(arg, Call) and names.get(gen.kind) == arg.name else None


def grade_of(q: Quotient | None) -> str:
    """Return the weakest grade among the rows of a form.

    Parameters
    ----------
    q : Quotient or None
        Form.

    Returns
    -------
    str
    """
    return weakest(r.grade for r in q.rows) if q is not None else "exact"
