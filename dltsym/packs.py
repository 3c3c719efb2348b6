"""Packs: where record files lie, and how one of them becomes a record.

A pack is a package named by an entry point of the group ``dltsym.packs``; every folder of its ``__path__`` is walked.
The variable ``DLTSYM_PACKS`` adds folders (separated as in ``PATH``); an item ``-core`` leaves out the pack ``core``.
Loading runs the code of a record: whoever does not trust it calls `dltsym.index.build`, which loads in a guarded
process.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import re
import sys
import tokenize
import traceback
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from dltsym.errors import BrokenRecord, DltsymError
from dltsym.notation.tree import Expr, Rel
from dltsym.record import Audit, Lemma, Premise, Theorem

GROUP = "dltsym.packs"
RECORD_LINES = 60
Record = Theorem | Audit


@dataclass(frozen=True)
class Pack:
    """A named set of folders; `error` says why it has none."""

    name: str
    folders: tuple[Path, ...]
    error: str = ""


@dataclass(frozen=True)
class RecordFile:
    """One file with the key that its place gives it and the hash of what it says."""

    key: str
    path: Path
    pack: str
    sha: str


def packs() -> tuple[Pack, ...]:
    """Return the packs in use: installed ones by name, then the folders of ``DLTSYM_PACKS``.

    Returns
    -------
    tuple of Pack
    """
    left_out = {item[1:] for item in _items() if item.startswith("-")}
    points = sorted(metadata.entry_points(group=GROUP), key=lambda e: (e.name != "core", e.name))
    installed = [_installed(e.name, e.value) for e in points if e.name not in left_out]
    return (*installed, *(folder_pack(folder) for folder in named_folders()))


def named_folders() -> list[Path]:
    """List the folders that ``DLTSYM_PACKS`` names, whether or not they are there.

    Returns
    -------
    list of Path
    """
    return [Path(item).expanduser().resolve() for item in _items() if not item.startswith("-")]


def _items() -> list[str]:
    return [item for item in os.environ.get("DLTSYM_PACKS", "").split(os.pathsep) if item]


def folder_pack(folder: Path) -> Pack:
    """Return a folder as a pack of its own.

    Parameters
    ----------
    folder : Path
        Folder with areas in it.

    Returns
    -------
    Pack
    """
    return Pack(folder.name, (folder,), "" if folder.is_dir() else f"{folder} is not a folder")


def _installed(name: str, module: str) -> Pack:
    try:
        found = [Path(p).resolve() for p in importlib.import_module(module).__path__]
    except (Exception, SystemExit):  # the guarded door: a pack that does not import is reported, not raised for all
        return Pack(name, (), f"the pack {name} ({module}) could not be imported\n{traceback.format_exc()}")
    missing = [str(p) for p in found if not p.is_dir()]
    return Pack(name, tuple(found), f"{', '.join(missing)} is not a folder" if missing else "")


def record_paths(pack: Pack) -> Iterator[tuple[str, Path]]:
    """Yield key and path of every record file of a pack; names that start with ``_`` or ``.`` are not records.

    Parameters
    ----------
    pack : Pack
        Pack.

    Yields
    ------
    tuple of str and Path
    """
    for folder in pack.folders:
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if not any(part.startswith(("_", ".")) for part in parts):
                yield ".".join(parts), path


def read(key: str, path: Path, pack: str = "") -> RecordFile:
    """Hash a record file.

    Parameters
    ----------
    key : str
        Key that its place gives it.
    path : Path
        File.
    pack : str
        Name of its pack.

    Returns
    -------
    RecordFile

    Raises
    ------
    BrokenRecord
        When its name cannot be a key, or it cannot be read.
    """
    if not re.fullmatch(r"[a-z]\w*(\.[a-z]\w*)+", key):
        raise BrokenRecord(f"{key}: a record lies in an area folder, and names are lower-case identifiers ({path})")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BrokenRecord(f"{key}: {path} cannot be read: {error}") from error
    return RecordFile(key, path, pack, hashlib.sha256(data).hexdigest())


@lru_cache(maxsize=4096)
def load_record(file: RecordFile) -> Record:
    """Run a record file and return its record, with key and prose filled in.

    The bytes that are compiled are the bytes that were hashed; no ``.pyc`` is read, because one that is a second too
    old would pair the new hash with the old theorem.

    Parameters
    ----------
    file : RecordFile
        What to load.

    Returns
    -------
    Theorem or Audit

    Raises
    ------
    BrokenRecord
        With the traceback, whatever goes wrong inside.
    """
    data = file.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != file.sha:
        raise BrokenRecord(f"{file.key}: {file.path} changed while it was being read; try again")
    name = f"_dltsym_record_{file.key.replace('.', '__')}_{file.sha[:8]}"
    module = types.ModuleType(name)
    module.__file__ = str(file.path)
    sys.modules[name] = module  # dataclasses and pickle look a module up by name
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a record prints is no part of our output
            exec(compile(data, str(file.path), "exec"), module.__dict__)  # a record file is code
        record = only_record(module)
    except BrokenRecord as error:
        raise BrokenRecord(f"{file.key}: {error} ({file.path})") from None
    except (Exception, SystemExit, GeneratorExit) as error:  # the guarded door: a defect of the record, not ours
        raise BrokenRecord(f"{file.key}: {_tail(error, str(file.path))}") from error
    finally:
        sys.modules.pop(name, None)
    return replace(record, key=file.key, prose=(module.__doc__ or "").strip())


def _tail(error: BaseException, path: str) -> str:
    """Return what went wrong, then where in the record; our own frames are shown for no error that we raise."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename == path]
    if isinstance(error, DltsymError):
        said = str(error)
    else:
        said = "".join(traceback.format_exception_only(error)).strip()
        theirs += frames[-1:] if theirs and frames[-1].filename != path else []
    return f"{said}\n" + "".join(traceback.format_list(theirs)).rstrip() if theirs else said


