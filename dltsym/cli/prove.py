"""Verbs that decide something: check, audit, verify."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dltsym.cli.say import cache_option, count, dump, ending, graded, json_option, note, table, timeout_option

if TYPE_CHECKING:
    from dltsym.batch import Progress

WRONG = 1
PAGE_SECONDS = 60.0


@click.command(epilog=ending("dltsym check information.pinsker"))
@click.argument("key")
@cache_option
@timeout_option
@json_option
def check(key: str, no_cache: bool, timeout: float, as_json: bool) -> None:
    """Prove every step of a record, evaluate its values, run its negative control."""
    report = _reports([key], no_cache, timeout)[0]
    if as_json:
        dump(report)
    elif "error" in report:
        note(f"{report['key']}: {report['error']}", "red")
        if report["error"].startswith("TaskTimeout"):
            note("note: --timeout SECONDS gives it more, and derivations/README.md says how to make steps smaller")
    else:
        _print(report)
        _remark(key)
    if not report["ok"]:
        sys.exit(WRONG)


def _remark(key: str) -> None:
    """Say what is not wrong with a record and still worth a look, and which file of the same key was passed over."""
    from dltsym import index
    from dltsym.packs import advice, load_record

    found = index.build()
    entry = found.entry(key)
    for line in advice(load_record(entry.file), entry.file.path):
        note(f"note: {line}", "yellow")
    for name, error in found.broken.items():
        if name.partition(":")[2] == entry.key:
            note(f"note: this is {entry.file.path}; {error}", "yellow")


def _reports(names: list[str], no_cache: bool, timeout: float) -> list[dict[str, Any]]:
    """Check some records; a check that failed is a report with the grade ``open`` and the error."""
    from dltsym import batch, index
    from dltsym.cache import open_cache

    found = index.build(retry=True)
    entries = [found.entry(name) for name in names]
    outcomes = batch.run(found, [entry.key for entry in entries], open_cache(not no_cache), timeout=timeout)
    empty = {"ok": False, "grade": "open", "steps": [], "values": [], "cited": [],
             "mutants": {"made": 0, "rejected": 0, "survivors": [], "true": []}}  # fmt: skip
    reports = []
    for entry in entries:
        outcome = outcomes[entry.key]
        failed = "error" in outcome
        reports.append({"key": entry.key, **empty, **outcome} if failed else batch.finish(found, entry, outcome))
    return reports


def _print(report: Mapping[str, Any]) -> None:
    from dltsym import catalogue, task
    from dltsym.render import text

    text.show(catalogue.get(report["key"]), task.restore(report))


@click.command(epilog=ending("dltsym audit", "dltsym audit audits.entropy_sign"))
@click.argument("key", required=False)
@cache_option
@timeout_option
@json_option
def audit(key: str | None, no_cache: bool, timeout: float, as_json: bool) -> None:
    """Hold printed claims against the machine: one audit, or all of them."""
    from dltsym import index
    from dltsym.errors import UnknownKey, suggest

    found = index.build()
    audits = [k for k, entry in sorted(found.entries.items()) if entry.is_audit]
    if key is not None and not found.entry(key).is_audit:
        raise UnknownKey(f"{key} is a theorem, not an audit{suggest(key, audits)}")
    reports = _reports([key] if key else audits, no_cache, timeout)
    if as_json:
        dump(reports[0] if key else reports)
    elif key and "error" not in reports[0]:
        _print(reports[0])
    else:
        rows = [(r["key"], r.get("verdict", "broken"), r.get("source", "")) for r in reports]
        click.echo(table(("KEY", "VERDICT", "SOURCE"), rows, paint=1))
        for report in reports:
            _complain([report["error"]] if "error" in report else report["problems"])
    if not all(r["ok"] for r in reports):
        sys.exit(WRONG)


@click.command(epilog=ending("dltsym verify", "dltsym verify information pac_bayes.occam"))
@click.argument("what", nargs=-1)
@cache_option
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes; one per core by default.")
@timeout_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("build"), show_default=True,
              help="Folder for report.json and report.html.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@json_option
def verify(
    what: tuple[str, ...], no_cache: bool, jobs: int | None, timeout: float, out: Path, quiet: bool, as_json: bool
) -> None:
    """Prove everything: steps, published values, negative controls, audits.

    WHAT are keys or areas; everything by default. The full report is written to build/report.json and, for people,
    to build/report.html. The status is 1 if anything is refuted, vacuous, broken or not reproduced.
    """
    from dltsym import catalogue

    with shown_progress(quiet) as progress:
        data = catalogue.verify(list(what), cache=not no_cache, jobs=jobs, timeout=timeout, progress=progress)
    written = _write(data, out.absolute())
    if as_json:
        dump(data)
    else:
        _summary(data)
        click.echo(f"written: {', '.join(map(str, written))}")
    if not data["ok"]:
        sys.exit(WRONG)


def _write(data: Mapping[str, Any], out: Path) -> list[Path]:
    from dltsym.pool import GuardedPool, TaskTimeout, WorkerDied

    out.mkdir(parents=True, exist_ok=True)
    report, shown = out / "report.json", out / "report.html"
    report.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    try:  # record files are code: they are read in a process of their own, here as everywhere
        with GuardedPool(1, timeout=PAGE_SECONDS) as pool:
            text = pool.submit(write_page, dict(data)).result()
    except (TaskTimeout, WorkerDied):
        from dltsym.render.html import page

        text = page(data)
    shown.write_text(text, encoding="utf-8")
    return [report, shown]


def write_page(data: dict[str, Any]) -> str:
    """Render the page of a run, with the statements as their authors wrote them.

    Parameters
    ----------
    data : dict
        What `verify` found.

    Returns
    -------
    str
        HTML.
    """
    from dltsym import catalogue
    from dltsym.render.html import page

    return page(data, catalogue.load().records)


def _summary(data: Mapping[str, Any]) -> None:
    from dltsym.render.view import GRADE_MEANING

    rows = [(g, n, GRADE_MEANING.get(g, "")) for g, n in data["steps_by_grade"].items() if n]
    click.echo(table(("GRADE", "STEPS", "MEANING"), rows, paint=0))
    click.echo(f"\n{coverage_table(data['coverage'])}")
    values, mutants, audits = data["values"], data["mutants"], data["audits"]
    agreed = sum(a["ok"] for a in audits)
    click.echo(f"\n{count(data['records'], 'theorem')}, {count(sum(data['steps_by_grade'].values()), 'step')}")
    click.echo(f"values reproduced  {values['ok']} of {values['total']}")
    click.echo(f"altered claims     {mutants['rejected']} of {mutants['made']} rejected")
    click.echo(f"audits confirmed   {agreed} of {len(audits)}")
    _complain(data["problems"])
    for item in data["broken"]:
        note(f"BROKEN {item['key']}: {item['error']}", "red")
    word = graded("fine", 0) if data["ok"] else click.style("NOT FINE", fg="red", bold=True)
    click.echo(f"{word} after {data['seconds']:.1f} s")


def coverage_table(rows: list[dict[str, Any]]) -> str:
    """Return the coverage of a run as aligned columns, with the keys that are planned and not there.

    Parameters
    ----------
    rows : list of dict
        Rows by area; the last one adds them up.

    Returns
    -------
    str
        No line is longer than 100 characters.
    """
    head = ("AREA", "PLANNED", "LANDED", "CHECKED", "DERIVED", "BALL+", "VALUES", "ALTERED")
    cells = []
    for row in rows:
        strong = f"{row['strong'] / row['steps']:.0%}" if row["steps"] else "-"
        values, mutants = row["values"], row["mutants"]
        altered = f"{mutants['rejected']}/{mutants['made']}"
        whole = [row[name] for name in ("planned", "landed", "records", "derived")]
        cells.append((row["area"], *whole, strong.rjust(5), f"{values['ok']}/{values['total']}", altered))
    missing = rows[-1]["missing"]
    lines = textwrap.wrap(", ".join(missing), 98, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
    told = [f"planned, not there ({len(missing)}):", *lines] if missing else []
    note = "BALL+: steps at ball or better, without those that rest on cited analysis; DERIVED: all of them are."
    return "\n".join([table(head, cells), note, *told])


def _complain(problems: list[str]) -> None:
    for problem in problems:
        note(f"PROBLEM {problem}", "red")


def _word(outcome: Mapping[str, Any]) -> str:
    return outcome.get("grade") or outcome.get("verdict") or "broken"


@contextmanager
def shown_progress(quiet: bool) -> Iterator[Progress | None]:
    """Give a function that shows progress on standard error: a bar on a terminal, otherwise one line per record.

    Parameters
    ----------
    quiet : bool
        Show nothing.

    Yields
    ------
    callable or None
    """
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:

        def line(done: int, total: int, key: str, outcome: Mapping[str, Any]) -> None:
            if done:
                note(f"[{done:{len(str(total))}}/{total}] {_word(outcome):9} {key}")

        yield line


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    last = TextColumn("{task.description}")
    columns = (TextColumn("proving"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), last)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def step(done: int, total: int, key: str, outcome: Mapping[str, Any]) -> None:
            bar.update(task, completed=done, total=total, description=f"{key}: {_word(outcome)}" if done else "")

        yield step
