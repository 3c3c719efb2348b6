"""The verbs on numbers that people bring: sharpness of attention, and the temperature that makes it hard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dltsym.cli.say import count, dump, ending, json_option, table


@click.command(epilog=ending("dltsym sharpness attention.npy --mask causal",
                             status="0 fine; 1 a row is no probability vector; 2 misuse; 130 Ctrl-C."))  # fmt: skip
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Tensor of the file, when it holds several.")
@click.option("--axis", type=click.Choice(["-1", "-2"]), default="-1", show_default=True, help="Axis of the keys.")
@click.option("--mask", type=click.Choice(["causal"]), help="Keys after a query are hidden.")
@click.option("--tol", type=click.FloatRange(min=0, min_open=True), help="Of row sums; by default that of rounding.")
@click.option("--most", type=click.IntRange(min=0), default=20, show_default=True, help="Bad rows that are listed.")
@json_option
@click.pass_context
def sharpness(
    ctx: click.Context, file: Path, name: str | None, axis: str, mask: str | None, tol: float | None, most: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Measure entropy and sharpness of attention matrices in a .npy, .npz or .safetensors file.

    One line per matrix: bad rows, mean, least and largest entropy in nats, and the means of the number of effective
    keys, of the mass that misses the largest weight, and of the distance to uniform. Rows that are no probability
    vectors are named; the status is 1 when there are any.
    """
    from dltsym.systems.sharpness import attention_sharpness

    found = attention_sharpness(file, name=name, axis=int(axis), mask=mask, tol=tol)
    rows, bad = found.table(), int((found.reason != 0).sum())
    listed = [{"row": list(at), "reason": why, "sum": _finite(found.sums[at])} for at, why in found.bad_rows(most)]
    if as_json:
        dump({"file": file.name, "source": found.source, "keys": found.keys, "tolerance": found.tolerance,
              "matrices": rows, "bad": bad, "bad_rows": listed})  # fmt: skip
    else:
        head = ("matrix", "bad rows", "entropy", "least", "largest", "effective keys", "miss", "from uniform")
        click.echo(table(head, (_line(r) for r in rows)))
        for one in listed:
            click.echo(f"row {one['row']}: {one['reason']} (sum {one['sum']})", err=True)
        if bad > len(listed):
            click.echo(f"... and {count(bad - len(listed), 'more bad row')}", err=True)
    if bad:
        ctx.exit(1)


def _finite(x: Any) -> Any:
    """Return a number, or a word for what JSON cannot hold."""
    return float(x) if abs(x) < float("inf") else str(float(x))


def _line(row: dict[str, Any]) -> list[str]:
    numbers = [row[k] for k in ("entropy", "least", "largest", "effective_keys", "miss", "from_uniform")]
    at = ",".join(map(str, row["index"])) or "-"
    return [at, f"{row['bad']}/{row['rows']}", *("-" if x is None else f"{x:.6g}" for x in numbers)]


@click.command(epilog=ending("dltsym temperature --gap 1 --keys 1024", status="0 fine; 2 misuse."))
@click.option("--gap", type=float, required=True, help="Gap between the largest score and the next.")
@click.option("--keys", type=click.IntRange(min=1), required=True, help="Number of keys.")
@click.option("--miss", type=float, default=0.01, show_default=True, help="Mass that may miss the largest score.")
@json_option
def temperature(gap: float, keys: int, miss: float, as_json: bool) -> None:
    """Say how low the temperature must be for attention to be hard, and by which theorem.

    The temperature divides the scores in which the gap is measured.
    """
    from dataclasses import asdict

    from dltsym.systems.temperature import choose_temperature

    found = choose_temperature(gap, keys, miss)
    if as_json:
        data = asdict(found)
        dump(data | {k: _finite(data[k]) for k in ("temperature", "beta", "gap")} | {
            "interval": [_finite(x) for x in found.interval]})  # fmt: skip
        return
    click.echo(f"temperature {found.temperature:.12g} (inverse {found.beta:.12g}), by {found.theorem}")
    click.echo(f"enclosure   [{found.interval[0]!r}, {found.interval[1]!r}]")
    click.echo(f"assumed     {'; '.join(found.assumptions)}")
    click.echo(f"sufficient  {found.sufficient}")
    click.echo(f"necessary   {found.necessary}")
