"""Sphinx extension: a page per hand-written kernel, made from its theorem, its docstrings and what was seen of it.

Nothing is run and no array framework is imported: the pages show records of checks, with their dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from dltsym import catalogue, kernels
from dltsym.errors import UnknownKey
from dltsym.implementation import DTYPES, Implementation, implementation_of
from dltsym.oracle import passport, planted
from dltsym.oracle.labels import label
from dltsym.record import Theorem
from dltsym.render.sphinx_nodes import badge, display, links, paragraph, section, table, text_nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "kernels"
SHORT = {long: s for s, long in DTYPES.items()}
GOOD, HALF = "exact", "tested"  # colours of badges


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives, the page generator, and the mathematics of docstrings.

    Parameters
    ----------
    app : Sphinx
        Application.

    Returns
    -------
    dict
        Extension metadata.
    """
    app.add_directive("dltsym-kernel", KernelDirective)
    app.add_directive("dltsym-kernels", KernelsDirective)
    app.add_directive("dltsym-kernel-hunts", HuntsDirective)
    app.connect("builder-inited", write_pages)
    app.connect("env-get-outdated", _always)
    app.connect("autodoc-process-docstring", _mathematics, priority=100)  # before numpydoc is read
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _always(app: Sphinx, env: Any, *changes: set[str]) -> list[str]:
    """Read the pages again in every build: they show what was seen, not only files."""
    return [name for name in env.found_docs if name.startswith(f"{FOLDER}/")]


