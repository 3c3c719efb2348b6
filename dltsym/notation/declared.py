"""`Decl`: what a scope knows about a symbol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dltsym.notation.tree import Expr


@dataclass(frozen=True)
class Decl:
    """Declaration of one symbol: what it means and where it may lie.

    `sort` is ``real``, ``integer``, ``index``, ``array``, ``let`` or ``bound``. For an array the bounds hold for every
    entry and `shape` lists the index ranges as ``(lo, hi)`` pairs; `entries` is ``real``, ``integer`` (numbers of what
    the array indexes) or ``bool`` (0 or 1). `uid` is non-zero for bound variables only.
    """

    name: str
    sort: str
    meaning: str = ""
    unit: str = "1"
    lo: Expr | None = None
    lo_open: bool = False
    hi: Expr | None = None
    hi_open: bool = False
    shape: tuple[tuple[Expr, Expr], ...] = ()
    latex: str | None = None
    definition: Expr | None = None
    uid: int = 0
    entries: str = "real"

    def __hash__(self) -> int:
        return hash((self.name, self.sort, self.uid))
