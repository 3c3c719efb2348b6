"""Verbs that make something: eval (a number) and new (a record file)."""

from __future__ import annotations

import re
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any

import click

from dltsym.cli.say import dump, json_option

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?(/[0-9]+)?", re.ASCII)
_TOKEN = re.compile(r"\s*([\[\],]|[^\[\],\s]+)")
DEEP, LONG = 8, 4000

TEMPLATE = '''r"""{title}: one sentence that says what it gives you.

Two or three sentences for the reader: why it holds, when it is tight, what it is used for. This text becomes the page.
"""

from dltsym import Scope, derive, value

v = Scope()
x = v.real("x", "say what it means")
y = v.real("y", "say what it means")

theorem = v.theorem(
    title="{title}",
    cite=("{cite}", "say where"),
    claim="2*x*y <= x**2 + y**2",
    proof=derive("2*x*y")
    .eq("x**2 + y**2 - (x - y)**2", "expand the square")
    .le("x**2 + y**2", "a square is not negative"),
    tight={{"x": "y"}},
    values=[value("13", "2**2 + 3**2 by hand", x=2, y=3)],
)
'''

ENTRY = """@misc{{{cite},
  title = {{Replace this entry by the source of your theorem}},
  author = {{Nobody, N.}},
  year = {{2000}},
}}
"""


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
        raise click.UsageError(f"{text[:60]!r} is not a number; write 3, 0.05, 1e-3, 2/3 or [1, 2, 3]")
    top, _, bottom = text.partition("/")
    if bottom and int(bottom) == 0:
        raise click.UsageError(f"{text!r} divides by zero")
    return Fraction(top) / int(bottom or 1)


def numbers(text: str) -> Any:
    """Read a number or a nested list of numbers in square brackets.

    Parameters
    ----------
    text : str
        Such as ``0.5`` or ``[[1, 0], [0, 1/2]]``.

    Returns
    -------
    Fraction or nested tuple of Fraction

    Raises
    ------
    click.UsageError
        For anything else.

    Examples
    --------
    >>> numbers("[1, [2, 1/2]]")
    (Fraction(1, 1), (Fraction(2, 1), Fraction(1, 2)))
    """
    if not text.strip().startswith("["):
        return number(text.strip())
    tokens = _TOKEN.findall(text)
    value, rest = _list(tokens[1:], 1, text)
    if rest:
        raise click.UsageError(f"cannot read {text[:60]!r}: something follows the last bracket")
    return value


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


@click.command("eval")
@click.argument("key")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of a symbol; repeat for each.")
@click.option("--of", "output", help="Which output; all of them by default.")
@click.option("--backend", type=click.Choice(["numpy", "torch", "ball"]), help="numpy by default, ball with --digits.")
@click.option("--digits", type=click.IntRange(1, 1000), help="Digits of the certified enclosure; 15 by default.")
@json_option
def evaluate(
    key: str, settings: tuple[str, ...], output: str | None, backend: str | None, digits: int | None, as_json: bool
) -> None:
    """Evaluate the outputs of a record at given inputs.

    The backend ball gives a certified enclosure. Values are numbers (3, 0.05, 1e-3, 2/3) or lists ([1, 2/3]).
    """  # noqa: DOC501 - the text is shown to users
    from dltsym import catalogue
    from dltsym.errors import UnknownKey
    from dltsym.record import Theorem

    record = catalogue.get(key)
    if not isinstance(record, Theorem):
        raise UnknownKey(f"{key} is an audit and has no kernel; see dltsym audit {key}")
    backend = backend or ("ball" if digits else "numpy")
    if digits and backend != "ball":
        raise click.UsageError("--digits is for --backend ball; the others compute in floating point")
    inputs = _inputs(record, settings, backend)
    result = _result(record, inputs, output, backend, digits or 15)
    if as_json:
        dump({"key": record.key, "backend": backend, **result})
        return
    shown = next(iter(v for k, v in result.items() if k in ("enclosure", "value")))
    for name, item in shown.items() if isinstance(shown, dict) else [("", shown)]:
        click.echo(f"{name} = {item}" if name else item)


