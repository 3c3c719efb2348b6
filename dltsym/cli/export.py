"""Verbs of the grade ``formal``: ``export coq`` writes files for Coq, ``formal`` replays them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from dltsym.cli.prove import shown_progress
from dltsym.cli.say import count, dump, ending, json_option, note, timeout_option

WRONG = 1


@click.group(epilog=ending("dltsym export coq information.pinsker"))
def export() -> None:
    """Write proofs for other provers."""


def _outcomes(keys: tuple[str, ...], timeout: float, quiet: bool = False) -> tuple[Any, dict[str, Mapping[str, Any]]]:
    from dltsym import batch, index
    from dltsym.cache import open_cache

    found = index.build(retry=True)
    names = [found.entry(key).key for key in keys] or [k for k, e in sorted(found.entries.items()) if not e.is_audit]
    with shown_progress(quiet) as progress:
        outcomes = batch.run(found, names, open_cache(), timeout=timeout, progress=progress)
    return found, {name: outcomes[name] for name in names}


@export.command(epilog=ending("dltsym export coq information.pinsker -o build/coq",
                              status="0 fine; 1 nothing was written; 2 misuse; 130 Ctrl-C."))  # fmt: skip
@click.argument("keys", nargs=-1, metavar="KEY...")
@click.option("--all", "every", is_flag=True, help="Every record.")
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("build/coq"),
              show_default=True, help="Folder for the files.")  # fmt: skip
@timeout_option
def coq(keys: tuple[str, ...], every: bool, out: Path, timeout: float) -> None:
    """Write self-contained files for Coq 8.16, one per step, and the generic lemmas they use."""
    from dltsym.formal.export import Exported, exported
    from dltsym.formal.run import write_files

    if bool(keys) == every:
        raise click.UsageError("name one or more records, or --all")
    index, outcomes = _outcomes(keys, timeout)
    total = 0
    for key, outcome in outcomes.items():
        if "error" in outcome:
            note(f"{key}: {outcome['error']}", "red")
            continue
        found = exported(index.entries[key].file, outcome)
        for path in write_files([s for s in found if isinstance(s, Exported)], key, out):
            click.echo(f"written: {path}")
            total += 1
        for missed in (s for s in found if not isinstance(s, Exported)):
            note(f"not exported: {key} step {missed.step}, {missed.relation}: {missed.why}")
    click.echo(f"{count(total, 'file')}; compile Ladder.v first: coqc -R {out} '' {out / 'Ladder.v'}")
    if keys and not total:
        sys.exit(WRONG)


@click.command(epilog=ending("dltsym formal information.pinsker", "dltsym formal --write"))
@click.argument("keys", nargs=-1, metavar="[KEY...]")
@click.option("--date", help="Date to put on record; today by default.")
@click.option("--write", is_flag=True, help="Put the replays on record in the packs (formal.json).")
@click.option("--changed", is_flag=True, help="Leave files alone that are to the letter those on record.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="How many coqc at once; one per core by default.")
@click.option("-v", "--verbose", is_flag=True, help="List the steps that are not exported, and why.")
@timeout_option
@json_option
def formal(
    keys: tuple[str, ...], date: str | None, write: bool, changed: bool, jobs: int | None, verbose: bool,
    timeout: float, as_json: bool,
) -> None:  # fmt: skip
    """Replay proofs in Coq: every step that can be exported, of some records or of all.

    A step that Coq accepts is graded formal. Nothing is installed: without coqc this says how many recorded replays
    were not repeated; with DLTSYM_REQUIRE_COQ=1 that is a failure.
    """  # noqa: DOC501
    from dltsym.formal import coqc

    if write and (keys or changed):
        raise click.UsageError("--write is for a run over all records and all files")
    if coqc.command() is None:
        _skip(as_json)
        return
    from dltsym.formal import grades, run

    def line(done: int, total: int, key: str, relation: str) -> None:
        note(f"[{done:{len(str(total))}}/{total}] {key}: {relation[:90]}")

    index, outcomes = _outcomes(keys, timeout, as_json)
    before = grades.on_record(current=False)
    known = {entry["seal"] for entry in before.values()} if changed else frozenset()
    day = date or datetime.now(UTC).date().isoformat()
    found = run.replay_all(
        index, outcomes, grades.store(), date=day, known=known, jobs=jobs, progress=None if as_json else line
    )
    paths = run.write_records(index, found.entries, day) if write else []
    if as_json:
        dump({"coq": coqc.version(), "replayed": found.entries, "missed": found.missed, "failed": found.failed})
    else:
        for text in found.missed if verbose else ():
            note(f"not exported: {text}")
        for text in found.failed.values():
            note(f"FAILED {text}", "red")
        for path in paths:
            click.echo(f"written: {path}")
        total, kept = len(found.entries), found.kept
        same = f", {found.same} more as on record" if changed else ""
        click.echo(
            f"formal: {count(total, 'step')} replayed by Coq {coqc.version()} ({total - kept} now, {kept} kept){same}, "
            f"{len(found.missed)} not exported, {len(found.failed)} failed"
        )
    if set(found.failed) & set(before):  # what is on record has to replay; the others keep their weaker grade
        sys.exit(WRONG)


def _skip(as_json: bool) -> None:
    from dltsym.formal import grades

    entries = grades.on_record()
    last = max(((e["date"], e["coq"]) for e in entries.values()), default=("never", "-"))
    said = f"coqc not found: {count(len(entries), 'certificate')} not replayed, last replay {last[0]}, Coq {last[1]}"
    required = os.environ.get("DLTSYM_REQUIRE_COQ") == "1"
    if as_json:
        dump({"coq": "", "recorded": len(entries), "replayed": {}, "skipped": said})
    else:
        click.echo(f"skip: {said}")
        click.echo(f"formal: {len(entries)} recorded, 0 replayed here")
    if required:
        note("DLTSYM_REQUIRE_COQ=1: this is a failure", "red")
        sys.exit(WRONG)
