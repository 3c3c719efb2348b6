"""Statements of a generated function: blocks, `del` after the last use, and text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NAME = re.compile(r"(?<![\w.])_?[^\W\d]\w*")
INDENT = "    "


@dataclass
class Line:
    """One statement, and the temporary that it defines, if any."""

    text: str
    defines: str = ""
    dead: list[str] = field(default_factory=list)

    def names(self) -> frozenset[str]:
        """Return the names that occur in the statement.

        Returns
        -------
        frozenset of str
        """
        return frozenset(_NAME.findall(self.text))


@dataclass
class Block:
    """A compound statement: its head, such as ``for _k in range(n):``, and its body."""

    head: str
    body: list[Line | Block] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)

    def names(self) -> frozenset[str]:
        """Return the names that occur in the head or the body.

        Returns
        -------
        frozenset of str
        """
        return frozenset(_NAME.findall(self.head)).union(*(s.names() for s in self.body))

    def defined(self) -> frozenset[str]:
        """Return the temporaries that the body defines.

        Returns
        -------
        frozenset of str
        """
        own = (frozenset([s.defines]) if isinstance(s, Line) else s.defined() for s in self.body)
        return frozenset().union(*own)


def mark_dead(statements: list[Line | Block], live: frozenset[str], temporaries: frozenset[str]) -> None:
    """Note at every statement which temporaries are used there for the last time.

    Parameters
    ----------
    statements : list of Line or Block
        Statements in order.
    live : frozenset of str
        Names needed after them.
    temporaries : frozenset of str
        Names that may be deleted.
    """
    alive = set(live)
    for statement in reversed(statements):
        used = statement.names() & temporaries
        if isinstance(statement, Block):
            outside = used - statement.defined()
            # What a round reads from outside is needed by the next round.
            mark_dead(statement.body, frozenset(alive | outside), temporaries)
            used = frozenset(outside | (statement.defined() & temporaries & alive))
        statement.dead = sorted(used - alive, key=_number)
        if isinstance(statement, Line) and statement.text.startswith("return"):
            statement.dead = []
        alive |= used
    _unused(statements)


def _unused(statements: list[Line | Block]) -> None:
    # A line whose own result dies at once would be deleted and then missing from nothing: keep the plain assignment.
    for s in statements:
        if isinstance(s, Line) and s.defines in s.dead:
            s.dead.remove(s.defines)


def render(statements: Iterable[Line | Block], depth: int = 1) -> list[str]:
    """Return lines of text.

    Parameters
    ----------
    statements : iterable of Line or Block
        Statements.
    depth : int
        Level of indentation.

    Returns
    -------
    list of str
    """
    out = []
    for s in statements:
        pad = INDENT * depth
        if isinstance(s, Line):
            out.append(pad + s.text + (f"; del {', '.join(s.dead)}" if s.dead else ""))
        else:
            out += [pad + s.head, *render(s.body, depth + 1)]
            if s.dead:
                out.append(f"{pad}del {', '.join(s.dead)}")
    return out


def _number(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)
