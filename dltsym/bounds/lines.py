"""Rows of a CSV file, chunk by chunk: what cannot be read is kept with its line number, its bytes and the reason.

A row is one line: numbers need no line breaks, and an unclosed quote must not swallow the rest of a file. Comment lines
that begin with ``#`` may precede the header.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dltsym.errors import DomainError

__all__ = ["Chunk", "Rejected", "Table", "open_table"]

CHUNK, HELD = 16384, 1 << 23  # rows, and bytes of them
LONGEST = 1 << 16  # bytes of a line
BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}  # fmt: skip
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Rejected:
    """A line that is no row: its number from 1, why, and its bytes."""

    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Chunk:
    """Rows with the numbers and the bytes of their lines, and what was rejected between them.

    Attributes
    ----------
    lines : list of int
        Line numbers.
    raws : list of bytes
        Lines without their ends.
    cells : list of list of str
        Their cells.
    rejected : list of Rejected
        Lines that are no rows.
    read : int
        Bytes read so far.
    """

    lines: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    read: int = 0


@dataclass(frozen=True)
class Table:
    """A CSV file with its header.

    Attributes
    ----------
    path : Path
        File.
    header : tuple of str
        Names of the columns.
    raw : bytes
        The header line.
    delimiter : str
        What separates cells.
    size : int
        Bytes of the file.
    """

    path: Path
    header: tuple[str, ...]
    raw: bytes
    delimiter: str
    size: int
    first: int
    start: int

    def chunks(self) -> Iterator[Chunk]:
        """Read the file, a bounded number of rows at a time.

        Yields
        ------
        Chunk
        """
        with self.path.open("rb") as file:
            file.seek(self.start)
            number, read, chunk, held = self.first, self.start, Chunk(), 0
            for raw, size in _lines(file):
                number, read, held = number + 1, read + size, held + len(raw)
                self._take(chunk, number, raw.rstrip(b"\r\n"), size)
                if len(chunk.lines) + len(chunk.rejected) >= CHUNK or held >= HELD:
                    yield Chunk(chunk.lines, chunk.raws, chunk.cells, chunk.rejected, read)
                    chunk, held = Chunk(), 0
            yield Chunk(chunk.lines, chunk.raws, chunk.cells, chunk.rejected, read)

    def _take(self, chunk: Chunk, number: int, raw: bytes, size: int) -> None:
        if not raw.strip():
            return
        long = size > LONGEST
        try:
            cells = [] if long else _cells(raw.decode("utf-8"), self.delimiter)
            why = f"{size} bytes long; only the first {LONGEST} are kept here" if long else ""
        except UnicodeDecodeError as error:
            cells, why = [], f"byte {error.start + 1} is not UTF-8"
        except csv.Error as error:
            cells, why = [], f"not readable as CSV: {error}"
        if not why and len(cells) != len(self.header):
            why = f"{len(cells)} cells, the header has {len(self.header)}"
        if why:
            chunk.rejected.append(Rejected(number, why, raw))
        else:
            chunk.lines.append(number)
            chunk.raws.append(raw)
            chunk.cells.append(cells)


def open_table(path: str | Path) -> Table:
    """Open a CSV file and read its header.

    Parameters
    ----------
    path : str or Path
        File in UTF-8, with or without a byte order mark; cells are separated by commas, semicolons or tabs.

    Returns
    -------
    Table

    Raises
    ------
    DomainError
        For an empty file, another encoding, or a header without names, with the line.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(4)
        for mark, name in BOMS.items():
            if head.startswith(mark):
                raise DomainError(f"{path}: this is {name}; save it as UTF-8")
        file.seek(skip := len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0)
        number, start = 0, skip
        for raw, length in _lines(file):
            number, start = number + 1, start + length
            if raw.strip() and not raw.lstrip().startswith(b"#"):
                return _headed(path, raw.rstrip(b"\r\n"), length > LONGEST, number, start)
    raise DomainError(f"{path} is empty: there is no header")


def _headed(path: Path, raw: bytes, long: bool, number: int, start: int) -> Table:
    where = f"{path}, line {number}"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DomainError(f"{where}: byte {error.start + 1} of the header is not UTF-8; save it as UTF-8") from None
    if long or "\r" in text or "\0" in text:
        raise DomainError(f"{where}: the header is no line of names; is this a CSV file with ordinary line ends?")
    delimiter = max(DELIMITERS, key=text.count)
    try:
        header = tuple(name.strip() for name in _cells(text, delimiter))
    except csv.Error as error:
        raise DomainError(f"{where}: the header is not readable as CSV: {error}") from None
    twice = [name for name in header if header.count(name) > 1]
    if twice or "" in header:
        why = f"names the column {twice[0]!r} twice" if twice and twice[0] else "has a column without a name"
        raise DomainError(f"{where}: the header {why}")
    return Table(path, header, raw, delimiter, path.stat().st_size, number, start)


def _lines(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield lines with their ends, and how many bytes they have; of one that is too long only the start is kept."""
    while raw := file.readline(LONGEST):
        size, end = len(raw), raw
        while len(end) == LONGEST and not end.endswith(b"\n") and (end := file.readline(LONGEST)):
            size += len(end)
        yield raw, size


def _cells(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True))
