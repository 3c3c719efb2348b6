"""Sphinx settings. Pages of theorems and kernels are made by extensions of dltsym; nothing needs a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from sphinx.addnodes import pending_xref
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
napoleon_use_ivar = True
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


class BoundTable(SphinxDirective):
    """``{bound-table} NAME``: a public table of bounds, evaluated again."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        from dltsym.bounds.tables import reproduced

        self.env.note_reread()
        text = reproduced(self.arguments[0], "markdown")
        return [nodes.container("", *self.parse_text_to_nodes(text), classes=["dlt-wide"])]


class Picture(SphinxDirective):
    """``{picture} NAME``: run ``examples/NAME.py`` and show what it draws; the text below is the caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        root, name = Path(self.env.srcdir).parent, self.arguments[0]
        script = root / "examples" / f"{name}.py"
        self.env.note_dependency(str(script))
        quiet = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # small products, and pages are read in parallel
        done = subprocess.run(
            [sys.executable, script], cwd=root, env=quiet, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise self.error(f"{script.name} failed:\n{done.stderr}")
        text = " ".join(self.content)
        (caption,) = self.parse_text_to_nodes(f"{text} Drawn by `examples/{name}.py`.")
        files = {"only-light": f"{name}.svg", "only-dark": f"{name}-dark.svg"}
        images = [nodes.image(uri=f"/../build/pictures/{f}", alt=text, classes=[c]) for c, f in files.items()]
        return [nodes.figure("", *images, nodes.caption("", "", *caption.children))]


def plain_types(app: Sphinx, doctree: nodes.document) -> None:
    """Leave the small words of numpydoc types, as in ``ndarray, shape (n, d)``, as text: attributes have such names."""
    for word in [x for x in doctree.findall(pending_xref) if x.get("refspecific") and x["reftarget"].islower()]:
        word.replace_self(word.children)


def own_branch(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Open only the branch of this page in the sidebar: with every record on every page, it took most of the time."""
    whole = context["toctree"]
    context["toctree"] = lambda **options: whole(**{**options, "collapse": True})


DOLLARS = re.compile(r"(?<![\\`$])\$(?=\S)([^$]+?)(?<=\S)\$")


def mathematics(_app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Turn the mathematics of docstrings, between dollar signs as everywhere in the project, into a role of Sphinx."""
    text = DOLLARS.sub(lambda found: f":math:`{' '.join(found[1].split())}`", "\n".join(lines))
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", mathematics)
    app.connect("doctree-read", plain_types)
    app.connect("html-page-context", own_branch, priority=400)  # before the theme asks for the sidebar
    app.add_directive("cli-help", CommandHelp)
    app.add_directive("functions", FunctionTable)
    app.add_directive("bound-table", BoundTable)
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
