"""JSON with places: every value knows where it stands, and every error shows line, column and a caret.

Stricter than the standard reader: no repeated keys, no NaN, little nesting; numbers are kept as text, so a long one
costs nothing.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from dltsym.errors import DltsymError
from dltsym.notation.source import pointed

MAX_BYTES, MAX_NESTING = 16 << 20, 20
_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_WORD = re.compile(r"-?[A-Za-z]\w*")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class CasesError(DltsymError):
    """A file of cases cannot be used; nothing of it is proved."""


@dataclass(frozen=True)
class Number:
    """A JSON number as it is written."""

    text: str


@dataclass(frozen=True)
class Node:
    """A JSON value and where it begins: ``dict``, ``list``, ``str``, `Number`, ``bool`` or None, of nodes."""

    value: Any
    start: int

    @property
    def kind(self) -> str:
        """What it is, in words."""
        names = {dict: "an object", list: "a list", str: "text", Number: "a number", bool: "true or false"}
        return names.get(type(self.value), "null")


@dataclass(frozen=True)
class Document:
    """A JSON text with the name that its errors show."""

    name: str
    text: str

    def line(self, at: int) -> int:
        """Return the number of the line of a position, from 1."""
        return bisect_left(self.breaks, at) + 1

    @cached_property
    def breaks(self) -> list[int]:
        """Where the lines end."""
        return [m.start() for m in re.finditer("\n", self.text)]

    def error(self, message: str, at: int) -> CasesError:
        """Build an error that points at a position."""
        start = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        shown = self.text[start : len(self.text) if end < 0 else end].rstrip("\r")
        place = f"{self.name}, line {self.line(at)}, column {at - start + 1}"
        return CasesError(f"{place}: {message}\n{pointed(shown, at - start)}")

    def values(self) -> list[Node]:
        """Read every value of the text: one, or one after the other as in JSON lines.

        Returns
        -------
        list of Node

        Raises
        ------
        CasesError
            When it is not JSON.
        """  # noqa: DOC502 - built by `error`
        out, at = [], self._skip(0)
        while at < len(self.text):
            node, end = self._value(at, 0)
            out.append(node)
            at = self._skip(end)
            if at < len(self.text) and "\n" not in self.text[end:at]:
                raise self.error("text after the end of the JSON value", at)
        if not out:
            raise self.error("there is no JSON here", 0)
        return out

    def _skip(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def _value(self, at: int, depth: int) -> tuple[Node, int]:
        if depth > MAX_NESTING:
            raise self.error(f"nested deeper than {MAX_NESTING} levels", at)
        c = self.text[at : at + 1]
        if c == "{":
            return self._object(at, depth)
        if c == "[":
            return self._list(at, depth)
        if c == '"':
            text, end = self._string(at)
            return Node(text, at), end
        word = _WORD.match(self.text, at)
        if word and word[0] in _WORDS:
            return Node(_WORDS[word[0]], at), word.end()
        number = None if word else _NUMBER.match(self.text, at)
        if number:
            return Node(Number(number[0]), at), number.end()
        what = f"{word[0][:40]} is no JSON value" if word else "a JSON value is missing"
        raise self.error(what, at)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            return scanstring(self.text, at + 1, True)
        except json.JSONDecodeError as err:
            raise self.error(err.msg[:1].lower() + err.msg[1:].removesuffix(" at"), err.pos) from None

    def _object(self, at: int, depth: int) -> tuple[Node, int]:
        start, out, at = at, {}, self._skip(at + 1)
        while self.text[at : at + 1] != "}":
            if self.text[at : at + 1] != '"':
                raise self.error("a key in double quotes is missing", at)
            key, end = self._string(at)
            if key in out:
                raise self.error(f"the key {key[:40]!r} stands here twice", at)
            colon = self._skip(end)
            if self.text[colon : colon + 1] != ":":
                raise self.error("a colon is missing", colon)
            out[key], end = self._value(self._skip(colon + 1), depth + 1)
            at = self._after(end, "}")
        return Node(out, start), at + 1

    def _list(self, at: int, depth: int) -> tuple[Node, int]:
        start, out, at = at, [], self._skip(at + 1)
        while self.text[at : at + 1] != "]":
            item, end = self._value(at, depth + 1)
            out.append(item)
            at = self._after(end, "]")
        return Node(out, start), at + 1

    def _after(self, end: int, close: str) -> int:
        """Return the place of the next item, or of the closing bracket."""
        at = self._skip(end)
        c = self.text[at : at + 1]
        if c == close:
            return at
        following = self._skip(at + 1)
        if c != "," or self.text[following : following + 1] == close:
            raise self.error(f"a comma or {close} is missing" if c != "," else f"a comma before {close}", at)
        return following


def document(data: bytes, name: str) -> Document:
    """Decode a file of cases.

    Parameters
    ----------
    data : bytes
        Content.
    name : str
        What errors call it.

    Returns
    -------
    Document

    Raises
    ------
    CasesError
        When it is too long or not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise CasesError(f"{name}: more than {MAX_BYTES >> 20} MiB")
    try:
        return Document(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise CasesError(f"{name}, line {line}: byte {data[err.start]:#04x} is not UTF-8 text") from None
