"""The base of nodes that bind names in some of their parts only: one case for walking, substitution and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from dltsym.notation.tree import Expr, Sym


class Binding(Expr):
    """A node with parts, some of which see names that it binds."""

    @property
    def parts(self) -> tuple[Expr, ...]:
        """Direct subexpressions."""
        raise NotImplementedError

    @property
    def bound(self) -> tuple[Sym, ...]:
        """Names that the node binds, in an order that does not depend on how they are called."""
        return ()

    @property
    def scopes(self) -> tuple[frozenset[Sym], ...]:
        """Which bound names each part sees."""
        return (frozenset(),) * len(self.parts)

    @property
    def tag(self) -> str:
        """What the node is besides its parts."""
        raise NotImplementedError

    def with_parts(self, new: tuple[Expr, ...]) -> Self:
        """Return the node over other parts, as many as `parts`.

        Parameters
        ----------
        new : tuple of Expr
            Parts.

        Returns
        -------
        Binding
        """
        raise NotImplementedError

    def with_bound(self, names: Mapping[Sym, Sym]) -> Self:
        """Return the node with the names in its binding places replaced; what is in its parts stays as it is.

        Parameters
        ----------
        names : mapping of Sym to Sym
            New names.

        Returns
        -------
        Binding
        """
        raise NotImplementedError
