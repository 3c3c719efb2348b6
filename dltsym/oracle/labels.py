"""How far a kernel was checked: interpreted, compiled, or run on a device; only for the source that is there now."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from dltsym import kernels

__all__ = ["EVIDENCE", "Evidence", "evidence", "label", "name_of", "source_hash", "without_device"]

EVIDENCE = "evidence.json"
"""File beside the kernels that holds what was seen; `dltsym.oracle.evidence` writes it."""
ASIDE = ("cases.py", "variants.py")
"""Files of a family that say what is checked, not what is computed."""


@dataclass(frozen=True)
class Evidence:
    """What was seen of one kernel, each with the hash of the source that it was seen of.

    Attributes
    ----------
    interpreted, compiled : mapping
        ``hash``, ``date``, ``verdict`` and what was run; empty if it never was.
    ran : tuple of mapping
        One for each record of a device: ``hash``, ``date``, ``device``, ``record``, ``passed``.
    """

    interpreted: Mapping[str, Any]
    compiled: Mapping[str, Any]
    ran: tuple[Mapping[str, Any], ...] = ()


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a kernel of this package, ``family.function``.

    Parameters
    ----------
    function : callable
        Kernel.

    Returns
    -------
    str
    """
    inside = function.__module__.removeprefix(f"{kernels.__name__}.")
    return f"{inside.split('.')[0]}.{function.__name__}"


def source_hash(family: str) -> str:
    """Hash the source of a family and of what it uses of this package: helpers that all share, other families.

    Parameters
    ----------
    family : str
        Name of the family.

    Returns
    -------
    str
        First 16 digits of SHA-256.
    """
    root = _root()
    digest = hashlib.sha256()
    for path in sorted(_sources(root, family)):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _root() -> Path:
    return Path(str(files(kernels)))


def _sources(root: Path, family: str) -> set[Path]:
    """Follow the imports of a family to modules and other families."""
    found: set[Path] = set()
    left, known = [family], set()
    while left:
        name = left.pop()
        known.add(name)
        module = root / f"{name}.py"
        here = [module] if module.is_file() else [p for p in (root / name).rglob("*.py") if p.name not in ASIDE]
        found.update(here)
        for path in here:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                left += [n for n in _imported(node) if n not in known]
    return found


def _imported(node: ast.AST) -> Iterable[str]:
    """List what a statement imports from this package, by first name."""
    package = f"{kernels.__name__}."
    if isinstance(node, ast.ImportFrom) and node.module:
        below = [f"{node.module}.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.Import):
        below = [alias.name for alias in node.names]
    else:
        below = []
    return [name.removeprefix(package).split(".")[0] for name in below if name.startswith(package)]


@lru_cache(maxsize=1)
def evidence() -> dict[str, Evidence]:
    """Read what was seen of all kernels.

    Returns
    -------
    dict of str to Evidence
        By name of the kernel; empty where nothing was ever seen.
    """
    path = _root() / EVIDENCE
    told = json.loads(path.read_text(encoding="utf-8"))["kernels"] if path.is_file() else {}
    return {
        name: Evidence(row.get("interpreted", {}), row.get("compiled", {}), tuple(row.get("ran", ())))
        for name, row in told.items()
    }


def label(function: Callable[..., Any], seen: Mapping[str, Evidence] | None = None) -> str:
    """Say how far a kernel of this package was checked.

    Parameters
    ----------
    function : callable
        Kernel.
    seen : mapping of str to Evidence, optional
        By default the file that comes with the kernels.

    Returns
    -------
    str
        ``not checked``, ``fails its check``, ``interpreted``, ``compiled``, ``ran on <device>, <date>``, or a sentence
        on what is stale.
    """
    name = name_of(function)
    known = (evidence() if seen is None else seen).get(name)
    if known is None or not known.interpreted:
        return "not checked"
    now = source_hash(name.split(".", maxsplit=1)[0])
    if known.interpreted.get("hash") != now:
        return f"not checked since it changed (checked on {known.interpreted.get('date')})"
    if known.interpreted.get("verdict") != "pass":
        return f"fails its check ({known.interpreted.get('verdict')}, {known.interpreted.get('date')})"
    if known.compiled.get("hash") != now or known.compiled.get("verdict") != "pass":
        return "interpreted"
    passed = sorted((row for row in known.ran if row["passed"]), key=lambda row: row["date"])
    current = [row for row in passed if row["hash"] == now]
    if current:
        return f"ran on {current[-1]['device']}, {current[-1]['date']}"
    if passed:
        return f"compiled (record of {passed[-1]['date']} is stale: kernel changed)"
    return "compiled"


def without_device() -> str:
    """Say why tests of a device are skipped, and what the last run on one covers.

    Returns
    -------
    str
    """
    runs = [(row["date"], row["device"], name, row) for name, told in evidence().items() for row in told.ran]
    if not runs:
        return "no CUDA device; the kernels never ran on one"
    date, device, *_ = max(runs, key=lambda run: run[:2])
    last = [(name, row) for d, g, name, row in runs if (d, g) == (date, device)]
    stale = sorted(name for name, row in last if row["hash"] != source_hash(name.split(".", maxsplit=1)[0]))
    tail = f", {len(stale)} stale ({', '.join(stale)})" if stale else ""
    return (
        f"no CUDA device; last run on {device}, {date}: {len(last) - len(stale)} of {len(last)} kernels current{tail}"
    )
