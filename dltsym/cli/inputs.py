"""What a user gives for a symbol: numbers and nested lists as text, or arrays in a JSON or NumPy file."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?(/[0-9]+)?", re.ASCII)
_TOKEN = re.compile(r"\s*([\[\],]|[^\[\],\s]+)")
DEEP, LONG = 8, 4000
EXACT_DIGITS = 15  # a decimal with more digits in a file is a float that was written out


def number(text: str) -> Fraction:
    """Read an exact number: integer, decimal, scientific notation, or a ratio of those and an integer.

    Parameters
    ----------
    text : str
        Such as ``-3``, ``0.05``, ``1e-3``, ``2/3``.

    Returns
    -------
    Fraction

    Raises
    ------
    click.UsageError
        For anything else; text is never evaluated as code.

    Examples
    --------
    >>> number("0.05"), number("1e3"), number("2/3")
    (Fraction(1, 20), Fraction(1000, 1), Fraction(2, 3))
    """
    if len(text) > LONG or not _NUMBER.fullmatch(text):
        raise click.UsageError(f"{text[:60]!r} is not a number; write 3, 0.05, 1e-3, 2/3, [1, 2, 3] or @FILE")
    top, _, bottom = text.partition("/")
    if bottom and int(bottom) == 0:
        raise click.UsageError(f"{text!r} divides by zero")
    return Fraction(top) / int(bottom or 1)


def numbers(text: str) -> Any:
    """Read a number, a nested list of numbers in square brackets, or a file of them.

    Parameters
    ----------
    text : str
        Such as ``0.5``, ``[[1, 0], [0, 1/2]]`` or ``@scores.npy``.

    Returns
    -------
    Fraction, float or nested tuple of them
        Floats come from files only: what was rounded may miss a hypothesis by rounding.

    Raises
    ------
    click.UsageError
        For anything else.

    Examples
    --------
    >>> numbers("[1, 2/3]")
    (Fraction(1, 1), Fraction(2, 3))
    """
    text = text.strip()
    if text.startswith("@"):
        value = _file(Path(text[1:]))
    elif text.startswith("["):
        tokens = _TOKEN.findall(text)
        value, rest = _list(tokens[1:], 1, text)
        if rest:
            raise click.UsageError(f"cannot read {text[:60]!r}: something follows the last bracket")
    else:
        value = number(text)
    return value


def shape(value: Any, text: str) -> tuple[int, ...]:
    """Return the sizes of a nested list.

    Parameters
    ----------
    value : number or nested tuple
        What was read.
    text : str
        Named in the error.

    Returns
    -------
    tuple of int

    Raises
    ------
    click.UsageError
        When it is not rectangular.

    Examples
    --------
    >>> shape(((1, 2, 3), (4, 5, 6)), "A")
    (2, 3)
    """
    if not isinstance(value, tuple):
        return ()
    inner = [shape(item, text) for item in value]
    for k, sizes in enumerate(inner[1:], 2):
        if sizes != inner[0]:
            raise click.UsageError(f"{text}: not a rectangular array: entry 1 has shape {inner[0]}, entry {k} {sizes}")
    return (len(value), *(inner[0] if inner else ()))


def _list(tokens: list[str], depth: int, text: str) -> tuple[tuple[Any, ...], list[str]]:
    items: list[Any] = []
    wrong = click.UsageError(f"cannot read the list {text[:60]!r}; write [1, 2, 3]")
    while tokens and depth <= DEEP:
        head, *tokens = tokens
        if head == "]" and not items:
            return (), tokens
        if head == "[":
            item, tokens = _list(tokens, depth + 1, text)
        elif head in ("]", ","):
            raise wrong
        else:
            item = number(head)
        items.append(item)
        if not tokens or tokens[0] not in (",", "]"):
            raise wrong
        head, *tokens = tokens
        if head == "]":
            return tuple(items), tokens
    raise wrong


def _file(path: Path) -> Any:
    if path.suffix not in (".npy", ".json"):
        raise click.UsageError(f"{path}: an array is read from a .npy or a .json file")
    try:
        return _npy(path) if path.suffix == ".npy" else _json(path)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror or error}") from None


def _npy(path: Path) -> Any:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:  # pickled objects run code when they are read
        raise click.UsageError(f"{path} is not a plain NumPy array: {error}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise click.UsageError(f"{path} has type {getattr(array, 'dtype', 'archive')}; give an array of real numbers")
    if not np.isfinite(array).all():
        at = tuple(int(k) + 1 for k in np.argwhere(~np.isfinite(array))[0])
        raise click.UsageError(f"{path}: the entry {at} (counted from 1) is {array[tuple(k - 1 for k in at)]}")
    return _frozen(array.tolist())


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return Fraction(value) if isinstance(value, int) else value


def _json(path: Path) -> Any:
    def refused(text: str) -> Any:
        raise click.UsageError(f"{path}: {text} is not a number")

    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_float=_decimal, parse_int=number,
                           parse_constant=refused)  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{path} is not JSON: {error}") from None
    return _entries(value, path, DEEP)


def _decimal(text: str) -> Fraction | float:
    exact = number(text)
    digits = text.lower().split("e")[0].replace(".", "").lstrip("+-0")
    return exact if len(digits) <= EXACT_DIGITS else float(text)


def _entries(value: Any, path: Path, depth: int) -> Any:
    if isinstance(value, list) and depth:
        return tuple(_entries(item, path, depth - 1) for item in value)
    if isinstance(value, str):
        return number(value)
    if not isinstance(value, Fraction | float):
        raise click.UsageError(f"{path}: {str(value)[:40]} is not a number; write nested lists of numbers")
    return value
