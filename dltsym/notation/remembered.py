"""What nodes remember about themselves: they never change, so their hash is worked out once, like much else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any


@lru_cache(maxsize=256)
def _content(kind: type) -> Callable[[Any], Any]:
    """Return a function that gives what instances of a dataclass are compared by."""
    return attrgetter(*(f.name for f in fields(kind) if f.compare))


def hashed(node: Any) -> int:
    """Return the hash of an instance of a frozen dataclass and keep it there.

    Parameters
    ----------
    node : dataclass instance
        Node.

    Returns
    -------
    int
    """
    kept = vars(node)
    found = kept.get("_hash")
    if found is None:
        found = kept["_hash"] = hash((type(node), _content(type(node))(node)))
    return found


def stored(node: Any) -> dict[str, Any]:
    """Return the state of a node to store: nothing that it remembers, for another process hashes otherwise.

    Parameters
    ----------
    node : dataclass instance
        Node.

    Returns
    -------
    dict
    """
    return {name: value for name, value in vars(node).items() if not name.startswith("_")}


def digest(*parts: str) -> str:
    """Return the SHA-256 of the parts, hexadecimal.

    Parameters
    ----------
    *parts : str
        Texts; their boundaries count.

    Returns
    -------
    str
    """
    h = hashlib.sha256()
    for part in parts:
        h.update(f"{len(part)}:".encode())
        h.update(part.encode())
    return h.hexdigest()
