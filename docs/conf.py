"""Sphinx settings. Pages of theorems and kernels are made by extensions of dltsym; nothing needs a network."""

from __future__ import annotations

from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from dltsym import __version__

project = "dltsym"
author = "dltsym contributors"
copyright = "dltsym contributors"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "dltsym.render.sphinx",
    "dltsym.oracle.pages",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
suppress_warnings = ["config.cache"]

bibtex_bibfiles = ["../derivations/references.bib", "../dltsym/render/software.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

autodoc_typehints = "none"
autodoc_member_order = "alphabetical"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
nitpick_ignore_regex = [("py:.*", r"(?!dltsym\.).*")]  # words of numpydoc types, not references

html_theme = "furo"
html_title = "dltsym"
html_static_path = ["_static"]
html_css_files = ["dltsym.css"]
html_math_renderer = "mathml"
html_copy_source = False


class CommandHelp(SphinxDirective):
    """``{cli-help}``: the help of every verb, read from the command line itself."""

    def run(self) -> list[nodes.Node]:
        from dltsym.cli import main

        group = main if isinstance(main, click.Group) else main.commands  # type: ignore[attr-defined]
        context = click.Context(group, info_name="dltsym", **group.context_settings)
        self.env.note_reread()  # the page changes with the program
        out: list[nodes.Node] = [nodes.literal_block(text := group.get_help(context), text, language="text")]
        return out + [self.section(name, verb, context) for name, verb in self.verbs(group, context)]

    def verbs(self, group: click.Group, context: click.Context) -> list[tuple[str, click.Command]]:
        found = [(name, group.get_command(context, name)) for name in group.list_commands(context)]
        return [(name, verb) for name, verb in found if verb is not None]

    def section(self, name: str, verb: click.Command, parent: click.Context) -> nodes.section:
        context = click.Context(verb, info_name=name, parent=parent)
        text = verb.get_help(context)
        path = context.command_path.split(" ", 1)[1]
        out = nodes.section("", nodes.title(path, path), ids=[nodes.make_id(context.command_path)], names=[path])
        out += nodes.literal_block(text, text, language="text")
        if isinstance(verb, click.Group):
            out += [self.section(inner, part, context) for inner, part in self.verbs(verb, context)]
        return out


class FunctionTable(SphinxDirective):
    """``{functions}``: every named function, read from the table that the grammar reads."""

    def run(self) -> list[nodes.Node]:
        from dltsym.functions.table import ALIASES, FUNCTIONS

        self.env.note_reread()
        head = ("function", "meaning", "defined for", "short")
        group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in (3, 6, 3, 2)), cols=len(head))
        group += nodes.thead("", self.row(head))
        body = nodes.tbody()
        for f in FUNCTIONS.values():
            short = ", ".join(name for name, full in ALIASES.items() if full == f.name)
            meaning = f.definition or f.doc
            body += self.row((f"{f.name}({', '.join(f.args)})", meaning, ", ".join(f.domain), short), literal=True)
        group += body
        return [nodes.table("", group)]

    def row(self, cells: tuple[str, ...], literal: bool = False) -> nodes.row:
        out = nodes.row()
        for k, text in enumerate(cells):
            code = literal and text and not (k == 1 and text.endswith("."))
            inner = nodes.literal(text, text) if code else nodes.Text(text)
            out += nodes.entry("", nodes.paragraph("", "", inner))
        return out


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("cli-help", CommandHelp)
    app.add_directive("functions", FunctionTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
