"""The command line: ``dltsym VERB``.

Exit status 0 is fine, 1 is refuted, vacuous, broken or mismatched, 2 is misuse, 130 is Ctrl-C.
This package imports click and the standard library only; every verb imports what it needs when it runs.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from dltsym import __version__
from dltsym.cli import bounds, cases, evaluating, export, kernels, lints, look, make, measure, prove
from dltsym.errors import BrokenRecord, DltsymError, RecordError, suggest

WRONG, USAGE, INTERRUPTED = 1, 2, 130


class Verbs(click.Group):
    """Group of verbs in a fixed order, whose errors are one message: status 1 for a bad record, 2 for misuse."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order in which they were added."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a verb; an unknown one suggests near matches."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            hint = suggest(args[0], self.commands)
            if hint and "Did you mean" not in error.format_message():
                error.message += hint
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; an error that dltsym raises on purpose needs no traceback."""
        try:
            return super().invoke(ctx)
        except DltsymError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(WRONG if isinstance(error, BrokenRecord | RecordError) else USAGE)
        except BrokenPipeError:  # the reader of our output went away: click ends quietly
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"Error: {where}{error.strerror or error}", err=True)
            ctx.exit(USAGE)
        except KeyboardInterrupt:  # workers are gone by now: the pool kills them on its way out
            click.echo("Interrupted", err=True)
            ctx.exit(INTERRUPTED)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show a warning as one line on standard error."""

    def show(message: Warning | str, *_where: Any, **_more: Any) -> None:
        click.echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


ENVIRONMENT = """\b
Environment:
  DLTSYM_CACHE_DIR    folder of the verdict cache
  DLTSYM_PACKS        more folders of records, as in PATH; -core: without the core pack
  DLTSYM_REQUIRE_COQ  1: formal without coqc is a failure
  NO_COLOR            no colour
"""


@click.group(
    cls=Verbs, epilog=ENVIRONMENT, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, package_name="dltsym", prog_name="dltsym")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Look at, check and use the catalogue of deep-learning theory.

    Start with `dltsym list`, then `dltsym show KEY` and `dltsym check KEY`. `dltsym verify` proves everything.
    """
    ctx.with_resource(_plain_warnings())
    if os.environ.get("NO_COLOR"):
        ctx.color = False


for _verb in (
    look.list_, look.show, prove.check, look.latex, look.cite, prove.audit, evaluating.evaluate, kernels.kernel,
    lints.lint, look.graph, make.new, look.info, prove.verify, cases.prove, export.export, export.formal,
    measure.sharpness, measure.temperature, bounds.bound,
):  # fmt: skip
    main.add_command(_verb)
