"""A report as text, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dltsym.oracle.formats import SHORT
from dltsym.oracle.verdicts import CaseResult, described, unjudged

if TYPE_CHECKING:
    from dltsym.oracle.report import Report, Row

COLUMNS = ("output", "dtype", "cases", "max err/T", "max ulp", "rel-fro", "bias/sigma", "verdict")
MOST = 6
"""Failing cases whose replay command is printed."""


def text(report: Report, colours: Mapping[str, str]) -> str:
    """Return a report as text.

    Parameters
    ----------
    report : Report
        Report.
    colours : mapping of str to str
        ANSI codes of the verdicts; none where it is empty.

    Returns
    -------
    str
    """
    lines = [_header(report), *_aligned([COLUMNS, *(_cells(row) for row in report.rows)])]
    crashed = [r for r in report.results if r.verdict in ("crash", "timeout")]
    lines += [f"{SHORT[r.dtype]} {r.case.name}: {r.verdict.upper()}  {r.message}" for r in crashed]
    lines += _relations(report)
    lines.append(_summary(report))
    lines += [_found(one) for one in report.more.get("search", ())]
    lines += [f"hint: {hint}" for hint in report.more.get("hints", ())]
    lines += [f"diagnosis: {report.more['diagnosis']}"] if report.more.get("diagnosis") else []
    lines += [f"note: {note}" for note in (*report.found.notes, *report.more.get("notes", ()))]
    lines += [f"replay: dltsym kernel replay '{r.replay}'" for r in _shown(report.failures)]
    skipped = _skips(report)
    out = "\n".join(line for line in (*lines, *skipped) if line)
    for word, code in colours.items():
        out = "\n".join(_painted(line, word, code) for line in out.split("\n"))
    return out


def markdown(report: Report) -> str:
    """Return the rows of a report as a Markdown table.

    Parameters
    ----------
    report : Report
        Report.

    Returns
    -------
    str
    """
    rows = [COLUMNS, *(_cells(row) for row in report.rows)]
    body = ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]
    return "\n".join([body[0], "|" + " --- |" * len(COLUMNS), *body[1:]])


def booktabs(report: Report) -> str:
    """Return the rows of a report as a LaTeX table in the style of booktabs.

    Parameters
    ----------
    report : Report
        Report.

    Returns
    -------
    str
    """
    rows = [[_tex(c) for c in _cells(row)] for row in report.rows]
    body = [" & ".join(row) + r" \\" for row in rows]
    head = " & ".join(_tex(c) for c in COLUMNS) + r" \\"
    kinds = "ll" + "r" * 5 + "l"
    top = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", head, r"\midrule"]
    return "\n".join([*top, *body, r"\bottomrule", r"\end{tabular}"])


def _header(report: Report) -> str:
    env = report.environment
    where = f"{env.get('device', 'cpu')}" + (" interpreter" if env.get("interpreter") == "yes" else "")
    levels = ", ".join(sorted({r.level for r in report.results if r.level})) or "none"
    versions = f"torch {env.get('torch', '?')}, triton {env.get('triton', '?')}, {where}"
    return f"{report.spec.key}  vs  {report.candidate.name}      {versions}    reference: {levels}"


def _cells(row: Row) -> tuple[str, ...]:
    case, worst = row.worst
    verdict = {"fail": "FAIL", "crash": "CRASH", "timeout": "TIMEOUT"}.get(row.verdict, row.verdict)
    if row.verdict == "fail":
        verdict += f"  {described(case.case, worst)}"
    ill = sum(c.ill for _, c in row.comparisons)
    ties = sum(c.ties for _, c in row.comparisons)
    count = sum(c.count for _, c in row.comparisons)
    verdict += f"  ({ill} of {count} entries ill)" if ill and row.verdict == "pass" else ""
    verdict += f"  ({ties} ties)" if ties else ""
    return (
        row.output, SHORT[row.dtype], str(len(row.comparisons)), number(row.largest("ratio")),
        number(row.largest("ulp")), number(row.largest("norm")), number(row.largest("bias"), signed=True), verdict,
    )  # fmt: skip


def number(x: float, *, signed: bool = False) -> str:
    """Return a number with two digits, short.

    Parameters
    ----------
    x : float
        Number.
    signed : bool
        Whether a plus sign is written.

    Returns
    -------
    str

    Examples
    --------
    >>> number(0.4123), number(5.4e6), number(float("nan"))
    ('0.41', '5.4e+06', '-')
    """
    if x != x:
        return "-"
    sign = "+" if signed else ""
    return f"{x:{sign}.2f}" if x == 0 or 0.01 <= abs(x) < 1000 else f"{x:{sign}.1e}"


def _relations(report: Report) -> Iterable[str]:
    for r in report.found.relations:
        if r.verdict in ("fail", "crash"):
            yield f"relation {r.name} ({SHORT[r.dtype]}, {r.case}): {r.verdict.upper()} {r.message}"


def _summary(report: Report) -> str:
    own, parts = report.found, []
    ran = [r for r in own.relations if r.verdict != "skip"]
    if ran:
        names = {r.name for r in ran}
        bad = {r.name for r in ran if r.verdict in ("fail", "crash")}
        held = {r.name for r in ran if r.verdict == "pass"} - bad
        parts.append(f"relations: {len(held)}/{len(names)} hold")
    if own.canaries is not None:
        kept = own.canaries.passed
        parts.append(f"canaries: {len(own.canaries.tried) - len(kept)}/{len(own.canaries.tried)} rejected")
        parts[-1] += f" (PASSED: {', '.join(kept)})" if kept else ""
    if own.selftest is not None and own.selftest.tried:
        n, missed, unseen = len(own.selftest.tried), own.selftest.missed, len(own.selftest.unseen)
        told = [f"not these: {'; '.join(missed[:MOST])}"] if missed else []
        told += [f"{unseen} more concern only inputs that the mapping fixes"] if unseen else []
        parts.append(f"self-test: {n - len(missed)}/{n} wrong formulas rejected")
        parts[-1] += f" ({'; '.join(told)})" if told else ""
    return "   ".join([*parts, f"verdict: {report.verdict}"])


def _found(one: Mapping[str, Any]) -> str:
    if not one["tried"]:
        return f"search {SHORT[one['dtype']]}: nothing tried: {one['note']}"
    kept = f", kept as {one['kept']}" if one["kept"] else ""
    return f"search {SHORT[one['dtype']]}: {one['tried']} inputs, worst err/T {number(one['ratio'])}{kept}"


def _shown(failures: Sequence[CaseResult]) -> Sequence[CaseResult]:
    return sorted(failures, key=lambda r: (sum(r.case.sizes.values()), r.case.name))[:MOST]


def _skips(report: Report) -> list[str]:
    why: dict[str, int] = {}
    for r in report.results:
        if r.verdict == "skip" or (r.verdict == "ill" and r.message):
            why[r.message] = why.get(r.message, 0) + 1
    lines = [f"not judged: {count} cases: {reason}" for reason, count in why.items()]
    seen = {(r.name, r.dtype) for r in report.found.relations if r.verdict not in ("skip", "ill")}
    blind = [r for r in report.found.relations if (r.name, r.dtype) not in seen]
    lines += dict.fromkeys(f"not judged: relation {r.name} in {SHORT[r.dtype]}: {r.message}" for r in blind)
    notes = {c.note: c.output for r in report.results for c in r.comparisons if c.verdict == "ill" and c.note}
    lines += [f"not judged: {output}: {note}" for note, output in notes.items()]
    crashed = {r.dtype for r in report.results if r.verdict in ("crash", "timeout")}
    never: dict[str, list[str]] = {}
    for name, dtype in unjudged(report.found):
        never.setdefault(dtype, []).append(name)
    lines += [f"not judged in {SHORT[d]} by any case: {', '.join(x)}" for d, x in never.items() if d not in crashed]
    left = [o.name for o in report.spec.outputs if o.name not in report.candidate.outputs]
    lines += [f"outputs that {report.candidate.name} does not return: {', '.join(left)}"] if left else []
    if report.candidate.untested:
        lines.append(f"untested inputs, fixed by the mapping: {', '.join(report.candidate.untested)}")
    return lines


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(COLUMNS) - 1)]
    return ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]


def _painted(line: str, word: str, code: str) -> str:
    at = line.find(f"  {word}")
    return line if at < 0 else f"{line[:at]}  \033[{code}m{word}\033[0m{line[at + 2 + len(word) :]}"


def _tex(cell: str) -> str:
    for plain, tex in (("\\", r"\textbackslash{}"), ("_", r"\_"), ("%", r"\%"), ("&", r"\&"), ("#", r"\#")):
        cell = cell.replace(plain, tex)
    return cell
