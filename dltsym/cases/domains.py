"""Domains as text: ``"positive"``, ``"(0, 1)"``, ``"count"``, ``"index 1..n"``, ``"positive array n x m"``."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Any

from dltsym.errors import NotationError, suggest
from dltsym.notation.macros import Language
from dltsym.notation.parse import RESERVED, parse_expr
from dltsym.notation.scope import Scope
from dltsym.notation.source import MAX_CHARS, Source
from dltsym.notation.tree import Add, Const, Div, Expr, Mul, Neg, Num, Pow, Sym
from dltsym.notation.walk import children
from dltsym.prove.shapes import is_integer

Bounds = tuple[str | None, bool, str | None, bool]  # lo, is it excluded, hi, is it excluded
REALS: dict[str, Bounds] = {
    "real": (None, False, None, False),
    "positive": ("0", True, None, False),
    "nonneg": ("0", False, None, False),
    "negative": (None, False, "0", True),
    "nonpos": (None, False, "0", False),
    "prob": ("0", False, "1", False),
    "open prob": ("0", True, "1", True),
}
INTEGERS: dict[str, tuple[str | None, str | None]] = {
    "integer": (None, None),
    "count": ("1", None),
    "nonneg integer": ("0", None),
}
SYNONYMS = {
    "pos": "positive", "nonnegative": "nonneg", "nonpositive": "nonpos", "probability": "prob", "int": "integer",
    "positive integer": "count", "natural": "nonneg integer", "nonnegative integer": "nonneg integer",
    "positive real": "positive", "nonneg real": "nonneg", "nonnegative real": "nonneg",
    "non-negative": "nonneg", "non-negative integer": "nonneg integer", "natural number": "nonneg integer",
    "open probability": "open prob", "integers": "integer", "negative real": "negative",
}  # fmt: skip
_LETTERS = {
    "R": "; write real", "\u211d": "; write real", "float": "; write real", "number": "; write real",
    "N": "; write count, or nonneg integer", "\u2115": "; write count, or nonneg integer",
    "natural": "; write natural, or count for those from 1", "Z": "; write integer", "\u2124": "; write integer",
    "R+": "; write positive, or nonneg", "unit interval": "; write [0, 1]", "nonzero": "; write real, and put x != 0 "
    "under given", "even": "; write integer", "bool": "; write integer 0..1", "binary": "; write integer 0..1",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ARRAY = re.compile(r"(?P<entries>.*?)\s*\barray\b\s*(?P<sizes>.*)", re.DOTALL)
_MATRIX = re.compile(r"matrix\s+(?P<sizes>.*)", re.DOTALL)
_RANGE = re.compile(r"(?P<sort>index|integer)\s+(?P<lo>.+?)\s*\.\.\s*(?P<hi>.+)", re.DOTALL)
_INTERVAL = re.compile(r"[\[(].*[\])]", re.DOTALL)


def declare(scope: Scope, name: str, text: str, language: Language) -> None:
    """Declare a symbol with the domain that a text describes.

    Parameters
    ----------
    scope : Scope
        Where; bounds and sizes may use what it already holds.
    name : str
        ASCII letters, digits and underscores.
    text : str
        Domain.
    language : Language
        Abbreviations that bounds and sizes may use.

    Raises
    ------
    NotationError
        When the name or the domain cannot be used.
    """
    if not _NAME.fullmatch(name) or len(name) > 60:
        raise NotationError(
            f"{name[:60]!r} is not a usable symbol name: write ASCII letters, digits, underscores, a letter first"
        )
    if name in RESERVED or iskeyword(name):
        raise NotationError(f"{name} has a meaning of its own; choose another name, such as {name}_")
    if len(text) > MAX_CHARS:
        raise NotationError(f"the domain has {len(text)} characters, at most {MAX_CHARS} are read")
    words = " ".join(text.split())
    if words in ("array", "matrix"):
        raise NotationError(f"{words!r} is not a domain{_elsewhere(words)}")
    plain = SYNONYMS.get(words, words)
    reader = _Reader(scope, Source(words), language)
    if plain in INTEGERS:
        lo, hi = INTEGERS[plain]
        scope.integer(name, lo=reader.number(lo), hi=reader.number(hi))
    elif found := _RANGE.fullmatch(words):
        reader.range(name, found)
    elif found := _MATRIX.fullmatch(words):
        sizes = reader.sizes(found["sizes"], found.start("sizes"))
        if len(sizes) != 2:
            raise reader.source.error("a matrix has two sizes: matrix n x m", found.start("sizes"))
        scope.matrix(name, *sizes)
    elif found := _ARRAY.fullmatch(words):
        entries = reader.bounds(found["entries"] or "real", 0)
        scope.array(name, reader.sizes(found["sizes"], found.start("sizes")), **entries)
    else:
        scope.real(name, **reader.bounds(words, 0))


class _Reader:
    """Parts of one domain."""

    def __init__(self, scope: Scope, source: Source, language: Language) -> None:
        self.scope, self.source, self.language = scope, source, language

    def expr(self, text: str, at: int) -> Expr:
        """Read a part of the text; an error points into the whole."""
        try:
            return parse_expr(text, self.scope.symbols, self.language)
        except NotationError as err:
            blanks = len(text) - len(text.lstrip())
            raise self.source.error(err.message, at + (err.column or blanks), type(err)) from None

    def number(self, text: str | None) -> Expr | None:
        """Read an end; None and an infinite one are no bound."""
        return None if text is None else self.expr(text, 0)

    def bounds(self, text: str, at: int) -> dict[str, Any]:
        """Read an interval, or the name of one."""
        word = SYNONYMS.get(text, text)
        if word in REALS:
            lo, lo_open, hi, hi_open = REALS[word]
            ends = self.number(lo), self.number(hi)
        elif _INTERVAL.fullmatch(text):
            left, comma, right = text[1:-1].partition(",")
            if not comma:
                raise self.source.error("an interval is written [a, b], (a, b), [a, oo) ...", at)
            lo_open, hi_open = text[0] == "(", text[-1] == ")"
            ends = self.end(left, at + 1, lo_open, -1), self.end(right, at + 2 + len(left), hi_open, 1)
            lo_open, hi_open = lo_open and ends[0] is not None, hi_open and ends[1] is not None
        else:
            known = [*REALS, *INTEGERS, *SYNONYMS, "index 1..n", "array n", "[a, b]", "(a, b)"]
            hint = _elsewhere(text) or suggest(text, known)
            hint = hint or "; write real, positive, [a, b], count, index 1..n, array n ..."
            raise self.source.error(f"{text[:60]!r} is not a domain{hint}", at)
        return {"lo": ends[0], "lo_open": lo_open, "hi": ends[1], "hi_open": hi_open}

    def end(self, text: str, at: int, is_open: bool, side: int) -> Expr | None:
        """Read one end of an interval; the infinite one on its side is no bound."""
        value = self.expr(text, at)
        infinite = Const("oo") if side > 0 else Neg(Const("oo"))
        if value == infinite:
            if not is_open:
                raise self.source.error("an infinite end is written with a round bracket", at)
            return None
        if not _simple(value):
            raise self.source.error("an end is made of numbers, pi and other symbols by + - * and powers; write "
                                    "anything else as a hypothesis", at)  # fmt: skip
        return value

    def integer(self, text: str, at: int, side: int) -> Expr | None:
        """Read one end of a range of integers."""
        value = self.end(text, at, True, side)
        if value is not None and not is_integer(value):
            raise self.source.error(f"{text.strip()} is not an integer by its form", at)
        return value

    def range(self, name: str, found: re.Match[str]) -> None:
        """Declare ``integer a..b`` or ``index a..b``."""
        lo = self.integer(found["lo"], found.start("lo"), -1)
        hi = self.integer(found["hi"], found.start("hi"), 1)
        if found["sort"] == "integer":
            self.scope.integer(name, lo=lo, hi=hi)
        elif lo is None or hi is None:
            raise self.source.error("the range of an index is finite", 0)
        else:
            self.scope.index(name, hi, lo=lo)

    def sizes(self, text: str, at: int) -> tuple[Expr, ...]:
        """Read ``n``, ``n x m`` or ``n, m``."""
        out = []
        for k, piece in enumerate(re.split(r"(,|\sx\s)", text)):
            if k % 2 == 0:
                size = self.integer(piece, at, 1)
                if size is None:
                    raise self.source.error("the size of an array is finite", at)
                out.append(size)
            at += len(piece)
        return tuple(out)


def _elsewhere(text: str) -> str:
    """Say what to write for a domain in the words of other tools."""
    word = text.lower()
    if re.search(r"[<>=]", text):
        return "; declare real, integer or count here, and put the relation under given"
    found = re.search(r"\b(vector|matrix|simplex|array|symmetric|psd)\b", word)
    if found:
        return {"vector": "; write array n", "matrix": "; write matrix n x m, or array n x m for one with entries",
                "array": "; write array n, or array n x m"}.get(
            found[1], "; declare an array or a matrix, and write its properties as hypotheses")  # fmt: skip
    return _LETTERS.get(text, _LETTERS.get(word.rstrip("s"), ""))


def _simple(e: Expr) -> bool:
    """Whether an end is defined whatever its symbols are: nothing else would check that it is."""
    match e:
        case Num() | Sym():
            return not isinstance(e, Sym) or e.decl.sort in ("real", "integer")
        case Const(name):
            return name == "pi"
        case Div(a, b):
            return _simple(a) and isinstance(b, Num) and b.value != 0
        case Pow(a, b):
            return _simple(a) and isinstance(b, Num) and b.value.denominator == 1 and b.value >= 0
        case Neg() | Add() | Mul():
            return all(map(_simple, children(e)))
    return False
