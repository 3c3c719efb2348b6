"""Replay: an independent checker of certificates. It searches for nothing and shares no code with the engines.

A proof stores ``evidence["certificate"]``, plain JSON data with a ``kind``: what the search has found (a contact, the
factors of a level, the squares of a polynomial, the boxes of a cover). A module here with ``KIND`` and ``check`` holds
one kind; what it cannot confirm it rejects. Expressions in a certificate are text in the grammar of
`dltsym.notation.parse`, numbers are text like ``3/8``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from dltsym.errors import DltsymError
from dltsym.prove.problem import Problem
from dltsym.prove.replay.names import readable

Certificate = Mapping[str, Any]
Check = Callable[[Problem, Certificate], None]


class Rejected(DltsymError):
    """A certificate does not prove what it is said to prove.

    Parameters
    ----------
    where : str
        Part of the certificate.
    why : str
        What is wrong there.
    """

    def __init__(self, where: str, why: str) -> None:
        self.where, self.why = where, why
        super().__init__(f"{where}: {why}")


@lru_cache(maxsize=1)
def kinds() -> dict[str, Check]:
    """Return the checker of every kind of certificate.

    Returns
    -------
    dict of str to callable
    """
    modules = [import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return {m.KIND: m.check for m in modules if "KIND" in vars(m)}


def replay(problem: Problem, certificate: Certificate) -> None:
    """Check that a certificate proves a problem, without any search.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Plain data with a ``kind``.

    Raises
    ------
    Rejected
        When any part of it does not hold, is missing or is of the wrong form.
    """
    kind = certificate.get("kind")
    if not isinstance(kind, str) or kind not in kinds():
        raise Rejected("kind", f"unknown certificate kind {kind!r}")
    try:
        kinds()[kind](readable(problem), certificate)
    except Rejected:
        raise
    except DltsymError as err:  # a text that does not parse, a name that is not declared, a node without a rule
        raise Rejected(str(kind), str(err)) from err
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as err:
        raise Rejected(str(kind), f"{type(err).__name__}: {err}") from err
