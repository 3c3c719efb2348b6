"""Sphinx extension: a page per theorem and per audit, made from the records; mathematics is MathML, readable offline.

Pages are written when a build starts; their one directive builds docutils nodes, never Markdown strings, because ``||``
in a meaning would break a Markdown table.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from dltsym import catalogue
from dltsym.errors import DltsymError
from dltsym.notation.latex import to_latex
from dltsym.packs import bibliographies
from dltsym.record import Audit, Source, Theorem
from dltsym.render import bib
from dltsym.render.lines import assignment, statement_lines
from dltsym.render.mathml import mathml
from dltsym.render.sphinx_nodes import (
    badge,
    bound_table,
    checked_table,
    control_nodes,
    derivation_nodes,
    display,
    links,
    notation_table,
    paragraph,
    plain,
    section,
    table,
    text_nodes,
    values_table,
)
from dltsym.render.view import area_title, computed_text, grade_sentence

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from dltsym.catalogue import Index
    from dltsym.prove.report import AuditReport, Report

log = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, the MathML renderer and the page generator.

    Parameters
    ----------
    app : Sphinx
        Application.

    Returns
    -------
    dict
        Extension metadata.
    """
    app.add_directive("dltsym-record", RecordDirective)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("builder-inited", write_pages)
    app.connect("env-get-outdated", _always)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{mathml(node.astext().strip(), True)}</div>\n')
    raise nodes.SkipNode


def _always(app: Sphinx, env: Any, *changes: set[str]) -> list[str]:
    """Read record pages again in every build: they show verdicts, not only files."""
    return [name for name in env.found_docs if name.startswith("theorems/")]


def write_pages(app: Sphinx) -> None:
    """Write ``theorems/``: an index, one index per area, one page per record; pages of lost records are removed.

    Parameters
    ----------
    app : Sphinx
        Application.
    """
    root = Path(app.srcdir) / "theorems"
    data = catalogue.verify()  # proves in parallel what is not known yet; the directives then read the cache
    for item in data["broken"]:
        log.warning("record %s is broken: %s", item["key"], item["error"])
    rows = catalogue.snapshot().entries
    known = sorted(rows)
    areas = list(dict.fromkeys(k.split(".")[0] for k in known))
    pages = {root / "index.md": _index("Theorems and audits", [f"{area}/index" for area in areas])}
    for area, group in itertools.groupby(known, key=lambda k: k.split(".")[0]):
        keys = list(group)
        pages[root / area / "index.md"] = _index(area_title(area), [k.split(".", 1)[1] for k in keys])
        for key in keys:
            name = key.split(".", 1)[1]
            title = re.sub(r"([_*`\[\]<>|\\])", r"\\\1", rows[key].row["title"])
            pages[root / area / f"{name}.md"] = f"# {title}\n\n```{{dltsym-record}} {key}\n```\n"
    for old in set(root.rglob("*.md")) - set(pages):
        old.unlink()
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _index(title: str, entries: Iterable[str]) -> str:
    return f"# {title}\n\n```{{toctree}}\n:maxdepth: 2\n\n" + "\n".join(entries) + "\n```\n"


class RecordDirective(SphinxDirective):
    """``{dltsym-record} KEY``: everything known about one record."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the page body.

        Returns
        -------
        list of Node
        """
        key, index = self.arguments[0], catalogue.snapshot()  # read once: a page looks a hundred records up
        record = catalogue.get(key, index=index)
        try:
            report = catalogue.check(key, index=index)
        except DltsymError as error:
            log.warning("%s could not be checked: %s", key, error, location=self.get_location())
            report = None
        head = [paragraph("", nodes.literal(key, key), nodes.Text(" "), *_grade(report), classes=["dlt-key"])]
        body = [*head, *self.parse_text_to_nodes(_unbroken(record.prose or ""))]
        if isinstance(record, Audit):
            return [*body, *self._audit(record, report, index)]
        return [*body, *self._theorem(record, report, index)]

    def _cite(self, source: Source) -> list[nodes.Node]:
        (para,) = self.parse_text_to_nodes(f"{{cite:p}}`{source.key}`")
        return [*para.children, nodes.Text(f", {source.where}" if source.where else "")]

    def _theorem(self, record: Theorem, report: Report | None, index: Index) -> list[nodes.Node]:
        graph = catalogue.graph(index)
        out = [self._statement(record), section("Notation", notation_table(record))]
        out += [section("As a bound", bound_table(record))] if record.bounds else []
        if record.proof:
            out.append(section("Derivation", *derivation_nodes(record, report)))
        if report is not None:
            checked = checked_table(report, record)
            out.append(section("What was checked", paragraph(grade_sentence(report)), checked))
            told = [paragraph(computed_text(record))] if record.algorithm else []
            out += [section("Values", *told, values_table(report.values))] if report.values else []
            out += [section("Negative control", *control_nodes(report))] if report.mutants.made else []
        tight = [r", \quad ".join(assignment(s, e) for s, e in m.items()) for m in record.tight]
        out += [section("Equality holds", *(display(t) for t in tight))] if tight else []
        users = [key for key, uses in graph.items() if record.key in uses]
        related = [("Rests on", graph.get(record.key, [])), ("Used by", users)]
        out += [section(name, links(found)) for name, found in related if found]
        return [*out, self._sources(record, report, index)]

    def _statement(self, record: Theorem) -> nodes.Node:
        box = nodes.container(classes=["dlt-statement"])
        for line in statement_lines(record):
            if line.math:
                box += display(line.body)
            else:
                box += paragraph(line.body + " " * bool(line.source), *(self._cite(line.source) if line.source else ()))
        box += paragraph("Source: ", *self._cite(record.source), classes=["dlt-source"])
        return box

    def _sources(self, record: Theorem | Audit, report: Any, index: Index) -> nodes.Node:
        keys = bib.cite(record, report, lambda key: catalogue.get(key, index=index))
        files = bibliographies(index.packs)
        items = [
            nodes.list_item("", nodes.paragraph("", "", *text_nodes(t))) for t in bib.plain(keys, record.key, files)
        ]
        source = bib.bibtex(keys, record.key, files)
        code = nodes.literal_block(source, source, language="bibtex")
        return section(
            "Cite", paragraph("What this record rests on, software included:"), nodes.bullet_list("", *items), code
        )

    def _audit(self, record: Audit, report: AuditReport | None, index: Index) -> list[nodes.Node]:
        box = nodes.container(classes=["dlt-statement"])
        box += paragraph("Printed: " + record.prints + " ", *self._cite(record.source))
        box += display(to_latex(record.claim))
        box += paragraph("Correct: " + record.corrected)
        out: list[nodes.Node] = [box]
        if report is not None and report.witness:
            rows = [[[nodes.literal(k, k)], [nodes.Text(plain(v))]] for k, v in report.witness.items()]
            out.append(section("Witness", table(("quantity", "value"), rows, "dlt-values")))
        out += [section("Values", values_table(report.values))] if report is not None and report.values else []
        out += [section("See also", links(index.aliases.get(k, k) for k in record.see))] if record.see else []
        return [*out, self._sources(record, report, index)]


def _unbroken(prose: str) -> str:
    """Put each formula on one line: in Markdown, a line that begins with ``-`` or ``+`` would be an item of a list."""
    return re.sub(r"\$[^$]+\$", lambda formula: formula[0].replace("\n", " "), prose)


def _grade(report: Report | AuditReport | None) -> list[nodes.Node]:
    if report is None:
        return [badge("unchecked")]
    return [badge(getattr(report, "verdict", None) or getattr(report, "grade", "open"))]