def _mathematics(app: Sphinx, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Turn the docstring of a kernel into reStructuredText: dollar signs, single backticks, vertical bars."""
    if implementation_of(item) is None:
        return
    text = re.sub(r"\$([^$]+)\$", lambda m: f":math:`{' '.join(m[1].split())}`", "\n".join(lines))
    text = re.sub(r"(?<!`)(?<!:)`(?!`)([^`:\n]+)`(?!`)", r"``\1``", text)
    parts = re.split(r"(``[^`]*``|:math:`[^`]*`|^ *>>> .*$)", text, flags=re.MULTILINE)
    lines[:] = "".join(p if k % 2 else p.replace("|", r"\|") for k, p in enumerate(parts)).split("\n")


def pages() -> dict[str, str]:
    """Return the text of every page by its path below the folder of kernels, without suffix.

    Returns
    -------
    dict of str to str
    """
    every = sorted(kernels.everything())
    entries = "\n".join(name.replace(".", "/") for name in every)
    out = {
        "index": f"# Hand-written kernels\n\n```{{dltsym-kernels}}\n```\n\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"
    }
    for name in every:
        out[name.replace(".", "/")] = f"# {name}\n\n```{{dltsym-kernel}} {name}\n```\n"
    return out


def write_pages(app: Sphinx) -> None:
    """Write ``kernels/``: an index and one page per kernel; pages of lost kernels are removed.

    Parameters
    ----------
    app : Sphinx
        Application.
    """
    root = Path(app.srcdir) / FOLDER
    wanted = {root / f"{name}.md": text for name, text in pages().items()}
    for old in set(root.rglob("*.md")) - set(wanted):
        old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _code(text: str) -> list[nodes.Node]:
    return [nodes.literal(text, text)] if text else []


def _known(name: str) -> tuple[Callable[..., Any], Implementation, Theorem]:
    function = kernels.everything().get(name)
    told = implementation_of(function)
    record = catalogue.get(told.key) if told is not None else None
    if function is None or told is None or not isinstance(record, Theorem) or record.operator is None:
        raise UnknownKey(f"{name} is no kernel of a theorem with an operator")
    return function, told, record


def _pill(function: Callable[..., Any]) -> nodes.inline:
    text = label(function)
    return badge(GOOD if text.startswith("ran on") else "wrong" if text.startswith("fails") else HALF, text)


class KernelsDirective(SphinxDirective):
    """``{dltsym-kernels}``: every kernel with its theorem, its types and how far it was checked."""

    def run(self) -> list[nodes.Node]:
        """Build the table.

        Returns
        -------
        list of Node
        """
        rows = []
        for name in sorted(kernels.everything()):
            function, told, record = _known(name)
            here = self.parse_text_to_nodes(f"[`{name}`](/{FOLDER}/{name.replace('.', '/')}.md)")
            types = ", ".join(SHORT[d] for d in told.dtypes)
            rows.append([here[0].children, text_nodes(record.title), [nodes.Text(types)], [_pill(function)]])
        intro = self.parse_text_to_nodes(passport.INTRODUCTION)
        return [*intro, table(("kernel", "theorem", "types", "checked"), rows, "dlt-kernels")]


class HuntsDirective(SphinxDirective):
    """``{dltsym-kernel-hunts}``: what the hunts for planted bugs found, by family and together."""

    def run(self) -> list[nodes.Node]:
        """Build a list.

        Returns
        -------
        list of Node
        """
        self.env.note_reread()
        families = sorted({name.split(".", maxsplit=1)[0] for name in kernels.everything()})
        return self.parse_text_to_nodes(
            "\n".join(["", *(f"- {planted.hunt(f)}" for f in families), "", planted.total()])
        )


class KernelDirective(SphinxDirective):
    """``{dltsym-kernel} NAME``: everything known about one kernel."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the page body.

        Returns
        -------
        list of Node
        """
        name = self.arguments[0]
        function, told, record = _known(name)
        types = ", ".join(SHORT[d] for d in told.dtypes)
        what = [nodes.Text(f"{told.backend}, {types} "), _pill(function)]
        link = [nodes.Text(f"{record.title}: "), *links([told.key])[0][0].children]
        head = [paragraph("", *what, classes=["dlt-key"]), paragraph("", *link)]
        return [
            *head,
            self._statement(record),
            section("Inputs and outputs", *self._arrays(record, told)),
            section("Call", *self._call(name, function)),
            section("Algorithm", *self._algorithm(function, told)),
            section("Arithmetic and tolerance", *self._arithmetic(told)),
            section("What must hold without a reference", *self._relations(record)),
            section("Cost of one call", *self._cost(told)),
            section("How far it was checked", *self._checked(name, function)),
        ]

    def _statement(self, record: Theorem) -> nodes.section:
        outputs, where = passport.statement(record)
        box = nodes.container(classes=["dlt-statement"])
        for line in outputs:
            box += display(line)
        if where:
            box += paragraph("where")
            for line in where:
                box += display(line)
        children: list[nodes.Node] = [box]
        if modes := passport.modes(record):
            rows = [[_code(n), _code(repr(first)), _code(", ".join(map(repr, rest)))] for n, first, rest in modes]
            children += [
                paragraph("The formula is that of the default modes. A mode is a choice that changes it:"),
                table(("mode", "default", "others"), rows, "dlt-modes"),
            ]
        return section("Statement", *children)

    def _arrays(self, record: Theorem, told: Implementation) -> list[nodes.Node]:
        grads = set(told.grads)
        rows = [
            [_code(a.name), [nodes.math(a.domain, a.domain)], text_nodes(a.meaning),
             [nodes.Text(a.absent)], [nodes.Text("yes" if a.name in grads else "")]]
            for a in passport.inputs(record)
        ]  # fmt: skip
        returned = told.outputs or tuple(record.operator.axes)  # type: ignore[union-attr]
        found = [
            [_code(o), [nodes.math(latex, latex)], [nodes.Text(kind)]]
            for o, latex, kind in (passport.output(record, o) for o in returned)
        ]
        sizes = "; ".join(f"{n}: {meaning}" if meaning else n for n, meaning in passport.sizes(record))
        return [
            table(("input", "domain", "meaning", "if left out", "gradient"), rows, "dlt-notation"),
            paragraph(
                f"Sizes are read from the arrays ({sizes}). Leading dimensions of arrays are batches and broadcast."
            ),
            table(("output", "entry", "compared"), found, "dlt-notation"),
        ]

    def _call(self, name: str, function: Callable[..., Any]) -> list[nodes.Node]:
        text = f"```{{eval-rst}}\n.. autofunction:: {function.__module__}.{function.__name__}\n```\n"
        return self.parse_text_to_nodes(text)

    def _algorithm(self, function: Callable[..., Any], told: Implementation) -> list[nodes.Node]:
        head, parts = passport.algorithm(import_module(function.__module__), told)
        items = [nodes.list_item("", paragraph("", *_code(file), nodes.Text(f": {text}"))) for file, text in parts]
        return [paragraph(head), nodes.bullet_list("", *items)]

    def _arithmetic(self, told: Implementation) -> list[nodes.Node]:
        rows = [[[nodes.Text(cell)] for cell in row] for row in passport.contract(told)]
        text = passport.tolerance(told)
        head = ("type", "computed in", "matrix products", "sums", "rounded to the type", "exp, log within")
        return [table(head, rows, "dlt-values"), *self.parse_text_to_nodes(text)]

    def _relations(self, record: Theorem) -> list[nodes.Node]:
        found = passport.relations(record)
        if not found:
            return [paragraph("Nothing is declared.")]
        rows = [[[nodes.Text(name)], [nodes.Text(kind)]] for name, kind in found]
        return [table(("change or law", "compared"), rows, "dlt-values")]

    def _cost(self, told: Implementation) -> list[nodes.Node]:
        rows = [
            [[nodes.Text(way)], _code(c.tensor), _code(c.flops), _code(c.special), _code(c.bytes)]
            for way, c in told.cost.items()
        ]
        head = ("", "flops of matrix products", "other flops", "exp and log", "bytes moved")
        return [table(head, rows, "dlt-values")] if rows else [paragraph("Not declared.")]

    def _checked(self, name: str, function: Callable[..., Any]) -> list[nodes.Node]:
        family = name.split(".", maxsplit=1)[0]
        out = self.parse_text_to_nodes("\n\n".join(passport.checked(name, function)))
        runs = passport.devices(name)
        if runs:
            rows = [[[nodes.Text(str(r[k]))] for k in ("date", "device", "verdict", "source")] for r in runs]
            out.append(table(("date", "device", "verdict", "source"), rows, "dlt-values"))
        out += self.parse_text_to_nodes(planted.hunt(family))
        fates = planted.mutants_of(family)
        rows = [[_code(f["id"]), [nodes.Text(f["change"])], [nodes.Text(f["fate"])]] for f in fates]
        return [*out, table(("", "planted bug", "what became of it"), rows, "dlt-values")] if rows else out
