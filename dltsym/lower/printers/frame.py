"""The text around the statements: header comment, imports, helpers, signature."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dltsym.lower.axes import Axis

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Header, Printer
    from dltsym.lower.program import Program

_HELPER = re.compile(r"(?<![\w.])_[a-z]\w*(?=\()")


def frame(printer: Printer, header: Header, prologue: list[str], body: list[str]) -> str:
    """Return the module text of a printed program.

    Parameters
    ----------
    printer : Printer
        Printer.
    header : Header
        What to say on top.
    prologue, body : list of str
        Lines of the function.

    Returns
    -------
    str
    """
    arguments = ", ".join(printer.names.values())
    function = [f"def {printer.name}({arguments}):", *prologue, *body]
    helpers = _helpers(printer, "\n".join(function))
    code = "\n\n\n".join([*helpers, "\n".join(function)])
    used = [line for name, line in printer.target.modules.items() if re.search(rf"(?<![\w.]){name}\.", code)]
    parts = [
        "\n".join(header_lines(printer.name, printer.program, printer.names, header)),
        "\n".join(used),
        "\n" + code if used else code,
    ]
    return "\n\n".join(p for p in parts if p) + "\n"


def _helpers(printer: Printer, text: str) -> list[str]:
    known = printer.target.helpers
    wanted, todo = [], _HELPER.findall(text)
    while todo:
        name = todo.pop(0)
        if name in known and name not in wanted:
            wanted.append(name)
            todo += _HELPER.findall(known[name])
    return [known[name].strip("\n") for name in sorted(wanted)]


def header_lines(name: str, program: Program, names: Mapping[str, str], header: Header) -> list[str]:
    """Return the comment on top of a generated file.

    Parameters
    ----------
    name : str
        Name of the function.
    program : Program
        What is printed.
    names : mapping of str to str
        Python names of the arguments.
    header : Header
        Formula and hash.

    Returns
    -------
    list of str
    """
    lines = [f"{name}: {header.formula}" if header.formula else name]
    axes = dict.fromkeys(a for o in program.outputs for a in o.axes)
    if axes:
        lines.append("axes: " + ", ".join(f"{_label(a)} < {a.size}" for a in axes))
    arrays = [f"{names[i.name]}({', '.join(i.shape)})" for i in program.inputs if i.shape]
    if arrays:
        lines.append("arrays, after any batch dimensions: " + ", ".join(arrays))
    if header.digest:
        lines.append(f"expression: {header.digest}")
    if program.rewrites:
        lines.append("rewrites: " + ", ".join(program.rewrites))
    lines += [f"open: {f}" for f in program.findings]
    out = []
    for line in lines:
        line = " ".join(line.split())
        out += textwrap.wrap(line, 112, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)
    return out


def _label(axis: Axis) -> str:
    return axis.name
