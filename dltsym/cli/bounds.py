"""The verb on bounds: ``dltsym bound KEY`` for one set of inputs, or for every row of a CSV file."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

import click

from dltsym.cli.inputs import number
from dltsym.cli.say import count, dump, ending, json_option

UNITS = ("nat", "bit", "flop")


def pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` options.

    Parameters
    ----------
    texts : tuple of str
        What was given.
    option : str
        Named in errors.

    Returns
    -------
    dict of str to str

    Raises
    ------
    click.UsageError
        For anything else, and a name that is given twice.
    """
    out: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name.strip() and sign and value.strip()):
            raise click.UsageError(f"{option} takes NAME=VALUE, not {text!r}")
        if name.strip() in out:
            raise click.UsageError(f"{option} gives {name.strip()} twice")
        out[name.strip()] = value.strip()
    return out


def amount(text: str) -> Any:
    """Read a number, with its unit if it has one: ``1724``, ``1724nat``, ``2487.2bit``.

    Parameters
    ----------
    text : str
        What was given.

    Returns
    -------
    Fraction or Amount
    """
    from dltsym.bounds.amounts import Amount

    for unit in UNITS:
        for tail in (unit + "s", unit):
            if text.endswith(tail):
                return Amount(number(text.removesuffix(tail).strip()), unit)
    return number(text)


def _choice(text: str) -> Any:
    from dltsym.bounds.amounts import Grid

    if text.startswith("grid:"):
        return Grid(_whole(text.removeprefix("grid:")))
    return text


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise click.UsageError(f"{text!r} is not a whole number")
    return int(text)


