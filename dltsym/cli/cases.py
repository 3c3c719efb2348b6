"""The verb that decides claims from a JSON file: prove."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from dltsym.cli.prove import shown_progress
from dltsym.cli.say import Seconds, cache_option, count, dump, ending, json_option, note, table

WRONG = 1


@click.command(epilog=ending("dltsym prove claims.json", "dltsym prove - --json < claims.jsonl",
                             status="0 every claim is as expected; 1 one is not; 2 misuse; 130 Ctrl-C."))  # fmt: skip
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@cache_option
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes; one per core by default.")
@click.option("--timeout", type=Seconds(), default=10.0, show_default=True,
              help="Seconds of processor time for the engines of a case.")  # fmt: skip
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the outcomes as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@json_option
def prove(
    file: Path, no_cache: bool, jobs: int | None, timeout: float, out: Path | None, quiet: bool, as_json: bool
) -> None:
    """Decide claims from a JSON file; - reads standard input.

    FILE holds a list of cases {"id", "symbols": {name: domain}, "given": [...], "claim": "..."}, or one per line. The
    status is 0 when every claim is proved, or is what its case expects; 1 when one is not, or cannot be read; 2 when
    the file is no file of cases.
    """
    from dltsym import cases
    from dltsym.cache import open_cache

    found = cases.read(cases.document(_content(file), "standard input" if str(file) == "-" else str(file)))
    with shown_progress(quiet) as progress:
        outcomes = cases.run(found, open_cache(not no_cache), seconds=timeout, jobs=jobs, progress=progress)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(outcomes, indent=2) + "\n", encoding="utf-8")
    if as_json:
        dump(outcomes)
    else:
        _show(file, outcomes)
    if not all(outcome["ok"] for outcome in outcomes):
        sys.exit(WRONG)


def _content(file: Path) -> bytes:
    from dltsym.cases.jsontext import MAX_BYTES, CasesError

    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise CasesError(f"{file} cannot be read: {error.strerror or error}") from None


def _show(file: Path, outcomes: Sequence[Mapping[str, Any]]) -> None:
    rows = [(o["id"], _grade(o), o["engine"], f"{o['seconds']:.2f} s", _witness(o)) for o in outcomes]
    click.echo(table(("ID", "GRADE", "ENGINE", "TIME", "WITNESS"), rows, paint=1))
    for o in outcomes:
        if not o["ok"]:
            wanted = f" (expected {o['expect']})" if o["expect"] else ""
            where = o["error"]["line"] if o["error"] else o["line"]
            note(f"{file}:{where}: {o['id']} is {_grade(o)}{wanted}{': ' if o['reason'] else ''}{o['reason']}", "red")
    fine = sum(o["ok"] for o in outcomes)
    click.echo(
        f"\n{count(len(outcomes), 'case')}, {fine} as {'expected' if any(o['expect'] for o in outcomes) else 'claimed'}"
    )


def _grade(outcome: Mapping[str, Any]) -> str:
    return f"{outcome['grade']} (timeout)" if outcome["timeout"] else outcome["grade"]


def _witness(outcome: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in (outcome["witness"] or {}).items())
