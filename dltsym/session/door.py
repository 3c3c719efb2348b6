"""`check`: the one-line question, about a claim over the session's names or about a record of the catalogue."""

from __future__ import annotations

from typing import Any

from dltsym import catalogue
from dltsym.notation.tree import Rel
from dltsym.session.settle import settle
from dltsym.session.state import RELATION, SESSION


def check(what: Any, *, by: Any = (), hint: str = "", cache: bool = True) -> Any:
    """Decide a claim under the hypotheses in force, or check a record of the catalogue.

    Parameters
    ----------
    what : str, Rel, Theorem or Audit
        A relation such as ``"p <= q + sqrt(B/2)"`` over declared names; or a key or record.
    by : object or sequence
        For a claim: names of hypotheses, theorems such as ``thm.pinsker``, derivations, findings, relations.
    hint : str
        For a claim: engine hint, for example ``"p @ q"``.
    cache : bool
        For a record: whether a kept report may be used.

    Returns
    -------
    Finding, tuple of Finding, Report or AuditReport
        One finding per link of a chain of relations. A finding has no truth value: ask for its ``status``.

    A term that may have no value raises `Undefined`; an unknown name `UndeclaredSymbol`, an unknown key `UnknownKey`.

    Examples
    --------
    >>> from dltsym import check, given, reals
    >>> x, y = reals("x y")
    >>> with given("x > 0"):
    ...     check("x + 1/x >= 2").status
    'proved'
    >>> check("x**2 >= x").status
    'refuted'
    """
    if isinstance(what, str) and not RELATION.search(what):
        return catalogue.check(what, cache=cache)
    if isinstance(what, str | Rel) or type(what).__module__.split(".")[0] == "sympy":
        found = [settle(rel, by, hint) for rel in SESSION.chain(what)]
        return tuple(found) if len(found) > 1 else found[0]
    return catalogue.check(what, cache=cache)
