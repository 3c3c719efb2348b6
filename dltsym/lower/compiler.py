"""`compile`: from an expression or a record to a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltsym.errors import ShapeError, UnknownKey, UnsupportedError, suggest
from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis
from dltsym.lower.front.arguments import Arguments
from dltsym.lower.front.inputs import collect, differentiated, extent
from dltsym.lower.front.reading import Question, letters, output_axes, question
from dltsym.lower.ir import Table
from dltsym.lower.kernel import Kernel
from dltsym.lower.passes.cells import cells as cell_pass
from dltsym.lower.passes.factor import factor
from dltsym.lower.passes.hazards import hazards
from dltsym.lower.passes.lower import lower
from dltsym.lower.passes.overflow import overflow
from dltsym.lower.passes.residual import residual
from dltsym.lower.passes.shares import centred, completed
from dltsym.lower.passes.vanishing import vanishing
from dltsym.lower.printers.layout import layout
from dltsym.lower.printers.targets import names as targets
from dltsym.lower.program import Output, Program
from dltsym.notation.tree import Sym

ACCURACY = ("safe", "as_written")


def compile(
    what: Any,
    axes: str | Sequence[Any] | Mapping[str, Any] = (),
    backend: str = "torch",
    of: str | None = None,
    compile: bool = False,
    cells: Iterable[str] = (),
    accuracy: str = "safe",
    strict: bool = False,
    typical: Mapping[str, int] | None = None,
    given: Iterable[Any] = (),
    acc: str = "float32",
    name: str = "kernel",
    names: Any = None,
) -> Kernel:
    """Compile an expression in index notation to a kernel.

    Free indices are the axes of the result, in the order in which they occur unless `axes` says otherwise; batch
    dimensions come before them. The arguments of the kernel are the arrays and parameters of the expression, in the
    order of the record or of their first occurrence; sizes are read off the arrays.

    Parameters
    ----------
    what : Expr, Theorem, mapping of str to Expr, str or sympy.Expr
        Expression, record with outputs, several named expressions, or text in the names of `names`.
    axes : str, sequence of str or Sym, or mapping
        Order of the axes, ``"i c"``; a mapping for several outputs.
    backend : {"torch", "numpy", "ball", "triton"}
        Where it runs; ``ball`` gives certified enclosures.
    of : str, optional
        One of several outputs.
    compile : bool
        Wrap the generated function in ``torch.compile(fullgraph=True)``.
    cells : iterable of str
        Optional library calls: ``sdpa``, ``logmm``, ``sqdist_gemm``.
    accuracy : {"safe", "as_written"}
        Whether differences that cancel are rewritten.
    strict : bool
        Raise when there are findings.
    typical : mapping of str to int, optional
        Sizes that the order of contractions is chosen for.
    given : iterable of Rel or str
        Hypotheses besides those of the record: bounds and sums equal to 1 are used.
    acc : {"float32", "native"}
        Type in which inputs of half precision are computed with; results are cast back once.
    name : str
        Name of the generated function.
    names : Scope or mapping of str to Sym, optional
        Names for text.

    Returns
    -------
    Kernel
        What has no tensor form raises `UnsupportedError`, and so does `strict` when there are findings.

    Raises
    ------
    UnknownKey
        For an unknown backend or option.
    ShapeError
        For a typical size that the expression does not have, or that is no positive integer.

    Examples
    --------
    >>> from dltsym import Scope, exp
    >>> v = Scope()
    >>> n, m = v.count("n"), v.count("m")
    >>> x, i = v.array("x", (n, m)), v.index("i", n)
    >>> soft = compile(v.sum(lambda j: exp(x[i, j]), m), backend="numpy")
    >>> soft.signature
    'kernel(x[..., i:n, j:m]) -> value[..., i:n]'
    """
    backends = (*targets(), "ball", "triton")
    if backend not in backends:
        raise UnknownKey(f"no backend {backend!r}; there are {', '.join(backends)}{suggest(backend, backends)}")
    for option, value, known in (("accuracy", accuracy, ACCURACY), ("acc", acc, ("float32", "native"))):
        if value not in known:
            raise UnknownKey(f"no {option} {value!r}; there are {', '.join(known)}")
    asked = question(what, names, of, (given,) if isinstance(given, str) else given)
    normal, arguments = build(asked, axes, accuracy)
    for size, length in (typical or {}).items():
        if size not in arguments.floors:
            raise ShapeError(f"typical: there is no size {size}{suggest(size, arguments.floors)}")
        if not isinstance(length, int) or length < 1:
            raise ShapeError(f"typical: the size {size} must be a positive integer, got {length!r}")
    options = {
        "compiled": compile,
        "acc": acc,
        "name": name,
        "cells": (cells,) if isinstance(cells, str) else tuple(cells),
        "typical": typical,
        "accuracy": accuracy,
    }
    return finish(asked, backend, arguments, normal, options, strict=strict)


def build(asked: Question, axes: Any = (), accuracy: str = "safe", *, raw: bool = False) -> tuple[Program, Arguments]:
    """Lower the outputs of a question, and make differences that cancel safe.

    Parameters
    ----------
    asked : Question
        What to compile.
    axes : str, sequence or mapping
        Order of the axes.
    accuracy : {"safe", "as_written"}
        Whether to rewrite differences that cancel.
    raw : bool
        Leave everything as written.

    Returns
    -------
    tuple
        Program after the constructors and the hazards, and the arguments.
    """
    loose = asked.free | differentiated(asked.outputs.values()) if asked.given else asked.free
    inputs, floors = collect(asked.symbols, asked.given, loose)
    table = Table()
    algebra = Algebra(table, {i.name: i for i in inputs}, raw=raw, floors=floors)
    order = output_axes(asked.outputs, axes)
    free = {name: {s: _axis(s) for s in own} for name, own in order.items()}
    nodes, low = lower(algebra, floors, [(tree, free[name]) for name, tree in asked.outputs.items()])
    outputs = tuple(
        Output(name, node, tuple(free[name][s] for s in order[name]))
        for name, node in zip(asked.outputs, nodes, strict=True)
    )
    findings, applied = tuple(dict.fromkeys(low.findings)), tuple(algebra.applied)
    program = Program(table, inputs, outputs, findings, applied, floors=tuple(sorted(floors.items())))
    arguments = Arguments(inputs, floors, tuple(dict.fromkeys(low.checks)), letters(asked.outputs.values()))
    if accuracy == "safe" and not raw:
        program = hazards(program)
    return program, arguments


def finish(
    asked: Question,
    backend: str,
    arguments: Arguments,
    normal: Program,
    options: Mapping[str, Any],
    *,
    strict: bool = False,
) -> Kernel:
    """Take a program through the remaining passes and print it.

    Parameters
    ----------
    asked : Question
        What was compiled.
    backend : str
        Where it runs.
    arguments : Arguments
        What a call takes.
    normal : Program
        After the hazards.
    options : mapping
        Other fields of the kernel.
    strict : bool
        Raise when there are findings.

    Returns
    -------
    Kernel

    Raises
    ------
    UnsupportedError
        With `strict` when there are findings.
    """
    # Cells first: a grouped contraction hides that x[i, I_i] is an entry of x[i, j].
    program = cell_pass(residual(completed(normal)), options["cells"])
    program = overflow(vanishing(centred(program)))
    program = factor(program, options["typical"])
    program = replace(program, findings=tuple(dict.fromkeys(program.findings)))
    if strict and program.findings:
        told = "; ".join(str(f) for f in program.findings)
        raise UnsupportedError(f"{asked.title or options['name']}: {told}")
    return Kernel.printed(asked, backend, arguments, (normal, program, layout(program)), **options)


def _axis(s: Sym) -> Axis:
    lo, hi = s.decl.lo, s.decl.hi
    if lo is None or hi is None:
        raise UnsupportedError(f"the index {s.name} has no range; declare it with one, v.index({s.name!r}, n)")
    return Axis(s.name, extent((lo, hi)).text)


__all__ = ["compile"]
