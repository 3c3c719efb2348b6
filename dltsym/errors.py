"""The errors of dltsym: one base class and its few children, each raised with what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class DltsymError(Exception):
    """Base class of every error that dltsym raises on purpose."""


class NotationError(DltsymError):
    """A statement is not well formed: a float, a bad index, a syntax error, a truth test on a relation.

    When it is about a text, `message` says what is wrong without showing the text, and `column` where.
    """

    message: str = ""
    column: int | None = None


class UndeclaredSymbol(NotationError):
    """A name is used that its `Scope` does not declare."""


class RecordError(DltsymError):
    """A record contradicts itself: a chain that misses its claim, mixed directions, a missing part."""


class MixedDirections(RecordError):
    """A chain mixes ``<=`` with ``>=``."""


class CyclicLemma(RecordError):
    """A theorem is used, directly or through others, in its own proof."""


class UnknownKey(DltsymError):
    """No record, bibliography entry or function has the given key."""


class UnknownNode(DltsymError):
    """An engine or printer met a node that it cannot represent. It never skips one."""


class ProofError(DltsymError):
    """Base class of what a step can fail by; `finding` holds the verdict, `index` the number of the step (from 1).

    Parameters
    ----------
    message : str
        What happened, where, and what to do next.
    finding : object
        The `Finding`, when there is one.
    index : int
        Number of the step, 0 outside a chain.
    """

    def __init__(self, message: str, finding: Any = None, index: int = 0) -> None:
        super().__init__(message)
        self.finding, self.index = finding, index

    def _render_traceback_(self) -> list[str]:  # what IPython shows instead of the frames
        return [f"{type(self).__name__}: {self}"]


class StepRefuted(ProofError):
    """A step is false: at a certified point the hypotheses hold and the step does not."""


class StepOpen(ProofError):
    """A step is neither proved nor refuted; the message says what was tried and what would help."""


class SideConditionOpen(ProofError):
    """A side condition of a step, or a hypothesis of a lemma it uses, is not proved."""


class Undefined(ProofError):
    """A term is used where it may have no value: its condition does not follow from the hypotheses."""


class VacuousHypotheses(ProofError):
    """No point satisfies the hypotheses, so they would prove everything."""


class InternalError(DltsymError):
    """Two parts of the checker disagree. It is reported as a defect and never becomes a verdict."""


class DomainError(DltsymError, ValueError):
    """An input lies outside the declared domain of a symbol."""


class ShapeError(DomainError):
    """An array has the wrong number of axes, or two arrays disagree about the size of one."""


class DTypeError(DomainError):
    """Inputs mix number types, or a type that the symbol does not take."""


class UnsupportedError(UnknownNode):
    """A backend has no form for a construct; the message names every reason."""


class KernelMapError(DltsymError):
    """A callable and a statement do not fit together: a parameter without a value, an input nobody takes."""


class Undecided(DltsymError):
    """Balls overlap where a comparison has to be made, or stay too wide, at the highest precision that was allowed."""


class BrokenRecord(DltsymError):
    """A record file could not be loaded; the message carries its traceback."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a ``"; did you mean ...?"`` tail for an unknown `name`, or an empty string.

    Parameters
    ----------
    name : str
        What was asked for.
    known : iterable of str
        What exists.

    Returns
    -------
    str
        A tail for an error message.

    Examples
    --------
    >>> suggest("pinkser", ["pinsker", "occam"])
    '; did you mean pinsker?'
    >>> suggest("pinsker", ["information.pinsker", "pac_bayes.occam"])
    '; did you mean information.pinsker?'
    """
    names = list(known)
    tails: dict[str, list[str]] = {}  # a dotted key is often remembered by its last part
    for full in names:
        tails.setdefault(full.rpartition(".")[2], []).append(full)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    close = difflib.get_close_matches(name.rpartition(".")[2], tails, n=3, cutoff=0.75)
    near += [key for tail in close for key in tails[tail]]
    near = list(dict.fromkeys(near))[:3]
    return f"; did you mean {', '.join(near)}?" if near else ""
