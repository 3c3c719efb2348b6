"""Kernels of derivatives: the program from `dltsym.lower.grad`, the tree that its oracle evaluates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dltsym.errors import UnsupportedError
from dltsym.lower.program import Program
from dltsym.notation.tree import Decl, Diff, Expr, Index, Mul, Sum, Sym, bound_symbol
from dltsym.notation.walk import expand_lets, substitute

if TYPE_CHECKING:
    from collections.abc import Callable

    from dltsym.lower.kernel import Kernel

    Taken = tuple[Callable[..., Kernel], Kernel, str, str | None]

COTANGENT = "cotangent"


def gradient(kernel: Kernel, wrt: str, of: str | None = None) -> Kernel:
    """Return the kernel of a vector-Jacobian product.

    Parameters
    ----------
    kernel : Kernel
        Kernel to differentiate.
    wrt : str
        Input.
    of : str, optional
        Output.

    Returns
    -------
    Kernel
    """
    from dltsym.lower.grad import pullback

    kernel = beside(kernel, wrt)
    program = pullback(kernel.normal, wrt, of, COTANGENT)
    name, tree, entry = _parts(kernel, wrt, of, program)
    axes = kernel.axes[name]
    taken = (gradient, kernel, wrt, of)
    if not axes:
        return _kernel(taken, program, Diff(tree, entry), ())
    array = Sym(Decl(COTANGENT, "array", shape=tuple((s.decl.lo, s.decl.hi) for s in axes)))  # type: ignore[misc]
    bound = {s: bound_symbol(s.name) for s in axes}
    inner = substitute(expand_lets(tree), bound)  # a let-name may stand for a tree with a free index
    weighted = Mul((Index(array, tuple(bound.values())), Diff(inner, entry)))
    limits = tuple((bound[s], s.decl.lo, s.decl.hi) for s in reversed(axes))
    return _kernel(taken, program, Sum(weighted, limits), (array,))  # type: ignore[arg-type]


def jacobian(kernel: Kernel, wrt: str, of: str | None = None) -> Kernel:
    """Return the kernel of all partial derivatives.

    Parameters
    ----------
    kernel : Kernel
        Kernel to differentiate.
    wrt : str
        Input.
    of : str, optional
        Output.

    Returns
    -------
    Kernel
    """
    from dltsym.lower.grad import jacobian as partials

    kernel = beside(kernel, wrt)
    program = partials(kernel.normal, wrt, of)
    _, tree, entry = _parts(kernel, wrt, of, program)
    return _kernel((jacobian, kernel, wrt, of), program, Diff(tree, entry), ())


def beside(kernel: Kernel, wrt: str) -> Kernel:
    """Return a kernel of the same outputs that does not use that the entries of an input sum to 1.

    The hypothesis makes ``sum P log(P/Q)`` safe, but off the simplex the safe form is another function.

    Parameters
    ----------
    kernel : Kernel
        Kernel to differentiate.
    wrt : str
        Input.

    Returns
    -------
    Kernel
    """
    from dltsym.lower.compiler import build, finish

    if not any(i.sum_one for i in kernel.normal.inputs if i.name == wrt):
        return kernel
    if kernel.taken is not None:
        take, inner, by, of = kernel.taken
        return take(beside(inner, wrt), by, of)
    asked = replace(kernel.asked, free=kernel.asked.free | {wrt})
    normal, arguments = build(asked, kernel.axes, kernel.accuracy)
    return finish(asked, kernel.backend, arguments, normal, _options(kernel))


def _parts(kernel: Kernel, wrt: str, of: str | None, program: Program) -> tuple[str, Expr, Expr]:
    name = of if of is not None else kernel.normal.outputs[0].name
    symbol = next((s for s in kernel.asked.symbols if s.name == wrt), None)
    if symbol is None:
        raise UnsupportedError(f"no input is called {wrt}; there are {', '.join(kernel.inputs)}")
    own = program.outputs[0].axes[len(program.outputs[0].axes) - len(symbol.decl.shape) :]
    at = tuple(Sym(Decl(a.name, "index", lo=lo, hi=hi)) for a, (lo, hi) in zip(own, symbol.decl.shape, strict=True))
    return name, kernel.asked.outputs[name], Index(symbol, at) if at else symbol


def _options(kernel: Kernel) -> dict[str, Any]:
    names = ("compiled", "acc", "name", "cells", "typical", "accuracy")
    return {name: getattr(kernel, name) for name in names}


def _kernel(taken: Taken, program: Program, tree: Expr, more: tuple[Sym, ...]) -> Kernel:
    from dltsym.lower.compiler import finish

    kernel = taken[1]
    out = program.outputs[0].name
    asked = replace(kernel.asked, outputs={out: tree}, symbols=(*kernel.asked.symbols, *more))
    letters = dict(kernel.arguments.letters)
    if more and isinstance(tree, Sum):
        letters |= {(COTANGENT, k): v.name for k, (v, _, _) in enumerate(reversed(tree.limits))}
    arguments = replace(kernel.arguments, inputs=program.inputs, letters=letters)
    return finish(asked, kernel.backend, arguments, program, _options(kernel) | {"taken": taken})
