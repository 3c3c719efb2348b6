"""Text on its way to a tree: limits that stop hostile text before it is read, and errors that point into it."""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from dltsym.errors import NotationError

MAX_CHARS, MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, MAX_NODES = 20_000, 120, 200, 10_000, 20_000
WINDOW = 100  # characters of a long text that an error shows
_EQUAL = re.compile(r"(?<![<>=!])=(?!=)")
_SPELLED = {
    "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u2212": "-", "\u2013": "-", "\u00d7": "*", "\u00b7": "*",
    "\u22c5": "*", "\u00f7": "/", "\u221e": "oo", "\u03c0": "pi", "\u221a": "sqrt", "\u2211": "Sum",
    "\u00b2": "**2", "\u00b3": "**3", "\u2200": "an index symbol", "\u222b": "Integral",
}  # fmt: skip
_WORDS = {
    "sum": "Sum(body, (i, lo, hi))", "integral": "Integral(e, (x, lo, hi))", "int": "Integral(e, (x, lo, hi))",
    "lim": "limit(e, x, point)", "derivative": "diff(e, x)", "pow": "x**k", "cbrt": "x**(1/3)",
    "root": "x**(1/k)", "log2": "log(x)/log(2)", "log10": "log(x)/log(10)", "KL": "kl(q, p)",
    "arctan": "atan(x)", "e": "exp(x)", "inf": "oo", "infinity": "oo", "Pi": "pi",
}  # fmt: skip
_SLIPS = (
    (re.compile(r"=<"), "write <="), (re.compile(r"=>"), "write >="),
    (re.compile(r"<>"), "write !="), (re.compile(r"\|"), "write abs(x) for |x|"),
    (re.compile(r"\w\s+(?!and\b|or\b|not\b|in\b|is\b|if\b|else\b)\w|\b\d+[A-Za-z]"),
     "multiplication is written *, and functions have brackets"),
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A text as its author wrote it, with every kind of white space shown as a blank."""

    text: str

    @cached_property
    def plain(self) -> str:
        """The same in Python's syntax: ``=`` between sides becomes ``==``, blanks in front go."""
        return _EQUAL.sub("==", self.text.lstrip(" "))

    def column(self, plain: int) -> int:
        """Translate a position in `plain` into one in `text`.

        Parameters
        ----------
        plain : int
            Characters before the place.

        Returns
        -------
        int
        """
        blanks = len(self.text) - len(self.text.lstrip(" "))
        added = sum(1 for k, m in enumerate(_EQUAL.finditer(self.text.lstrip(" "))) if m.start() + k + 1 <= plain)
        return min(plain - added + blanks, len(self.text))

    def of(self, node: ast.AST) -> int:
        """Return the column at which a node begins; Python counts it in bytes.

        Parameters
        ----------
        node : ast.AST
            Node read from `plain`.

        Returns
        -------
        int
        """
        before = self.plain.encode()[: getattr(node, "col_offset", 0)]
        return self.column(len(before.decode(errors="ignore")))

    def error(self, message: str, column: int, kind: type[NotationError] = NotationError) -> NotationError:
        """Build an error that points at a column; of a long text it shows the part around it.

        Parameters
        ----------
        message : str
            What is wrong.
        column : int
            Characters before the place.
        kind : type
            Class of the error.

        Returns
        -------
        NotationError
        """
        out = kind(f"{message}\n{pointed(self.text, column)}")
        out.message, out.column = message, column
        return out


def pointed(text: str, column: int) -> str:
    """Show a text with a caret under one column.

    Parameters
    ----------
    text : str
        One line.
    column : int
        Characters before the place.

    Returns
    -------
    str
        Two lines.

    Examples
    --------
    >>> print(pointed("x + ", 4))
      x +
          ^
    """
    start = max(0, min(column - WINDOW // 2, len(text) - WINDOW))
    end = start + WINDOW
    head, tail = "... " * (start > 0), " ..." * (end < len(text))
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[start:end])
    return f"  {head}{shown}{tail}\n  {' ' * (len(head) + column - start)}^"


def read(text: str) -> tuple[Source, ast.expr]:
    """Parse text with Python's parser, which evaluates nothing.

    Parameters
    ----------
    text : str
        Text.

    Returns
    -------
    tuple of Source and ast.expr

    Raises
    ------
    NotationError
        When it is too long, too deep, not plain or no expression.
    """
    if len(text) > MAX_CHARS:
        raise NotationError(f"the text has {len(text)} characters, at most {MAX_CHARS} are read")
    source = Source("".join(" " if c.isspace() else c for c in text))
    if not text.strip():
        raise source.error("the text is empty", 0)
    _plain_characters(source)
    _shallow(source)
    try:
        return source, ast.parse(source.plain, mode="eval").body
    except SyntaxError as err:
        if not err.offset:  # Python ran out of text
            raise source.error("the text ends too early", len(source.text)) from None
        hint = next((f"; {what}" for slip, what in _SLIPS if slip.search(text)), "")
        raise source.error(f"cannot read the text: {err.msg}{hint}", source.column(err.offset - 1)) from None
    except (RecursionError, MemoryError):
        raise source.error("the text is nested too deeply", 0) from None
    except ValueError as err:
        raise source.error(f"cannot read the text: {err}", 0) from None


def _plain_characters(source: Source) -> None:
    """Refuse characters that Python reads as other ones, and others that no formula in this grammar has."""
    if source.text.isascii() and source.text.isprintable():
        return
    for column, c in enumerate(source.text):
        if not c.isprintable() or (not c.isidentifier() and not c.isascii()) or unicodedata.normalize("NFKC", c) != c:
            name = unicodedata.name(c, "no name")
            hint = f"; write {_SPELLED[c]}" if c in _SPELLED else ""
            raise source.error(f"the character U+{ord(c):04X} ({name}) is not part of the grammar{hint}", column)


def _shallow(source: Source) -> None:
    depth = 0
    for column, c in enumerate(source.text):
        depth += (c in "([{") - (c in ")]}")
        if depth > MAX_DEPTH:
            raise source.error(f"the text is nested deeper than {MAX_DEPTH} levels", column)
    for found in re.finditer(r"(?:[-+~]\s*){2,}|(?:\*\*[\s+-]*\w+\s*)+|(?:\bnot\b\s*)+", source.text):
        if len(found[0]) > 20 * MAX_DEPTH:
            raise source.error(f"the text is nested deeper than {MAX_DEPTH} levels", found.start())


def odd(name: str) -> str:
    """Say what to write for a name from elsewhere, or which characters are no ASCII letters: many look like one.

    Parameters
    ----------
    name : str
        Name that was not found.

    Returns
    -------
    str
        Tail of a message; empty for a plain name.

    Examples
    --------
    >>> odd("p"), odd("\u0440")
    ('', ' (it has U+0440 CYRILLIC SMALL LETTER ER)')
    """
    if name in _WORDS:
        return f"; write {_WORDS[name]}"
    strange = [c for c in name if not c.isascii()]
    if not strange:
        return ""
    hint = f"; write {_SPELLED[name]}" if name in _SPELLED else ""
    return f" (it has U+{ord(strange[0]):04X} {unicodedata.name(strange[0], 'no name')}{hint})"
