"""Where a part of a certificate is checked, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.notation.parse import parse_expr, parse_relations
from dltsym.notation.tree import Expr, Rel
from dltsym.notation.walk import expand_definitions
from dltsym.prove.replay.defined import gap
from dltsym.prove.replay.side import Store

Json = Mapping[str, Any]


class Bad(ValueError):
    """A part of a certificate does not hold."""


@dataclass(frozen=True)
class Place:
    """Where a part of a certificate is checked: the names of its texts, and the facts that hold there."""

    names: Mapping[str, Expr]
    store: Store

    def expr(self, text: str) -> Expr:
        """Read an expression and make sure that it is defined.

        Parameters
        ----------
        text : str
            Source.

        Returns
        -------
        Expr
        """
        out = self.read(text)
        need_defined(out, self)
        return out

    def read(self, text: str) -> Expr:
        """Read an expression.

        Parameters
        ----------
        text : str
            Source.

        Returns
        -------
        Expr
        """
        return parse_expr(text_of(text), self.names)

    def rel(self, text: str) -> Rel:
        """Read a relation.

        Parameters
        ----------
        text : str
            Source.

        Returns
        -------
        Rel
        """
        (out,) = parse_relations(text_of(text), self.names)
        return out.flipped()


def text_of(value: Any) -> str:
    """Return a value that has to be text.

    Parameters
    ----------
    value : object
        Part of a certificate.

    Returns
    -------
    str

    Raises
    ------
    Bad
        When it is none.
    """
    if not isinstance(value, str):
        raise Bad(f"{value!r} is no text")
    return value


def need(ok: bool, why: str) -> None:
    """Raise when something does not hold.

    Parameters
    ----------
    ok : bool
        What has to hold.
    why : str
        Message.

    Raises
    ------
    Bad
        When `ok` is false.
    """
    if not ok:
        raise Bad(why)


def need_defined(expr: Expr, place: Place) -> None:
    """Require that a tree, with its defined functions expanded, is defined.

    Parameters
    ----------
    expr : Expr
        Tree.
    place : Place
        Where.
    """
    missing = gap(place.store, expand_definitions(expr))
    need(missing is None, f"{missing} is not shown, as {expr} needs")


def need_zero(expr: Expr, place: Place, why: str) -> None:
    """Require that a tree vanishes wherever it is defined.

    Parameters
    ----------
    expr : Expr
        Tree.
    place : Place
        Where.
    why : str
        Message.
    """
    need(place.store.zero(expr), why)


def number(value: Any) -> Fraction:
    """Read an exact number.

    Parameters
    ----------
    value : str
        Text such as ``3/8``.

    Returns
    -------
    Fraction
    """
    return Fraction(text_of(value))


def only(data: Json, *names: str) -> None:
    """Require that a part of a certificate has no other fields: nothing unchecked is carried along.

    Parameters
    ----------
    data : mapping
        Part of a certificate.
    *names : str
        Fields it may have.
    """
    need(isinstance(data, Mapping) and set(data) <= set(names), f"unknown fields in {sorted(map(str, data))}")
