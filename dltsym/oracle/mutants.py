"""Planted bugs as data: the ``mutants.toml`` of a family of kernels, and the package with one of them in it.

A mutant is a text edit of a source file of the family. Triton reads the source of its functions from disk, so the
edited family is written to a folder as a package of another name and imported from there.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from dltsym.errors import BrokenRecord, UnknownKey, suggest

FILE = "mutants.toml"
HOME = "dltsym.kernels"
FIELDS = {"id", "change", "exposed_by", "equivalent", "only", "kernel"}
EDIT = {"file", "old", "new", "count"}


@dataclass(frozen=True)
class Edit:
    """Text that is replaced in a file; it must occur exactly `count` times."""

    file: str
    old: str
    new: str
    count: int = 1


@dataclass(frozen=True)
class Mutant:
    """A planted bug.

    Attributes
    ----------
    id, change : str
        Name in the catalogue, and what is wrong with it, in a few words.
    edits : tuple of Edit
        What is changed; nearly always one edit.
    exposed_by : str
        Input that shows it.
    equivalent : str
        Why it changes nothing, if it is a control that must not be caught.
    only : str
        The type in which alone it can be seen, such as ``float64``.
    kernel : str
        Function of the family that it concerns; empty for all.
    """

    id: str
    change: str
    edits: tuple[Edit, ...]
    exposed_by: str = ""
    equivalent: str = ""
    only: str = ""
    kernel: str = ""


def package_of(family: str) -> str:
    """Return the package of a family: a name in `dltsym.kernels`, or any importable package.

    Parameters
    ----------
    family : str
        ``attention`` or ``my.package``.

    Returns
    -------
    str

    Raises
    ------
    UnknownKey
        When there is no such package.
    """
    own = f"{HOME}.{family}"
    if "." not in family and find_spec(own) is not None:
        return own
    try:
        found = find_spec(family)
    except ModuleNotFoundError:
        found = None
    if found is None or found.submodule_search_locations is None:
        names = families_with_mutants()
        raise UnknownKey(f"no family of kernels {family!r}{suggest(family, names)}; there are {', '.join(names)}")
    return family


def folder_of(family: str) -> Path:
    """Return the folder of a family.

    Parameters
    ----------
    family : str
        Family.

    Returns
    -------
    Path
    """
    spec = find_spec(package_of(family))
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def families_with_mutants() -> list[str]:
    """List the families of `dltsym.kernels` that have a file of mutants.

    Returns
    -------
    list of str
    """
    home = find_spec(HOME)
    folders = home.submodule_search_locations if home else None
    return sorted(path.parent.name for folder in folders or () for path in Path(folder).glob(f"*/{FILE}"))


def load(family: str) -> tuple[Mutant, ...]:
    """Read the mutants of a family.

    Parameters
    ----------
    family : str
        Family.

    Returns
    -------
    tuple of Mutant
        In the order of the file.

    Raises
    ------
    UnknownKey
        When the family has no such file.
    """
    path = folder_of(family) / FILE
    if not path.is_file():
        raise UnknownKey(f"{family} has no {FILE}; write one beside its __init__.py, as those in dltsym/kernels are")
    return read(path)


def read(path: Path) -> tuple[Mutant, ...]:
    """Read a file of mutants.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of Mutant

    Raises
    ------
    BrokenRecord
        For a file that is not TOML, an unknown or missing field, or two mutants of one name.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BrokenRecord(f"{path}: {error}") from None
    mutants = tuple(_mutant(path, entry) for entry in data.get("mutant", ()))
    names = [m.id for m in mutants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not mutants:
        raise BrokenRecord(f"{path}: {'two mutants ' + ', '.join(twice) if twice else 'no [[mutant]]'}")
    return mutants


def _mutant(path: Path, entry: Mapping[str, Any]) -> Mutant:
    where = f"{path}: mutant {entry.get('id', '?')}"
    edits = entry.get("edit")
    if edits is None:
        edits = [{k: x for k, x in entry.items() if k in EDIT}]
        entry = {k: x for k, x in entry.items() if k not in EDIT}
    else:
        entry = {k: x for k, x in entry.items() if k != "edit"}
    unknown = sorted({*entry} - FIELDS) + sorted({k for e in edits for k in e} - EDIT)
    missing = sorted({"id", "change"} - {*entry}) + sorted({k for e in edits for k in {"file", "old", "new"} - {*e}})
    if unknown or missing:
        told = [f"unknown field {', '.join(unknown)}"] if unknown else []
        told += [f"missing field {', '.join(missing)}"] if missing else []
        raise BrokenRecord(f"{where}: {'; '.join(told)}")
    return Mutant(edits=tuple(Edit(**e) for e in edits), **{k: str(x) for k, x in entry.items()})


def problems(folder: Path, mutants: Iterable[Mutant]) -> list[str]:
    """Say which edits do not apply exactly as often as they say, or change nothing.

    Parameters
    ----------
    folder : Path
        Folder of the family.
    mutants : iterable of Mutant
        Its mutants.

    Returns
    -------
    list of str
        Empty if all is well.
    """
    out = []
    for mutant in mutants:
        for edit in mutant.edits:
            path = folder / edit.file
            if not path.is_file():
                out.append(f"{mutant.id}: there is no file {edit.file}")
                continue
            found = path.read_text(encoding="utf-8").count(edit.old) if edit.old else 0
            if found != edit.count:
                out.append(f"{mutant.id}: its text occurs {found} times in {edit.file}, not {edit.count}")
            elif edit.old == edit.new:
                out.append(f"{mutant.id}: the edit of {edit.file} changes nothing")
    return out


def check_edits(family: str) -> list[str]:
    """Say which mutants of a family do not apply to its sources of today.

    Parameters
    ----------
    family : str
        Family.

    Returns
    -------
    list of str
        Empty if every edit applies exactly once (or as often as it says).
    """
    return problems(folder_of(family), load(family))


def write(family: str, mutant: Mutant | None, folder: Path) -> str:
    """Write a family, with one planted bug, as a package of another name.

    Parameters
    ----------
    family : str
        Family.
    mutant : Mutant or None
        The bug; None for a faithful copy.
    folder : Path
        Where the package is written; put it on ``sys.path`` to import it.

    Returns
    -------
    str
        Name of the new package.

    Raises
    ------
    BrokenRecord
        When an edit does not apply.
    """
    source, package = folder_of(family), package_of(family)
    if mutant is not None and (bad := problems(source, [mutant])):
        raise BrokenRecord(f"{family}: {'; '.join(bad)}")
    name = "dltsym_mutant_" + re.sub(r"[^0-9A-Za-z]", "_", f"{package}_{mutant.id if mutant else 'good'}")
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        if path.suffix in (".pyc", ".toml") or "__pycache__" in place.parts or path.is_dir():
            continue
        target = folder / name / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".py":
            target.write_bytes(path.read_bytes())
            continue
        text = path.read_text(encoding="utf-8")
        for edit in mutant.edits if mutant else ():
            if edit.file == place.as_posix():
                text = text.replace(edit.old, edit.new)
        # A file that imports a neighbour by its full name would otherwise get the good one.
        target.write_text(renamed(text, package, name), encoding="utf-8")
    return name


def renamed(text: str, package: str, name: str) -> str:
    r"""Return a source that says another name wherever it named its own package.

    Parameters
    ----------
    text : str
        Source.
    package, name : str
        Old and new name of the package.

    Returns
    -------
    str

    Examples
    --------
    >>> renamed("from a.b.c import d\nfrom a.b import c\nimport a.bb", "a.b", "z")
    'from z.c import d\nfrom z import c\nimport a.bb'
    """
    text = re.sub(rf"(?<![\w.]){re.escape(package)}(?!\w)", name, text)
    home, _, last = package.rpartition(".")
    pattern = rf"^(\s*)from {re.escape(home)} import {re.escape(last)}(?: as (\w+))?$"
    return re.sub(pattern, lambda m: f"{m[1]}import {name} as {m[2] or last}", text, flags=re.MULTILINE)


def opened(name: str, folder: Path) -> ModuleType:
    """Import a package that `write` has written.

    Parameters
    ----------
    name : str
        Its name.
    folder : Path
        Where it was written.

    Returns
    -------
    module
    """
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    invalidate_caches()
    return import_module(name)
