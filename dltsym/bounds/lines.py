"""Rows of a CSV file, chunk by chunk: what cannot be read is kept with its line number, its bytes and the reason.

A row is one line: numbers need no line breaks, and an unclosed quote must not swallow the rest of a file. Comment lines
that begin with ``#`` may precede the header.
"""

from __future__ import annotations

import codecs
import csv
import sys
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
    path : Path or str
        File, or what else is read, in words.
    file : binary file
        Where its rows are read from, once; leaving the table as a context closes it.
    header : tuple of str
        Names of the columns.
    raw : bytes
        The header line.
    delimiter : str
        What separates cells.
    size : int
        Bytes of the file; 0 where nobody knows before its end.
    """

    path: Path | str
    file: BinaryIO
    header: tuple[str, ...]
    raw: bytes
    delimiter: str
    size: int
    first: int
    start: int

    def __enter__(self) -> Table:
        """Return the table, whose file is closed afterwards."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; standard input stays open."""
        if self.file is not sys.stdin.buffer:
            self.file.close()

    def chunks(self) -> Iterator[Chunk]:
        """Read the rest of the file, a bounded number of rows at a time.

        Yields
        ------
        Chunk
        """
        number, read, chunk, held = self.first, self.start, Chunk(), 0
        with self:
            for raw, size in _lines(self.file):
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
    """Open a CSV file and read its header; nothing is read twice, so that it may be a pipe.

    Parameters
    ----------
    path : str or Path
        File, pipe or ``-`` for standard input, in UTF-8, with or without a byte order mark; cells are separated by
        commas, semicolons or tabs.

    Returns
    -------
    Table

    Raises
    ------
    DomainError
        For an empty file, another encoding, or a header without names, with the line.
    """  # noqa: DOC502 - raised further down
    where = "standard input" if str(path) == "-" else Path(path)
    file = sys.stdin.buffer if isinstance(where, str) else where.open("rb")
    try:
        return _read(where, file)
    except BaseException:
        if file is not sys.stdin.buffer:
            file.close()
        raise


def _read(path: Path | str, file: BinaryIO) -> Table:
    """Read up to the header."""
    number, start = 0, 0
    for raw, length in _lines(file):
        line = raw
        if not number:
            for mark, name in BOMS.items():
                if raw.startswith(mark):
                    raise DomainError(f"{path}: this is {name}; save it as UTF-8")
            line = raw.removeprefix(codecs.BOM_UTF8)
        number, start = number + 1, start + length
        if line.strip() and not line.lstrip().startswith(b"#"):
            size = 0 if isinstance(path, str) else path.stat().st_size
            return _headed(path, file, line.rstrip(b"\r\n"), length > LONGEST, number, start, size)
    raise DomainError(f"{path} is empty: there is no header")


def _headed(
    path: Path | str, file: BinaryIO, raw: bytes, long: bool, number: int, start: int, size: int
) -> Table:  # fmt: skip
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
    return Table(path, file, header, raw, delimiter, size, number, start)


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
