"""How the command line speaks: JSON for machines, aligned columns for people, colour only where it is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

COLOURS = {
    "formal": "green", "exact": "green", "smt": "green", "cas": "cyan", "ball": "cyan", "tested": "yellow",
    "cited": "blue", "open": "yellow", "refuted": "red", "vacuous": "red", "broken": "red", "error": "red",
    "unchecked": "bright_black",
}  # fmt: skip


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` to a verb.

    Parameters
    ----------
    command : callable
        Body of the verb.

    Returns
    -------
    callable
    """
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine.")(command)


FINE = "0 fine; 1 refuted, vacuous, broken or not reproduced; 2 misuse; 130 Ctrl-C."
SHOWN = "0 fine; 1 the record is broken; 2 misuse; 130 Ctrl-C."


def ending(*examples: str, status: str = FINE) -> str:
    r"""Return what the help of a verb ends with: examples and the exit status.

    Parameters
    ----------
    *examples : str
        Command lines that work.
    status : str
        What each number means.

    Returns
    -------
    str
        Text that click does not fill.

    Examples
    --------
    >>> print(ending("dltsym list kl", status="0 fine; 2 misuse.").replace("\b", ""))
    <BLANKLINE>
    Examples:
      dltsym list kl
    <BLANKLINE>
    <BLANKLINE>
    Exit status: 0 fine; 2 misuse.
    """
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in examples), "", "\b", f"Exit status: {status}"])


def cache_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--no-cache`` to a verb.

    Parameters
    ----------
    command : callable
        Body of the verb.

    Returns
    -------
    callable
    """
    return click.option("--no-cache", is_flag=True, help="Prove again, and keep nothing.")(command)


class Seconds(click.FloatRange):
    """A positive finite number of seconds."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True, max=1e6)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number; one that compares with nothing lies in no range."""
        if str(value).strip().lower().lstrip("+-") == "nan":
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return super().convert(value, param, ctx)


def timeout_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--timeout`` to a verb.

    Parameters
    ----------
    command : callable
        Body of the verb.

    Returns
    -------
    callable
    """
    text = "Seconds per record."
    return click.option("--timeout", type=Seconds(), default=120.0, show_default=True, help=text)(command)


def dump(data: Any) -> None:
    """Print JSON.

    Parameters
    ----------
    data : object
        Plain data.
    """
    click.echo(json.dumps(data, indent=2))


def note(text: str, colour: str | None = None) -> None:
    """Print a line on standard error.

    Parameters
    ----------
    text : str
        Line.
    colour : str, optional
        Name of a colour.
    """
    click.secho(text, fg=colour, err=True)


def graded(word: str, width: int = 0) -> str:
    """Return a grade in its colour.

    Parameters
    ----------
    word : str
        Grade or verdict.
    width : int
        Pad to so many characters.

    Returns
    -------
    str
    """
    return click.style(word.ljust(width), fg=COLOURS.get(word.split()[0] if word.strip() else ""))


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], paint: int | None = None) -> str:
    """Return rows as aligned columns; numbers are aligned on the right.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence
        Cells.
    paint : int, optional
        Column that holds grades.

    Returns
    -------
    str
    """
    body = [list(row) for row in rows]
    widths = [max([len(name), *(len(str(row[k])) for row in body)]) for k, name in enumerate(head)]

    def cell(value: Any, k: int) -> str:
        text = str(value).rjust(widths[k]) if isinstance(value, int | float) else str(value).ljust(widths[k])
        return graded(str(value), widths[k]) if k == paint else text

    lines = [click.style("  ".join(name.ljust(widths[k]) for k, name in enumerate(head)).rstrip(), bold=True)]
    lines += ["  ".join(cell(value, k) for k, value in enumerate(row)).rstrip() for row in body]
    return "\n".join(lines)


def count(number: int, thing: str) -> str:
    """Return a number with its noun.

    Parameters
    ----------
    number : int
        How many.
    thing : str
        Noun in the singular.

    Returns
    -------
    str

    Examples
    --------
    >>> count(1, "record"), count(2, "record")
    ('1 record', '2 records')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"
