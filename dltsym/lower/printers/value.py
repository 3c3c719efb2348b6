"""A printed value: text, the axes of its last dimensions, and how it may be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dltsym.lower.axes import Axis

ATOM, POWER, UNARY, TIMES, PLUS, LOOSE = 5, 4, 3, 2, 1, 0


@dataclass(frozen=True)
class Value:
    """Text of an expression.

    Attributes
    ----------
    code : str
        Python text.
    axes : tuple of Axis
        Axes of the last dimensions; batch dimensions lead.
    kind : {"real", "integer", "truth"}
        Type of the entries.
    pure : bool
        Whether it is a Python number made of numbers and sizes only.
    level : int
        How tightly the outermost operator binds.
    batch : bool
        Whether there may be batch dimensions.
    host : bool
        Whether it is made of scalar arguments, numbers and sizes by arithmetic only: a Python number if they are.
    holds : frozenset of str
        Temporaries with at least two axes that the text reads below its outermost operation.
    keep : tuple
        For a reduction: its text, its text with the reduced dimensions kept, and the axes left or None.
    """

    code: str
    axes: tuple[Axis, ...] = ()
    kind: str = "real"
    pure: bool = False
    level: int = ATOM
    batch: bool = True
    holds: frozenset[str] = frozenset()
    host: bool = False
    keep: tuple[str, str, tuple[Axis | None, ...]] = ("", "", ())

    def inside(self, level: int) -> str:
        """Return the text, in parentheses unless it binds at least as tightly as `level`.

        Parameters
        ----------
        level : int
            Needed level.

        Returns
        -------
        str
        """
        return self.code if self.level >= level else f"({self.code})"

    def filled(self, template: str, **fields: object) -> str:
        """Return a template with the text as its operand ``{0}``, in parentheses only where a method is called on it.

        Parameters
        ----------
        template : str
            Template.
        **fields : object
            Its other fields.

        Returns
        -------
        str
        """
        return template.format(self.inside(ATOM if template.startswith(("{0}.", "~")) else LOOSE), **fields)

    def dims(self, axes: Iterable[Axis]) -> tuple[int, ...]:
        """Return the negative dimensions of some of its axes.

        Parameters
        ----------
        axes : iterable of Axis
            Axes of the value.

        Returns
        -------
        tuple of int
        """
        return tuple(sorted(self.axes.index(a) - len(self.axes) for a in axes))

    def indexed(self, picks: Sequence[str], axes: tuple[Axis, ...]) -> Value:
        """Return the value under an index such as ``[..., None, :]``.

        Parameters
        ----------
        picks : sequence of str
            One text per dimension.
        axes : tuple of Axis
            Axes of the result.

        Returns
        -------
        Value
        """
        picks = list(picks)
        if all(p == ":" for p in picks):
            return replace(self, axes=axes)
        while self.batch and picks[0] == ":":
            picks = picks[1:]  # the dots in front stand for it
        inside = ", ".join(picks if not self.batch else ["...", *picks])
        return replace(self, code=f"{self.inside(ATOM)}[{inside}]", axes=axes, level=ATOM)
