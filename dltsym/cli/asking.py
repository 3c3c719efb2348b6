"""Options of the verbs on kernels, their progress and colour, and what they say when something is missing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from dltsym.cli.say import Seconds, dump

PASS, WRONG, MISSING = 0, 1, 5
EXTRAS = {"torch": "torch", "triton": "gpu"}
SHORT = ("f64", "f32", "f16", "bf16")


class Listed(click.ParamType):
    """Names separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Split a text; a tuple is one already."""
        return tuple(x.strip() for x in value.split(",") if x.strip()) if isinstance(value, str) else value


class Dtypes(Listed):
    """Types separated by commas."""

    name = "types"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read long and short names."""
        from dltsym.implementation import DTYPES

        names = super().convert(value, param, ctx)
        unknown = [n for n in names if n not in DTYPES and n not in DTYPES.values()]
        if unknown or not names:
            self.fail(f"no type {unknown[0] if unknown else value!r}; there are {', '.join(SHORT)}", param, ctx)
        return tuple(DTYPES.get(n, n) for n in names)


def dtype_option(default: str) -> Callable[..., Any]:
    """Add ``--dtype``.

    Parameters
    ----------
    default : str
        Types.

    Returns
    -------
    callable
    """
    return click.option("--dtype", "dtypes", type=Dtypes(), default=default, show_default=True,
                        help="Types of numbers, such as f32,bf16.")  # fmt: skip


def require(package: str, allow_skip: bool = False) -> None:
    """End with status 5 and the name of the extra when a package is missing.

    Parameters
    ----------
    package : str
        Package.
    allow_skip : bool
        End with status 0 instead.
    """
    if find_spec(package) is None:
        missing(f"{package} is not installed; pip install dltsym[{EXTRAS[package]}]", allow_skip)


def missing(text: str, allow_skip: bool = False) -> None:
    """Say what is missing and end.

    Parameters
    ----------
    text : str
        What is missing, and what to do.
    allow_skip : bool
        End with status 0 instead of 5.

    Raises
    ------
    Exit
        Always.
    """
    click.echo(f"skipped: {text}" if allow_skip else f"Error: {text}", err=not allow_skip)
    raise click.exceptions.Exit(PASS if allow_skip else MISSING)


def told(done: int, total: int, label: str) -> None:
    """Show on a terminal what is being done; anywhere else stay silent.

    Parameters
    ----------
    done, total : int
        How many are done, of how many.
    label : str
        What is next.
    """
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        width = min(os.get_terminal_size(2).columns, 120)
        end = "\r\x1b[K" if done >= total else "\r"
        click.echo(f"\r\x1b[K{f'[{done}/{total}] {label}'[: width - 1]}{end}", nl=False, err=True)


def erase() -> None:
    """Take the line of progress away."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        click.echo("\r\x1b[K", nl=False, err=True)


def coloured() -> bool:
    """Tell whether colour is wanted on standard output.

    Returns
    -------
    bool
    """
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def written(data: Mapping[str, Any], where: str | None) -> bool:
    """Write JSON where it is wanted.

    Parameters
    ----------
    data : mapping
        Plain data.
    where : str or None
        File, ``-`` for standard output, None for nowhere.

    Returns
    -------
    bool
        Whether standard output is taken.
    """
    if where == "-":
        dump(data)
        return True
    if where:
        Path(where).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return False


def json_to(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``, which prints, or writes a file if one is named.

    Parameters
    ----------
    command : callable
        Body of the verb.

    Returns
    -------
    callable
    """
    return click.option("--json", "where", is_flag=False, flag_value="-", metavar="[FILE]",
                        help="Print JSON for a machine, or write it to a file.")(command)  # fmt: skip


def asked(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how a callable is called.

    Parameters
    ----------
    command : callable
        Body of the verb.

    Returns
    -------
    callable
    """
    for option in reversed([
        click.option("--map", "mapping", multiple=True, metavar="TEXT",
                     help='What its arguments and results are: "softmax_scale=1/tau, q=q:bnhd, out[1]=lse/ln2".'),
        click.option("--device", default="cpu", show_default=True, help="cpu (Triton is interpreted) or cuda."),
        click.option("--contract", default="", help='Arithmetic that differs from the default: "dot=tf32,acc=f16".'),
        click.option("--arrays", type=click.Choice(["auto", "torch", "numpy", "jax", "cupy"]), default="auto",
                     show_default=True, help="What arrays it takes."),
        click.option("--c-signature", default="", help='Of a library: "ptr f32 q; out f32 o; int n".'),
        click.option("--timeout", type=Seconds(), default=60.0, show_default=True, help="Seconds for one call."),
    ]):  # fmt: skip
        command = option(command)
    return command
