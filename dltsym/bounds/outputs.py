"""Files that take their names only when they are complete, alone or in pairs that belong together."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dltsym.errors import DomainError

__all__ = ["Pair", "complete_file", "complete_pair"]


class Pair:
    """Two binary files, of which the second one may turn out not to be needed.

    Attributes
    ----------
    first, second : binary file
        Where to write.
    both : bool
        Whether the second one is wanted; if not, a file of its name is removed.
    """

    def __init__(self, first: BinaryIO, second: BinaryIO) -> None:
        self.first, self.second, self.both = first, second, True


@contextmanager
def complete_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes its name only when it is complete; two writers never mix.

    Parameters
    ----------
    path : Path
        File.

    Yields
    ------
    binary file
    """
    with _started(path) as (part, file):
        yield file
        file.close()
        _named(part, path)


@contextmanager
def complete_pair(first: Path, second: Path) -> Iterator[Pair]:
    """Write two files of one folder that take their names together.

    Of two runs that write the same names, the one that ends last wins, with both of its files: they change names while
    the folder is locked, where the system has such locks.

    Parameters
    ----------
    first, second : Path
        Files.

    Yields
    ------
    Pair
    """
    with _started(first) as (one, file), _started(second) as (two, beside):
        pair = Pair(file, beside)
        yield pair
        file.close()
        beside.close()
        with _locked(first.parent):
            if pair.both:
                _named(two, second)
            else:
                second.unlink(missing_ok=True)
            _named(one, first)


@contextmanager
def _started(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a file under another name beside the one that it is for; what is left of it at the end is removed."""
    if not path.parent.is_dir():
        raise DomainError(f"there is no folder {path.parent} for {path.name}")
    if path.exists() and not path.is_file():
        raise DomainError(f"{path} is no ordinary file: it would be replaced by one")
    handle, name = tempfile.mkstemp(dir=path.parent or ".", prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)


def _named(part: Path, path: Path) -> None:
    mask = os.umask(0)
    os.umask(mask)
    part.chmod(0o666 & ~mask)
    part.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # not on this system
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