class Ends(click.ParamType):
    """Smallest and largest loss."""

    name = "lo,hi"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Split a text; a tuple is one already."""
        if not isinstance(value, str):
            return value
        ends = value.split(",")
        if len(ends) != 2:
            self.fail(f"{value!r} is not two numbers such as 0,1", param, ctx)
        return tuple(number(x.strip()) for x in ends)


@click.command("bound", epilog=ending(
    "dltsym bound", "dltsym bound pac_bayes.occam --csv runs.csv --map emp_risk=risk --map bits=size:bit",
    "dltsym bound pac_bayes.maurer_pinsker --loss 0,1 --set n=30000 --set kl=1724 --set delta=0.05 --set emp_risk=0.29",
    status="0 fine; 1 a use or a row is refused, or the record is broken; 2 misuse.",
))  # fmt: skip
@click.argument("key", required=False)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="An input, by symbol or role (emp_risk, kl, bits, n, delta); 400.2bit is converted.")  # fmt: skip
@click.option("--csv", "source", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
              help="A bound for every row of a file, of a pipe, or of standard input (-).")  # fmt: skip
@click.option("--map", "mapping", multiple=True, metavar="NAME=COLUMN[:UNIT]", help="Which column an input is in.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="File for the rows; refused ones go to OUT.rejected.csv. Standard output by default.")  # fmt: skip
@click.option("--certified", is_flag=True, help="With --csv: also a certificate and a verdict for every row.")
@click.option("--of", help="Which of its bounds.")
@click.option("--loss", type=Ends(), help="Smallest and largest loss, such as 0,1.")
@click.option("--unit", default="", help='What n counts, such as "i.i.d. document".')
@click.option("--baseline", help="What a bound that says something has to beat.")
@click.option("--chosen", multiple=True, metavar="NAME=HOW", help="How NAME was fixed: before, data or grid:SIZE.")
@click.option("--union", "unions", multiple=True, metavar="NAME=SIZE", help="Pay for a choice out of SIZE values.")
@click.option("--read-as", default="", help='What the result is taken for, such as "single draw".')
@click.option("--posterior", type=click.Choice(["distribution", "point mass"]), default="distribution",
              show_default=True, help="Kind of the posterior.")  # fmt: skip
@click.option("--tighten", is_flag=True, help="Also name sharper bounds that hold at these inputs.")
@click.option("--table", help="Instead of a record: reproduce a public table, such as tight-pac-bayes.")
@click.option("--latex", is_flag=True, help="Print LaTeX: a sentence with the bound, or the table.")
@json_option
@click.pass_context
def bound(
    ctx: click.Context, key: str | None, settings: tuple[str, ...], source: Path | None, table: str | None,
    as_json: bool, latex: bool, **more: Any,
) -> None:  # fmt: skip
    """Evaluate a bound: an estimate, a certificate that is rounded outward, and whether it says anything.

    Uses that the statement does not cover are refused, with the reason. With --csv every row of a file gets its bound;
    rows that cannot be read or are outside the domain are refused one by one, with line and reason, and the status is
    1. Without KEY, the bounds that there are.
    """  # noqa: DOC501 - the text is shown to users
    if table is not None:
        _table(table, more["out"], as_json, latex)
    elif key is None:
        _listed(as_json)
    elif source is not None:
        if latex or more["tighten"]:
            raise click.UsageError(f"--{'latex' if latex else 'tighten'} goes with one bound, not with --csv")
        ctx.exit(_file(key, source, settings, more, as_json))
    else:
        for option in ("mapping", "out", "certified"):
            if more[option]:
                raise click.UsageError(f"--{'map' if option == 'mapping' else option} goes with --csv")
        _single(key, settings, more, as_json, latex)


def _listed(as_json: bool) -> None:
    from dltsym.bounds.words import listed

    rows = listed()
    if as_json:
        dump(rows)
    else:
        from dltsym.cli.say import table

        click.echo(table(("bound", "about", "holds for", "inputs"), [list(r.values()) for r in rows]))


def _options(more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "of": more["of"], "loss": more["loss"], "unit": more["unit"], "read_as": more["read_as"],
        "posterior": more["posterior"],
        "baseline": None if more["baseline"] is None else number(more["baseline"]),
        "chosen": {k: _choice(v) for k, v in pairs(more["chosen"], "--chosen").items()},
    }  # fmt: skip


def _paid(more: Mapping[str, Any]) -> Callable[[Any], Any]:
    from dltsym.bounds.objects import union

    sizes = {k: _whole(v) for k, v in pairs(more["unions"], "--union").items()}

    def apply(what: Any) -> Any:
        for name, size in sizes.items():
            what = union(what, name, size)
        return what

    return apply


def _single(key: str, settings: tuple[str, ...], more: Mapping[str, Any], as_json: bool, latex: bool) -> None:
    from dltsym.bounds.checks import IllegalBound
    from dltsym.bounds.objects import bound as made
    from dltsym.bounds.ranking import tighten
    from dltsym.bounds.values import evaluate
    from dltsym.bounds.words import data, latex_line, valued

    inputs = {name: amount(text) for name, text in pairs(settings, "--set").items()}
    what = _paid(more)(made(key, **_options(more), **inputs))
    try:
        found = evaluate(what)
    except IllegalBound as error:
        if as_json:
            dump({"key": what.key, "legal": False, "lints": [asdict(x) | {"advice": x.advice} for x in error.lints]})
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(1) from None
    better = tighten(what) if more["tighten"] else []
    if as_json:
        dump(data(what, found) | {"tighter": [s.value.json() | {"why": s.why} for s in better]})
    elif latex:
        click.echo(latex_line(what, found))
    else:
        click.echo(f"{what}\n{valued(found, what.ledger.delta if what.ledger.entries else None)}")
        for one in better:
            click.echo(f"  tighter     {one}")


def _file(key: str, source: Path, settings: tuple[str, ...], more: Mapping[str, Any], as_json: bool) -> int:
    from dltsym.bounds.outputs import complete_pair
    from dltsym.bounds.runs import run_csv

    fixed = {name: amount(text) for name, text in pairs(settings, "--set").items()}
    out: Path | None = more["out"]
    for path in () if out is None else (out, _apart(out)):
        if str(source) != "-" and path.exists() and path.samefile(source):
            raise click.UsageError(f"--out would replace {source}, which is read; choose another name")

    def run(target: BinaryIO, apart: BinaryIO | None) -> Any:
        with _bar() as progress:
            return run_csv(
                key, source, target, apart, fixed=fixed, mapping=pairs(more["mapping"], "--map"),
                certified=more["certified"], prepare=_paid(more), progress=progress, **_options(more),
            )  # fmt: skip

    if out is None:
        done = run(sys.stdout.buffer, None)
    else:
        with _terminable(), complete_pair(out, _apart(out)) as files:
            done = run(files.first, files.second)
            files.both = bool(done.rejected)
    _told(done, out, as_json)
    return 1 if done.rejected else 0


def _apart(out: Path) -> Path:
    return out.with_name(f"{out.stem}.rejected{out.suffix or '.csv'}")


def _told(done: Any, out: Path | None, as_json: bool) -> None:
    for item in done.first:
        click.echo(f"line {item.line}: {item.reason}", err=True)
    if done.rejected > len(done.first):
        click.echo(f"... and {count(done.rejected - len(done.first), 'more line')}", err=True)
    if as_json and out is not None:
        dump({"rows": done.rows, "rejected": done.rejected, "least": done.least if done.rows else None,
              "largest": done.largest if done.rows else None, "verdicts": dict(done.verdicts)})  # fmt: skip
        return
    verdicts = "".join(f", {n} {word}" for word, n in sorted(done.verdicts.items()))
    span = f" from {done.least:.12g} to {done.largest:.12g}" if done.rows else ""
    refused = f"{count(done.rejected, 'line')} refused" + (f", kept in {_apart(out)}" if out and done.rejected else "")
    click.echo(f"{count(done.rows, 'row')}{span}{verdicts}; {refused}", err=True)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a request to end (SIGTERM, SIGHUP) be an exception as Ctrl-C is, so that no unfinished file stays behind."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        with suppress(AttributeError, ValueError):  # not on this system, or not in the main thread
            number = getattr(signal, name)
            if signal.getsignal(number) is signal.SIG_DFL:  # what is ignored, as under nohup, stays ignored
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar() -> Iterator[Any]:
    """Show a progress bar on a terminal; anywhere else stay silent."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return

    def show(read: int, size: int, rows: int) -> None:
        if not size:  # a pipe
            click.secho(f"\r\x1b[K{rows:,} rows", nl=False, err=True)
            return
        width = max(10, min(os.get_terminal_size(2).columns, 100) - 30)
        full = width * read // max(size, 1)
        bar = f"[{'#' * full}{'.' * (width - full)}] {100 * read // max(size, 1):3d}% {rows:,} rows"
        click.secho(f"\r\x1b[K{bar}", nl=False, err=True, fg=None if os.environ.get("NO_COLOR") else "cyan")

    try:
        yield show
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _table(name: str, out: Path | None, as_json: bool, latex: bool) -> None:
    from dltsym.bounds.tables import reproduced

    text = reproduced(name, "json" if as_json else "latex" if latex else "csv" if out else "text")
    if out is None:
        click.echo(text.rstrip("\n"))
        return
    from dltsym.bounds.outputs import complete_file

    with _terminable(), complete_file(out) as file:
        file.write(text.encode())