def _inputs(record: Any, settings: tuple[str, ...], backend: str) -> dict[str, Any]:
    from dltsym.errors import UndeclaredSymbol, suggest

    known = [s.name for s in record.symbols.values() if s.decl.sort != "let"]
    inputs: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals:
            raise click.UsageError(f"--set {setting!r}: write NAME=VALUE")
        if name not in known:
            hint = suggest(name, known)
            raise UndeclaredSymbol(f"{record.key} has no input {name!r}{hint}; it has {', '.join(known)}")
        if name in inputs:
            raise click.UsageError(f"--set gives {name} twice")
        inputs[name] = numbers(text) if backend == "ball" else _floats(numbers(text))
    return inputs


def _floats(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_floats(item) for item in value]
    try:
        near = int(value) if value.denominator == 1 and abs(value) < 2**53 else float(value)
    except OverflowError:
        raise click.UsageError("a number is too large for floating point; use --backend ball") from None
    if value and not near:
        raise click.UsageError("a number is too small for floating point; use --backend ball")
    return near


def _result(record: Any, inputs: dict[str, Any], output: str | None, backend: str, digits: int) -> dict[str, Any]:
    kernel = record.kernel(backend, output)
    if backend != "ball":
        return {"value": _plain(kernel(**inputs))}
    from flint import ctx

    before, ctx.prec = ctx.prec, max(64, int(3.33 * digits) + 64)
    try:
        return {"enclosure": _enclosed(kernel(**inputs), digits)}
    finally:
        ctx.prec = before


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if isfinite(value) else str(value)  # JSON has no infinity
    return _plain(value.tolist()) if type(value).__module__.split(".")[0] in ("numpy", "torch") else value


def _enclosed(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {name: _enclosed(item, digits) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_enclosed(item, digits) for item in value]
    return value.str(digits) if type(value).__module__.startswith("flint") else str(value)


@click.command()
@click.argument("name", metavar="AREA/NAME")
@click.option("--in", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder of the pack.")
@click.option("--cite", "source", help="Bibliography key of the source.")
def new(name: str, folder: Path | None, source: str | None) -> None:
    """Write a record file that already passes, as a start for yours."""
    from dltsym.packs import bib_keys, packs

    parts = re.split(r"[./]", name.removesuffix(".py"))
    if len(parts) < 2 or not all(re.fullmatch(r"[a-z][a-z0-9_]*", part) for part in parts):
        raise click.UsageError(f"{name!r}: write AREA/NAME in lower case, such as information/pinsker")
    home = folder or _home(packs())
    path = home.joinpath(*parts).with_suffix(".py")
    if path.exists():
        raise click.UsageError(f"{path} exists; nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True)
    bibliography = home / "references.bib"
    known = sorted(bib_keys([bibliography])) if bibliography.is_file() else []
    cite = source or (known[0] if known else "replace_me")
    if cite not in known:
        _add_entry(bibliography, cite)
    title = parts[-1].replace("_", " ").capitalize()
    with path.open("x", encoding="utf-8") as file:
        file.write(TEMPLATE.format(title=title, cite=cite))
    key = ".".join(parts)
    click.echo(f"written: {path}")
    click.echo(f"1. Run `dltsym check {key}`: it passes as it is.")
    click.echo("2. Replace symbols, claim and proof by yours, one step at a time, and check again.")
    click.echo(f"3. Cite your source: its entry goes into {bibliography} (now: {cite}).")


def _home(found: Any) -> Path:
    """Return the folder of the first pack that is not inside an installed package, else ./derivations."""
    installed = Path(__file__).resolve().parent.parent
    folders = [f for pack in found for f in pack.folders if not f.is_relative_to(installed)]
    return folders[0] if folders else Path("derivations")


def _add_entry(path: Path, cite: str) -> None:
    text = path.read_text(encoding="utf-8") + "\n" if path.is_file() else ""
    path.write_text(text + ENTRY.format(cite=cite), encoding="utf-8")
