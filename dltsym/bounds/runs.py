"""A bound for every row of a CSV file: estimates in bulk, certificates on demand, refused rows kept apart.

Memory is bounded by a chunk of rows. Output files appear when they are complete, under their names, in one step.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dltsym.bounds.amounts import Amount
from dltsym.bounds.bulk import estimates, on_scale
from dltsym.bounds.certifying import Certifier
from dltsym.bounds.checks import IllegalBound, Lint
from dltsym.bounds.choosing import open_choices
from dltsym.bounds.columns import Column, cell, columns_of, exact_hypotheses, refusals
from dltsym.bounds.lines import Chunk, Rejected, Table, open_table
from dltsym.bounds.objects import BoundObject, bound, record_of
from dltsym.bounds.rounding import decimal
from dltsym.bounds.rowwise import LINTS, judge, own_ranges
from dltsym.bounds.spans import both_ends, spanned
from dltsym.bounds.values import Evaluation, environment, evaluate
from dltsym.errors import DltsymError, DomainError
from dltsym.notation.evaluate import holds
from dltsym.notation.tree import Rel

__all__ = ["Summary", "run_csv"]

ESTIMATED = ("bound_estimate",)
CERTIFIED = ("bound_certified", "bound_other_end", "bound_unclipped", "verdict")
Progress = Callable[[int, int, int], None]
LN2 = math.log(2)
Found = tuple[tuple[str, ...], float, str]
"""Cells of a row, the number for the summary, and the verdict."""


@dataclass(frozen=True)
class Summary:
    """What became of a file.

    Attributes
    ----------
    rows, rejected : int
        Rows with a value, and lines that were refused.
    least, largest : float
        Smallest and largest value that was written.
    verdicts : mapping of str to int
        How often each verdict was given.
    first : tuple of Rejected
        The first lines that were refused.
    """

    rows: int
    rejected: int
    least: float
    largest: float
    verdicts: Mapping[str, int]
    first: tuple[Rejected, ...]


def run_csv(
    key: str, source: str | Path, out: BinaryIO, kept_apart: BinaryIO | None = None, *, of: str | None = None,
    fixed: Mapping[str, Any] | None = None, mapping: Mapping[str, str] | None = None, certified: bool = False,
    prepare: Callable[[BoundObject], BoundObject] = lambda b: b, progress: Progress | None = None, **options: Any,
) -> Summary:  # fmt: skip
    """Compute a bound for every row of a CSV file.

    Parameters
    ----------
    key : str
        Record.
    source : str or Path
        File, pipe or ``-`` for standard input, read once; its columns are kept, and results are added at their end.
    out, kept_apart : binary file
        Where rows with results go, and lines that are refused, with number and reason.
    of : str, optional
        Which bound of the record.
    fixed : mapping
        Inputs that are the same in all rows.
    mapping : mapping of str to str
        From inputs to headers, where they differ.
    certified : bool
        Also a certificate and a verdict for every row.
    prepare : callable
        Applied to the bound before its rows, such as a union.
    progress : callable, optional
        Called with bytes read, bytes in all (0 for a pipe), and rows done.
    **options
        Options of `bound`, such as ``loss`` and ``baseline``.

    Returns
    -------
    Summary

    Raises
    ------
    DomainError
        For a file that is no table, inputs without a column, and a result's column that is there already. A use that
        lints object to is an `IllegalBound`.
    """  # noqa: DOC502 - raised further down
    with open_table(source) as table:
        return _ran(table, key, out, kept_apart, of, fixed, mapping, certified, prepare, progress, options)


def _ran(
    table: Table, key: str, out: BinaryIO, kept_apart: BinaryIO | None, of: str | None,
    fixed: Mapping[str, Any] | None, mapping: Mapping[str, str] | None, certified: bool,
    prepare: Callable[[BoundObject], BoundObject], progress: Progress | None, options: dict[str, Any],
) -> Summary:  # fmt: skip
    record = record_of(key)
    statement = next(b for b in record.bounds if of in (None, b.of))
    columns = columns_of(record, statement, table.header, mapping or {}, tuple(fixed or ()))
    if statement.width in {c.symbol for c in columns} and options.get("loss") is not None:
        raise DomainError(f"the range of the loss gives {statement.width}: leave the range or the column away")
    job = _Job(table, columns, key, of, dict(fixed or {}), options, prepare, certified)
    names = (*ESTIMATED, *(CERTIFIED if certified else ()))
    taken = [n for n in names if n in table.header]
    if taken:
        raise DomainError(f"{table.path} has a column {taken[0]} already; rename it")
    out.write(table.raw + table.delimiter.join(("", *names)).encode() + b"\n")
    if kept_apart is not None:
        kept_apart.write(f"line{table.delimiter}reason{table.delimiter}".encode() + table.raw + b"\n")
    tally = _Tally()
    for chunk in table.chunks():
        job.chunk(chunk, out, kept_apart, tally)
        if progress is not None:
            progress(chunk.read, table.size, tally.rows)
    return tally.summary()


class _Tally:
    """Running totals."""

    def __init__(self) -> None:
        self.rows = self.rejected = 0
        self.least, self.largest = math.inf, -math.inf
        self.verdicts: dict[str, int] = {}
        self.first: list[Rejected] = []

    def refuse(self, item: Rejected) -> None:
        self.rejected += 1
        if len(self.first) < 20:
            self.first.append(item)

    def take(self, value: float) -> None:
        self.rows += 1
        if value == value:
            self.least, self.largest = min(self.least, value), max(self.largest, value)

    def summary(self) -> Summary:
        return Summary(self.rows, self.rejected, self.least, self.largest, self.verdicts, tuple(self.first))


@dataclass(frozen=True)
class _Job:
    """One file: columns, what is the same in all rows, and how a row becomes a bound."""

    table: Table
    columns: tuple[Column, ...]
    key: str
    of: str | None
    fixed: dict[str, Any]
    options: dict[str, Any]
    prepare: Callable[[BoundObject], BoundObject]
    certified: bool

    def chunk(self, chunk: Chunk, out: BinaryIO, kept_apart: BinaryIO | None, tally: _Tally) -> None:
        """Write the results of a chunk, in the order of its lines."""
        rejected = {r.line: r for r in chunk.rejected}
        texts = {c.symbol: [row[c.place] for row in chunk.cells] for c in self.columns}
        exact, why = self._numbers(texts, len(chunk.lines))
        found, more = self._values(exact, why, texts, len(chunk.lines))
        for k, reason in more.items():
            rejected[chunk.lines[k]] = Rejected(chunk.lines[k], reason, chunk.raws[k])
        buffer = io.StringIO()
        for k, row in found.items():
            buffer.write(chunk.raws[k].decode("utf-8"))
            buffer.write(self.table.delimiter + self.table.delimiter.join(row[0]) + "\n")
            tally.take(row[1])
            if row[2]:
                tally.verdicts[row[2]] = tally.verdicts.get(row[2], 0) + 1
        out.write(buffer.getvalue().encode())
        for line in sorted(rejected):
            tally.refuse(rejected[line])
            if kept_apart is not None:
                kept_apart.write(_apart(rejected[line], self.table.delimiter))

    def _numbers(self, texts: Mapping[str, list[str]], rows: int) -> tuple[dict[str, list[Any]], dict[int, str]]:
        why: dict[int, str] = {}
        exact: dict[str, list[Any]] = {}
        for c in self.columns:
            cells = [cell(t) for t in texts[c.symbol]]
            for k, x in enumerate(cells):
                if isinstance(x, str):
                    why.setdefault(k, f"{c.header}: {x}")
            exact[c.symbol] = [None if k in why or isinstance(x, str) else x for k, x in enumerate(cells)]
        return exact, why

    def _values(
        self, exact: Mapping[str, list[Any]], why: dict[int, str], texts: Mapping[str, list[str]], rows: int
    ) -> tuple[dict[int, Found], dict[int, str]]:
        statement = next(b for b in record_of(self.key).bounds if self.of in (None, b.of))
        worst, best = both_ends(statement, self.columns, exact, why)
        good = [k for k in range(rows) if k not in why]
        if not self.certified:
            return self._bulk(good, worst, why, texts) if good else {}, why
        found = self._sure(good, worst, why, texts, statement.side == "upper")
        for k in [k for k in best if k in found]:
            better = self._sure([k], best[k], why, texts, statement.side == "upper").get(k)
            if better is not None:
                cells = spanned(found[k][0], better[0])
                found[k] = cells, found[k][1], cells[4]
        return {k: x for k, x in found.items() if k not in why}, why

    def _sure(
        self, good: list[int], exact: Mapping[str, Any], why: dict[int, str], texts: Mapping[str, list[str]],
        upper: bool,
    ) -> dict[int, Found]:  # fmt: skip
        """Return estimates with certificates: many rows at once where that can be done, the others one by one."""
        sample = self._sample(good, exact, why)
        if sample is None:
            return {}
        sure = Certifier(sample, self.columns).rows(exact, [k for k in good if k not in why])
        near = self._bulk(list(sure), exact, {}, texts, sample) if sure else {}
        found: dict[int, Found] = {}
        for k in (k for k in good if k not in why):
            if k in near:
                low, high, cells = sure[k].low, sure[k].high, near[k][0]
                ends = (high, low, sure[k].high_unclipped) if upper else (low, high, sure[k].low_unclipped)
                found[k] = ((*cells, *_decimals(ends, upper), sure[k].verdict), ends[0], sure[k].verdict)
                continue
            try:
                value = evaluate(self._made(k, exact))
                found[k] = _cells(value), value.certificate, value.verdict
            except DltsymError as error:
                why[k] = _said(error, self.key)
        return found

    def _made(self, k: int, exact: Mapping[str, list[Any]]) -> BoundObject:
        given = {c.symbol: Amount(exact[c.symbol][k], c.unit) if c.unit else exact[c.symbol][k] for c in self.columns}
        return self.prepare(bound(self.key, of=self.of, **self.options, **{**self.fixed, **given}))

    def _bulk(
        self, good: list[int], exact: Mapping[str, Any], why: dict[int, str], texts: Mapping[str, list[str]],
        sample: BoundObject | None = None,
    ) -> dict[int, Found]:  # fmt: skip
        sample = sample or self._sample(good, exact, why)
        if sample is None:
            return {}
        computed = sample.statement.of not in sample.record.outputs  # an algorithm takes no arrays
        if computed or open_choices(sample) or own_ranges(sample, [c.symbol for c in self.columns]):
            return self._one_by_one(good, exact, why)
        arrays = {c.symbol: _floats([exact[c.symbol][k] for k in good]) for c in self.columns}
        for c in self.columns:
            if c.unit and c.unit != _unit(sample, c):
                arrays[c.symbol] = arrays[c.symbol] * (LN2 if c.unit == "bit" else 1 / LN2)
        shown = {c.symbol: [texts[c.symbol][k] for k in good] for c in self.columns}
        symbols = [sample.record.symbols[c.symbol] for c in self.columns]
        for k, reason in refusals(symbols, on_scale(sample, arrays), shown).items():
            why.setdefault(good[k], _header(self.columns, reason))
        self._hypotheses(good, exact, why, sample)
        kept = [j for j, k in enumerate(good) if k not in why]
        out: dict[int, Found] = {}
        if not kept:
            return out
        for j, x in zip(kept, estimates(sample, {s: a[kept] for s, a in arrays.items()}), strict=True):
            if math.isfinite(x):
                out[good[j]] = ((repr(float(x)),), float(x), "")
            else:
                why[good[j]] = f"no number in floating point ({x}); use --certified"
        return out

    def _one_by_one(self, good: list[int], exact: Any, why: dict[int, str]) -> dict[int, Any]:
        """Return estimates where every row has a parameter to choose, a range of its own, or an algorithm to run."""
        out = {}
        for k in good:
            try:
                x = evaluate(self._made(k, exact)).estimate
            except DltsymError as error:
                why[k] = _said(error, self.key)
                continue
            out[k] = ((repr(x),), x, "")
        return out

    def _sample(self, good: list[int], exact: Mapping[str, list[Any]], why: dict[int, str]) -> BoundObject | None:
        """Return the bound of the first row that has a value; lints are asked about it."""
        from dltsym.bounds.checks import lint_bound

        for k in good:
            try:
                made = self._made(k, exact)
            except DltsymError as error:
                why[k] = _said(error, self.key)
                continue
            lints: tuple[Lint, ...] = tuple(lint_bound(made))
            if any(x.id not in LINTS for x in lints):
                raise IllegalBound(self.key, lints)
            environment(made, tuple(open_choices(made)))  # what is missing is missing in all rows
            try:
                evaluate(made)
            except DltsymError as error:
                why[k] = _said(error, self.key)
                continue
            return made
        return None

    def _hypotheses(self, good: list[int], exact: Any, why: dict[int, str], sample: BoundObject) -> None:
        rels = tuple(g for g in sample.record.given if isinstance(g, Rel))
        if (says := judge(sample, [c.symbol for c in self.columns])) is not None:
            told = {k: says({c.symbol: exact[c.symbol][k] for c in self.columns}) for k in good if k not in why}
            why |= {k: text for k, text in told.items() if text}
        for rel in exact_hypotheses(rels, frozenset(sample.inputs)):
            for k in good:
                env = {**sample.inputs, **{c.symbol: exact[c.symbol][k] for c in self.columns}}
                if k not in why and holds(rel, env) is False:
                    why[k] = f"the inputs violate the hypothesis {rel}"


def _cells(value: Evaluation) -> tuple[str, ...]:
    upper = value.side == "upper"
    other = value.interval[0] if upper else value.interval[1]
    unclipped = value.unclipped[1] if upper else value.unclipped[0]
    return (repr(value.estimate), *_decimals((value.certificate, other, unclipped), upper), value.verdict)


def _decimals(ends: tuple[float, ...], upper: bool) -> tuple[str, ...]:
    """Return the text of a certificate, the other end and the value before clipping, each rounded outward."""
    way = 1 if upper else -1
    return tuple(decimal(x, sign) for x, sign in zip(ends, (way, -way, way), strict=True))


def _floats(cells: list[Fraction]) -> Any:
    def near(x: Fraction) -> float:
        try:
            y = float(x)
        except OverflowError:
            return math.inf
        return math.nan if x and not y else y  # too small for floating point is no number here

    return np.array([near(x) for x in cells], np.float64)


def _unit(what: BoundObject, column: Column) -> str:
    return what.record.symbols[column.symbol].decl.unit


def _header(columns: tuple[Column, ...], reason: str) -> str:
    name = reason.split(" ")[0]
    header = next((c.header for c in columns if c.symbol == name), name)
    return reason if header == name else f"{header}: {reason}"


def _said(error: Exception, key: str) -> str:
    error = error.lints[0] if isinstance(error, IllegalBound) else error  # type: ignore[assignment]
    return str(error).splitlines()[0].removeprefix(f"{key}: ")


def _apart(item: Rejected, delimiter: str) -> bytes:
    cells = io.StringIO()
    csv.writer(cells, delimiter=delimiter, lineterminator="").writerow([item.line, item.reason])
    return cells.getvalue().encode("utf-8", "backslashreplace") + delimiter.encode() + item.raw + b"\n"
