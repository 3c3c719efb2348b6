"""The verbs of kernels: those that a record compiles to, and, in `dltsym.cli.oracle`, those that people write."""

from __future__ import annotations

from typing import Any

import click

from dltsym.cli import oracle
from dltsym.cli.say import SHOWN, dump, ending, json_option
from dltsym.errors import suggest

PARTS = ("source", "ir", "report", "signature", "latex")


class KernelVerbs(click.Group):
    """Verbs of kernels; anything that is no verb is the key of a record, whose kernel is shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the implied verb in front of a key or an option of it."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [SHOW, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order in which they were added."""
        return list(self.commands)


class Implied(click.Command):
    """A verb that need not be said: its name stands for its argument."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Leave the argument out of the usage line: it is there already."""
        return [piece for piece in super().collect_usage_pieces(ctx) if piece != SHOW]


SHOW = "KEY"


@click.group(cls=KernelVerbs, epilog=ending(
    "dltsym kernel information.pinsker", "dltsym kernel list",
    "dltsym kernel check mine.py:attend --against attention.one_sided_eot", status="that of the verb.",
))  # fmt: skip
def kernel() -> None:
    """Show the kernel of a record (`dltsym kernel KEY`), and check kernels that people write against a theorem."""


@kernel.command(SHOW, cls=Implied, epilog=ending("dltsym kernel information.pinsker --backend numpy --source",
                                                 status=SHOWN))  # fmt: skip
@click.argument("key")
@click.option("--backend", type=click.Choice(["torch", "numpy", "ball", "triton"]), default="torch",
              show_default=True, help="Where it runs.")  # fmt: skip
@click.option("--of", "output", help="Which output; all of them by default.")
@click.option("--axes", help='Order of the axes of the result, such as "i c"; as they occur by default.')
@click.option("--grad", "wrt", metavar="NAME", help="The gradient by an input instead of the value.")
@click.option(
    "--closed", is_flag=True, help="The closed kernel: scalars with extended exponents, indices as arguments."
)
@click.option("--source", "parts", flag_value="source", multiple=True, help="Generated source (this is the default).")
@click.option("--ir", "parts", flag_value="ir", multiple=True, help="Program it was printed from.")
@click.option("--report", "parts", flag_value="report", multiple=True, help="What could not be made safe.")
@click.option("--signature", "parts", flag_value="signature", multiple=True, help="Arguments and results with axes.")
@click.option("--latex", "parts", flag_value="latex", multiple=True, help="Formula.")
@click.option("--validate", is_flag=True, help="Hold program and source against the formula in balls, at tiny sizes.")
@json_option
def show(
    key: str, backend: str, output: str | None, axes: str | None, wrt: str | None, closed: bool,
    parts: tuple[str, ...], validate: bool, as_json: bool,
) -> None:  # fmt: skip
    """Compile a record and show the kernel.

    The status is 1 when --validate finds a disagreement.
    """  # noqa: DOC501 - the text is shown to users
    from dltsym import catalogue
    from dltsym.errors import UnknownKey
    from dltsym.record import Theorem

    if "." not in key and (near := suggest(key, [verb.name or "" for verb in oracle.VERBS])):
        raise click.UsageError(f"No such verb or record {key!r}{near}")
    record = catalogue.get(key)
    if not isinstance(record, Theorem):
        raise UnknownKey(f"{key} is an audit and has no kernel; see dltsym audit {key}")
    if closed and (axes or wrt or validate or backend == "triton"):
        raise click.UsageError("--closed goes with --backend and --of only; it has no axes and no gradient")
    if output is None and len(record.outputs) > 1 and (wrt or backend == "triton"):
        what = "to differentiate" if wrt else "for triton"
        raise click.UsageError(f"choose an output {what} with --of; there are {', '.join(record.outputs)}")
    built = record.kernel(backend, output, **({} if closed else {"axes": axes or ()}))
    if wrt:
        built = built.grad(wrt)
    told = {part: _part(built, part) for part in parts or ("source",)}
    outcome = built.validate() if validate else None
    if as_json:
        checked = {} if outcome is None else {"valid": outcome.ok, "problems": list(outcome.problems)}
        dump({"key": record.key, "backend": backend, **told, **checked})
    else:
        for text in told.values():
            click.echo(text if isinstance(text, str) else "\n".join(text) or "no findings")
        if outcome is not None:
            click.echo(str(outcome))
    if outcome is not None and not outcome.ok:
        raise click.exceptions.Exit(1)


def _part(built: Any, part: str) -> Any:
    if part == "report":
        return [str(f) for f in built.report]
    if part == "signature":
        return str(getattr(built, "signature", built))
    return built.latex() if part == "latex" else getattr(built, part)


for _verb in oracle.VERBS:
    kernel.add_command(_verb)
