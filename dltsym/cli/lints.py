"""Lints of attention code: ``dltsym lint attention``.

Exit status: 0 nothing found, 1 something found, 2 misuse or arguments that cannot be read, 4 the process died or never
came back, 5 torch is missing, 70 dltsym itself failed.
"""

from __future__ import annotations

import json
from typing import Any

import click

from dltsym.cli.asking import Listed, erase, json_to, require, told, written
from dltsym.cli.say import ending


class Pair(click.ParamType):
    """Two numbers separated by a comma."""

    name = "x,y"

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Split a text; a tuple is one already."""
        if not isinstance(value, str):
            return value
        try:
            first, second = (self.kind(x) for x in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not two numbers such as 1e-3,0", param, ctx)
        return first, second


STATUS = "0 nothing found; 1 something found; 2 misuse; 4 the process died or hung; 5 no torch; 70 a defect of dltsym."


@click.group(epilog=ending("dltsym lint attention mine.py:attend", status=STATUS))
def lint() -> None:
    """Look for known mistakes in code of your own, by what it does."""


@lint.command(epilog=ending("dltsym lint attention mine.py:attend --map out=O", status=STATUS))
@click.argument("what", required=False)
@click.option("--map", "mapping", multiple=True, metavar="P=EXPR,...",
              help="What parameters and results are: q k v S C tau bias lp keep keep_keys T; out=P.")  # fmt: skip
@click.option("--half-steps", type=click.IntRange(min=1), help="Half-steps of Sinkhorn's iteration that are meant.")
@click.option("--tolerance", type=Pair(float), help="ATOL,RTOL of a test of yours, judged as well.")
@click.option("--shape", type=Pair(int), help="Queries,keys in that test; 64,64 by default.")
@click.option("--ignore", type=Listed(), default="", help="Lints to leave out, such as L2,L7.")
@click.option("--arrays", type=click.Choice(["auto", "torch", "numpy", "jax", "cupy"]), default="auto",
              show_default=True, help="What the callable takes.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
              help="Seconds for one call.")  # fmt: skip
@json_to
def attention(
    what: str | None, mapping: tuple[str, ...], timeout: float, arrays: str, where: str | None, **options: Any
) -> None:
    """Run an attention function on probe inputs: package.module:function, or file.py:function.

    Judged are the axis of the softmax, temperature, prior, plan against attention, the last half-step, causal masks
    with equal columns, masks and rows that see nothing, large scores, shapes. The callable runs in a process of its
    own. The status is 0 when nothing is found, 1 when something is, 2 when arguments cannot be read, 4 when
    the process dies or never comes back.
    """  # noqa: DOC501 - the text is shown to users
    if what is None and options["tolerance"] is None:
        raise click.UsageError("name a function, such as mine.py:attend, or give a --tolerance")
    if what is None:
        from dltsym.lints import lint_attention

        seen = lint_attention(**options)
        code, text, data = int(not seen.ok), str(seen), seen.json()
    else:
        require("torch")
        from dltsym.oracle.sandbox import Request, run

        request = Request(what, "", mapping=mapping, arrays=arrays, timeout=timeout, task="dltsym.lints.run:answered",
                          options=json.dumps(options))  # fmt: skip
        answer = run(request, told)
        erase()
        code, text, data = answer.exit_code, answer.text, answer.data
    if not written(data, where):
        click.echo(text, err=data.get("verdict") == "error")
    if code:
        raise click.exceptions.Exit(code)
