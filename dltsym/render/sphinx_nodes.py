"""Docutils nodes of a record: tables, derivation rows, grade pills. Nothing here knows the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.addnodes import pending_xref

from dltsym.notation.latex import symbol_latex, to_latex
from dltsym.record import Premise, Theorem
from dltsym.render.bounds import bound_rows
from dltsym.render.lines import domain_latex, used_symbols
from dltsym.render.view import ROLE_WORDS, derivation, relation_glyph, relation_latex, shown_grade, split_math

if TYPE_CHECKING:
    from dltsym.prove.report import Report, StepReport, ValueReport


def text_nodes(text: str) -> list[nodes.Node]:
    """Return mixed text as inline nodes.

    Parameters
    ----------
    text : str
        Mixed text.

    Returns
    -------
    list of Node
    """
    return [nodes.math(p, p) if math else nodes.Text(p) for math, p in split_math(text)]


def paragraph(text: str, *more: nodes.Node, classes: Iterable[str] = ()) -> nodes.paragraph:
    """Return a paragraph of mixed text.

    Parameters
    ----------
    text : str
        Mixed text.
    *more : Node
        Inline nodes after it.
    classes : iterable of str
        CSS classes.

    Returns
    -------
    paragraph
    """
    return nodes.paragraph("", "", *text_nodes(text), *more, classes=list(classes))


def badge(grade: str, shown: str = "") -> nodes.inline:
    """Return a grade or verdict as a pill.

    Parameters
    ----------
    grade : str
        Grade or verdict.
    shown : str
        Words of the pill, if they say more.

    Returns
    -------
    inline
    """
    text = shown or grade
    return nodes.inline(text, text, classes=["dlt-badge", f"dlt-{grade.replace(' ', '-')}"])


def display(latex: str) -> nodes.math_block:
    """Return LaTeX as a displayed formula.

    Parameters
    ----------
    latex : str
        LaTeX without dollar signs.

    Returns
    -------
    math_block
    """
    return nodes.math_block(latex, latex, number=None, label=None, nowrap=False)


def table(head: Iterable[str], rows: Iterable[Iterable[list[nodes.Node]]], css: str) -> nodes.container:
    """Return a table in a box that scrolls sideways on a narrow screen.

    Parameters
    ----------
    head : iterable of str
        Column titles.
    rows : iterable of rows
        Cells, each a list of inline nodes or of paragraphs.
    css : str
        CSS class.

    Returns
    -------
    container
    """
    names = list(head)
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in names), cols=len(names))
    group += nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph(n, n)) for n in names)))
    body = nodes.tbody()
    for cells in rows:
        body += nodes.row("", *(_cell(c) for c in cells))
    group += body
    return nodes.container("", nodes.table("", group, classes=[css]), classes=["dlt-scroll"])


def _cell(content: list[nodes.Node]) -> nodes.entry:
    inline = not (content and isinstance(content[0], nodes.paragraph))
    return nodes.entry("", *([nodes.paragraph("", "", *content)] if inline else content))


def section(title: str, *children: nodes.Node) -> nodes.section:
    """Return a section with an anchor made from its title.

    Parameters
    ----------
    title : str
        Title.
    *children : Node
        Content.

    Returns
    -------
    section
    """
    return nodes.section("", nodes.title(title, title), *children, ids=[nodes.make_id(title)], names=[title.lower()])


def links(keys: Iterable[str]) -> nodes.bullet_list:
    """Return a list of links to the pages of some records.

    Parameters
    ----------
    keys : iterable of str
        Keys.

    Returns
    -------
    bullet_list
    """
    items = []
    for key in keys:
        target = "/theorems/" + key.replace(".", "/", 1)
        link = pending_xref(
            "", nodes.inline(key, key), refdomain="std", reftype="doc", reftarget=target, refexplicit=True, refwarn=True
        )
        items.append(nodes.list_item("", nodes.paragraph("", "", link)))
    return nodes.bullet_list("", *items)


def notation_table(record: Theorem) -> nodes.container:
    """Return the symbols of a record as a table.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    container
    """
    rows = []
    for sym in used_symbols(record, proof=True):
        name, where = symbol_latex(sym), domain_latex(sym)
        unit = "" if sym.decl.unit == "1" else sym.decl.unit
        meaning = text_nodes(sym.decl.meaning)
        rows.append([[nodes.math(name, name)], meaning, [nodes.Text(unit)], [nodes.math(where, where)]])
    return table(("symbol", "meaning", "unit", "domain or definition"), rows, "dlt-notation")


def bound_table(record: Theorem) -> nodes.container:
    """Return what a record says about its use as a bound as a table.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    container
    """
    rows = [[[nodes.Text(term)], text_nodes(text)] for term, text in bound_rows(record)]
    return table(("", "how it is used"), rows, "dlt-values")


def derivation_nodes(record: Theorem, report: Report | None) -> list[nodes.Node]:
    """Return the chains: each start on a line of its own, then one row per step with reason and grade.

    Parameters
    ----------
    record : Theorem
        Record.
    report : Report or None
        What the checker said.

    Returns
    -------
    list of Node
    """
    out: list[nodes.Node] = []
    for chain in derivation(record, report):
        out += [paragraph(f"{chain.name}:", classes=["dlt-chain-name"])] if chain.name else []
        box = nodes.container(classes=["dlt-chain"])
        box += nodes.container("", display(chain.start), classes=["dlt-start"])
        for step in chain.steps:
            latex = rf"\displaystyle {{}} {relation_glyph(step.op, step.status)} {step.to}"
            relation = nodes.container("", nodes.paragraph("", "", nodes.math(latex, latex)), classes=["dlt-rel"])
            links = [n for key in step.uses for n in (nodes.Text(" by "), nodes.literal(key, key))]
            why = paragraph(step.why, *links, nodes.Text(" "), badge(step.grade, step.shown))
            box += nodes.container(
                "", relation, nodes.container("", why, classes=["dlt-why"]), classes=["dlt-step", f"dlt-{step.status}"]
            )
        out.append(box)
    return out


def checked_table(report: Report, record: Theorem) -> nodes.container:
    """Return every obligation of a report as a table.

    Parameters
    ----------
    report : Report
        What the checker said.
    record : Theorem
        What was checked.

    Returns
    -------
    container
    """
    given = [to_latex(g.rel if isinstance(g, Premise) else g) for g in record.given]

    def row(s: StepReport) -> list[list[nodes.Node]]:
        found = relation_latex(s.relation, record.symbols) if re.search("[<>=]", s.relation) else None
        lines = given if s.role == "hypotheses" else [found] if found else []
        said = [rf"$\displaystyle {line}$" for line in lines] or [s.relation]
        name = " ".join(x for x in (s.chain, ROLE_WORDS.get(s.role, s.role), str(s.number or "")) if x)
        details = [f"at {plain(s.witness)}"] if s.witness else []
        failed = s.grade in ("refuted", "vacuous", "open", "tested")
        details += [plain(s.evidence)] if failed and s.evidence else []
        shown = [*map(paragraph, said), *(nodes.paragraph(d, d, classes=["dlt-witness"]) for d in details)]
        pill = badge(s.grade, shown_grade(s.grade, s.evidence))
        return [[nodes.Text(name)], shown, text_nodes(s.reason), [pill], [nodes.Text(s.engine)]]

    return table(("", "relation", "reason", "grade", "engine"), map(row, report.steps), "dlt-checked")


def values_table(values: Iterable[ValueReport]) -> nodes.container:
    """Return published values against computed ones as a table.

    Parameters
    ----------
    values : iterable of ValueReport
        Values.

    Returns
    -------
    container
    """
    rows = [
        [
            [nodes.Text(v.of)],
            [nodes.Text(plain(v.inputs))],
            [nodes.Text(v.expected)],
            [nodes.Text(v.got)],
            [nodes.Text(f"{min(v.digits_agree, v.digits)} of {v.digits} "), badge("ok" if v.ok else "wrong")],
            text_nodes(v.source),
        ]
        for v in values
    ]
    return table(("output", "at", "published", "computed", "digits", "source"), rows, "dlt-published")


def control_nodes(report: Report) -> list[nodes.Node]:
    """Return the score of the negative control and the mutants that were not rejected.

    Parameters
    ----------
    report : Report
        What the checker said.

    Returns
    -------
    list of Node
    """
    m = report.mutants
    slack = f" {len(m.true)} more are proved to be true as well." if m.true else ""
    said = (
        f"{m.rejected} of {m.made} altered claims were rejected, with a witness or because they are undefined.{slack}"
    )
    out: list[nodes.Node] = [paragraph(said)]
    rows = [
        [[nodes.literal("", s.get("mutant", ""))], *([nodes.Text(s.get(k, ""))] for k in ("what", "reason"))]
        for s in m.survivors
    ]
    return [*out, table(("not rejected", "what was altered", "why"), rows, "dlt-mutants")] if rows else out


def plain(item: Any) -> str:
    """Return plain data as one line of text.

    Parameters
    ----------
    item : object
        Number, text, mapping or sequence.

    Returns
    -------
    str
    """
    if isinstance(item, Mapping):
        return ", ".join(f"{k} = {plain(v)}" for k, v in item.items())
    return "(" + ", ".join(map(plain, item)) + ")" if isinstance(item, list | tuple) else str(item)
