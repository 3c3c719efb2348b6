"""Plain text and terminal views of records and reports; rich is loaded only when colour is wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from dltsym.notation.tree import Expr
from dltsym.record import Audit, Claim, Ode, Optimum, Premise, Rate, Theorem
from dltsym.render.bounds import bound_lines
from dltsym.render.view import grade_sentence, shown_grade

if TYPE_CHECKING:
    from dltsym.prove.report import AuditReport, Report, StepReport

SLOW = 2.0  # seconds of a step that are worth a word
_STYLES = {
    "formal": "bold green",
    "exact": "green",
    "smt": "green",
    "cas": "cyan",
    "ball": "cyan",
    "tested": "yellow",
    "cited": "blue",
    "open": "yellow",
    "refuted": "bold red",
    "vacuous": "bold red",
    "unchecked": "dim",
}


def claim_text(claim: Claim) -> str:
    """Return a claim on one line.

    Parameters
    ----------
    claim : Claim
        Any kind of claim.

    Returns
    -------
    str
    """
    match claim:
        case Optimum():
            at = ", ".join(
                f"{s.name} = {e if isinstance(e, Expr) else 'a function of the index'}" for s, e in claim.at.items()
            )
            tail = f" subject to {', '.join(map(str, claim.subject_to))}" if claim.subject_to else ""
            verb = "minimises" if claim.sense == "min" else "maximises"
            return f"{at} {verb} {claim.objective}{tail}, with value {claim.value}"
        case Ode():
            name = claim.unknown.name
            return f"{name} = {claim.solution} solves {claim.equation} with {name} = {claim.initial} at {claim.start}"
        case Rate():
            return f"{claim.quantity} scales as {claim.var.name}**({claim.exponent})"
    return str(claim)


def summary(theorem: Theorem) -> str:
    """Return key, title, hypotheses, claims, let-definitions and source as plain text.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    str
    """
    rows = [f"{theorem.key or 'theorem'}: {theorem.title}"]
    for g in theorem.given:
        if isinstance(g, Premise):
            rows.append(f"  assume {g.rel}   ({g.name}; {_source(g.source)})")
        else:
            rows.append(f"  given  {g}")
    rows += [f"  claim  {claim_text(c)}" for c in theorem.claims]
    lets = [s for s in theorem.symbols.values() if s.decl.definition is not None]
    rows += [f"  where  {s.name} = {s.decl.definition}" for s in lets]
    if theorem.algorithm is not None:
        rows.append(f"  computes {', '.join(theorem.algorithm.computes)} by the algorithm {theorem.algorithm.name}")
    rows += [f"  bound  {line}" for line in bound_lines(theorem)]
    rows.append(f"  source {_source(theorem.source)}")
    return "\n".join(rows)


def _source(source: Any) -> str:
    return f"{source.key}, {source.where}" if source.where else source.key


def audit_summary(audit: Audit) -> str:
    """Return what an audit is about as plain text.

    Parameters
    ----------
    audit : Audit
        Record.

    Returns
    -------
    str
    """
    rows = [
        f"{audit.key or 'audit'}: {audit.title}",
        f"  source  {_source(audit.source)}",
        f"  prints  {audit.prints}",
        f"  claim   {audit.claim}",
        f"  verdict {audit.verdict}",
        f"  correct {audit.corrected}",
    ]
    return "\n".join(rows)


def step_rows(report: Report) -> list[tuple[str, str, str, str, str]]:
    """Return one row per obligation: role, relation, reason, grade, engine.

    Parameters
    ----------
    report : Report
        What the checker said.

    Returns
    -------
    list of tuple
    """
    rows = []
    for s in report.steps:
        name = " ".join(x for x in (s.chain, s.role if s.role != "step" else "", str(s.number or "")) if x)
        rows.append((name, s.relation, s.reason, s.grade, s.engine))
    return rows


def step_table(report: Report) -> str:
    """Return the obligations of a report as an aligned plain table; failing ones show witness and enclosures.

    Parameters
    ----------
    report : Report
        What the checker said.

    Returns
    -------
    str
    """
    rows = []
    grades = [shown_grade(step.grade, step.evidence) for step in report.steps]
    width = max((len(g) for g in grades), default=0)
    for grade, (name, relation, reason, _, engine), step in zip(grades, step_rows(report), report.steps, strict=True):
        head = f"{grade:{width}}  {name:12} {relation}"
        time = f"{step.seconds:.0f} s" if step.seconds >= SLOW else ""
        said = "; ".join(x for x in (reason, engine, time) if x)
        rows.append(f"{head}   ({said})" if said else head)
        rows += [f"          {line}" for line in failure_lines(step)]
    return "\n".join(rows)


def failure_lines(step: StepReport) -> list[str]:
    """Return witness and enclosures of an obligation that is not proved; nothing for one that is.

    Parameters
    ----------
    step : StepReport
        One obligation.

    Returns
    -------
    list of str
    """
    if step.grade not in ("refuted", "vacuous", "open", "tested"):
        return []
    lines = [f"witness: {_pairs(step.witness)}"] if step.witness else []
    return lines + [f"{name}: {_plain(item)}" for name, item in step.evidence.items() if _plain(item)]


def _pairs(mapping: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} = {_plain(v)}" for k, v in mapping.items())


def _plain(item: Any) -> str:
    if isinstance(item, Mapping):
        return _pairs(item)
    if isinstance(item, list | tuple):
        return "; ".join(map(_plain, item))
    return str(item)


def report_text(report: Report) -> str:
    """Return a report as plain text: grade, steps, values, negative control, premises, problems.

    Parameters
    ----------
    report : Report
        What the checker said.

    Returns
    -------
    str
    """
    rows = [grade_sentence(report), "", step_table(report)]
    if report.values:
        rows += ["", *_value_rows(report.values)]
    if report.mutants.made:
        rows += ["", f"negative control: {report.mutants.rejected} of {report.mutants.made} altered claims rejected"]
        rows += [f"  survivor: {s['mutant']}   ({s['what']}; {s['reason']})" for s in report.mutants.survivors]
    rows += [f"  true as well, not counted: {s['mutant']}   ({s['what']})" for s in report.mutants.true]
    if report.cited:
        rows += ["", f"cited: {', '.join(report.cited)}"]
    if report.problems:
        rows += ["", *(f"PROBLEM: {p}" for p in report.problems)]
    return "\n".join(rows)


def _value_rows(values: Iterable[Any]) -> list[str]:
    return [
        f"{'ok   ' if v.ok else 'WRONG'} {v.of or 'value'} expected {v.expected}, got {v.got} "
        f"({min(v.digits_agree, v.digits)} of {v.digits} digits)" + (f" at {_pairs(v.inputs)}" if v.inputs else "")
        for v in values
    ]


def audit_text(audit: Audit | None, report: AuditReport) -> str:
    """Return an audit with the verdict reached, its witness and values.

    Parameters
    ----------
    audit : Audit or None
        Record.
    report : AuditReport
        What the machine found.

    Returns
    -------
    str
    """
    rows = [f"{report.key}: {report.title}", f"  source  {report.source}", f"  prints  {report.prints}"]
    rows += [f"  claim   {audit.claim}"] if audit is not None else []
    rows += [f"  verdict {report.verdict}" + ("" if report.ok else f" (declared {report.declared})")]
    rows += [f"  witness {_pairs(report.witness)}"] if report.witness else []
    rows += [f"  correct {report.corrected}", *(f"  {r}" for r in _value_rows(report.values))]
    return "\n".join([*rows, *(f"  PROBLEM: {p}" for p in report.problems)])


def show(record: Theorem | Audit, report: Any = None, *, file: TextIO | None = None, color: bool | None = None) -> None:
    """Write a record and its report to a terminal or file.

    Parameters
    ----------
    record : Theorem or Audit
        Record.
    report : Report or AuditReport, optional
        What the checker said.
    file : text stream, optional
        Where to write; standard output by default.
    color : bool, optional
        Use rich; by default on a terminal unless ``NO_COLOR`` is set.
    """
    out = file or sys.stdout
    rich = color if color is not None else out.isatty() and not os.environ.get("NO_COLOR")
    if rich:
        _show_rich(record, report, out)
        return
    if isinstance(record, Audit):
        out.write((audit_text(record, report) if report is not None else audit_summary(record)) + "\n")
    else:
        out.write(summary(record) + ("\n\n" + report_text(report) if report is not None else "") + "\n")


def _show_rich(record: Theorem | Audit, report: Any, out: TextIO) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console(file=out, force_terminal=True, highlight=False)
    if isinstance(record, Audit):
        body = audit_text(record, report) if report is not None else audit_summary(record)
        console.print(Panel(Text(body), title=Text(record.title), border_style="red"))
        return
    console.print(Panel(Text(summary(record)), title=Text(record.title), border_style="cyan"))
    if report is None:
        return
    console.print(step_table_rich(report))
    tail = report_text(report).split("\n\n")
    style = _STYLES.get(report.grade, "")
    console.print(Text(tail[0], style=style))
    for block in tail[2:]:
        console.print(Text(block, style="bold red" if block.startswith("PROBLEM") else ""))


def step_table_rich(report: Report) -> Any:
    """Return the obligations as a rich table with coloured grades.

    Parameters
    ----------
    report : Report
        What the checker said.

    Returns
    -------
    rich.table.Table
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=False, pad_edge=False)
    for name in ("step", "relation", "reason", "grade", "engine"):
        table.add_column(name, overflow="fold")
    for (name, relation, reason, grade, engine), step in zip(step_rows(report), report.steps, strict=True):
        body = "\n".join([relation, *failure_lines(step)])
        shown = Text(shown_grade(grade, step.evidence), style=_STYLES.get(grade, ""))
        table.add_row(name, Text(body), Text(reason), shown, engine)
    return table
