"""`thm`: theorems by key, by attribute and by tab completion."""

from __future__ import annotations

from typing import Any

from dltsym.chain import Lemma
from dltsym.chain import thm as lemma
from dltsym.errors import UnknownKey, suggest
from dltsym.packs import packs, record_paths


def theorem_keys() -> list[str]:
    """List the keys of all record files but audits, without loading any.

    Returns
    -------
    list of str
    """
    found = {key for pack in packs() for key, _ in record_paths(pack)}
    return sorted(key for key in found if not key.startswith("audits."))


def find_key(name: str) -> str | None:
    """Complete a key from its last part.

    Parameters
    ----------
    name : str
        Key, or its last part when no other record ends in it.

    Returns
    -------
    str or None

    Raises
    ------
    UnknownKey
        When several keys end in `name`.
    """
    keys = theorem_keys()
    if name in keys:
        return name
    ends = [key for key in keys if key.endswith(f".{name}")]
    if len(ends) > 1:
        raise UnknownKey(f"{name} is ambiguous: {', '.join(ends)}")
    return ends[0] if ends else None


class Shelf:
    """Theorems to use in a step: ``thm("information.pinsker", q=s)``, ``thm.information.pinsker`` or ``thm.pinsker``.

    A theorem that was reached by attribute is called with values of its symbols, ``thm.pinsker(q="s")``; symbols that
    are left out are matched by the checker, or stand for themselves.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def __call__(self, key: str, part: int = 0, **at: Any) -> Lemma:
        """Refer to a theorem by key, at given values of its symbols; `part` picks one of several claims."""
        return lemma(f"{self._prefix}{key}", part, **at)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        keys, full = theorem_keys(), f"{self._prefix}{name}"
        if full in keys:
            return Lemma(full)
        if any(key.startswith(f"{full}.") for key in keys):
            return Shelf(f"{full}.")
        try:
            found = None if self._prefix else find_key(name)
        except UnknownKey as error:
            raise AttributeError(str(error)) from None
        if found is None:
            raise AttributeError(f"no theorem is called {full}{suggest(full, keys)}")
        return Lemma(found)

    def __dir__(self) -> list[str]:
        size = len(self._prefix)
        inside = [key[size:] for key in theorem_keys() if key.startswith(self._prefix)]
        names = {key.split(".")[0] for key in inside}
        if not self._prefix:
            tails = [key.rpartition(".")[2] for key in inside]
            names |= {tail for tail in tails if tails.count(tail) == 1}
        return sorted(names)

    def __repr__(self) -> str:
        return f"thm.{self._prefix}: {', '.join(dir(self))}" if self._prefix else "thm: the theorems of the catalogue"


thm = Shelf()