def only_record(module: types.ModuleType) -> Record:
    """Return the record that a module defines.

    Parameters
    ----------
    module : module
        Executed record file.

    Returns
    -------
    Theorem or Audit

    Raises
    ------
    BrokenRecord
        Unless it defines exactly one, under the name ``theorem`` or ``audit``.
    """
    found = {name: v for name, v in vars(module).items() if isinstance(v, Theorem | Audit)}
    if len({id(v) for v in found.values()}) != 1:
        names = ", ".join(found) or "none"
        raise BrokenRecord(f"a record file defines exactly one record, this one has {len(found)} ({names})")
    [record] = {id(v): v for v in found.values()}.values()
    wanted = "theorem" if isinstance(record, Theorem) else "audit"
    if wanted not in found:
        raise BrokenRecord(f"the record must be called {wanted!r}, not {next(iter(found))!r}")
    return record


def advice(record: Record, path: Path) -> list[str]:
    """Say what a reader of a record will miss although nothing is wrong with it.

    Parameters
    ----------
    record : Theorem or Audit
        Record.
    path : Path
        Its file.

    Returns
    -------
    list of str
        A record that is too long, has no prose, or symbols without a meaning.
    """
    lines = code_lines(path.read_text(encoding="utf-8"))
    silent = [s.name for s in record.symbols.values() if not s.decl.meaning and s.decl.sort not in ("index", "let")]
    out = [f"{lines} lines of code; a record has fewer than {RECORD_LINES}"] if lines >= RECORD_LINES else []
    out += [] if record.prose else ["no docstring, which is the text of its page"]
    return out + ([f"nothing says what {', '.join(silent)} means"] if silent else [])


def code_lines(text: str) -> int:
    r"""Count the lines of a source text that hold code: no blank line, no comment, no docstring of the module.

    Parameters
    ----------
    text : str
        Python.

    Returns
    -------
    int

    Examples
    --------
    >>> code_lines("x = 1  # one\n\n# two\ny = 2\n")
    2
    """
    quiet = {getattr(tokenize, t) for t in ("COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER")}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in quiet]
    spoken = tokens[1:] if tokens and tokens[0].type == tokenize.STRING else tokens
    return len({n for t in spoken for n in range(t.start[0], t.end[0] + 1)})


def lemmas(node: Any) -> set[str]:
    """Collect the keys of the theorems that a part of a record uses.

    Parameters
    ----------
    node : object
        Record, chain, step, claim or a sequence of them.

    Returns
    -------
    set of str
    """
    if isinstance(node, Lemma):
        return {str(node.key)}
    if isinstance(node, Expr | Rel | str):
        return set()
    if isinstance(node, tuple | list):
        return set().union(*map(lemmas, node))
    if is_dataclass(node):
        return set().union(*(lemmas(getattr(node, f.name)) for f in fields(node)))
    return set()


def sources(record: Record) -> list[str]:
    """List the bibliography keys of a record, its own source first.

    Parameters
    ----------
    record : Theorem or Audit
        Record.

    Returns
    -------
    list of str
    """
    keys = [record.source.key]
    if isinstance(record, Theorem):
        keys += [s.key for s in record.also] + [g.source.key for g in record.given if isinstance(g, Premise)]
    return list(dict.fromkeys(map(str, keys)))


def bibliographies(found: Sequence[Pack]) -> list[Path]:
    """List the ``references.bib`` files of some packs.

    Parameters
    ----------
    found : sequence of Pack
        Packs.

    Returns
    -------
    list of Path
    """
    paths = [folder / "references.bib" for pack in found for folder in pack.folders]
    return [path for path in paths if path.is_file()]


def bib_keys(paths: Sequence[Path]) -> set[str]:
    """Collect the keys of the entries of some bibliography files, without parsing the entries.

    Parameters
    ----------
    paths : sequence of Path
        BibTeX files.

    Returns
    -------
    set of str
    """
    entry = re.compile(r"^\s*@(?!comment|string|preamble)\w+\s*[{(]\s*([^,\s]+)\s*,", re.MULTILINE | re.IGNORECASE)
    return {key for path in paths for key in entry.findall(path.read_text(encoding="utf-8"))}
