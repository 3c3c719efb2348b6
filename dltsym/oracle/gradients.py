"""Gradients of a statement: one scalar, the sum of all outputs against their cotangents, differentiated symbolically.

Where an input is 0, infinite or masked the derivative of the compiled normal form is meant: a key that is masked by a
prior of minus infinity, and a row without any key, have the gradient 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from dltsym.errors import DltsymError, UnsupportedError
from dltsym.lower.kernel import Kernel
from dltsym.notation.calculus import derivative
from dltsym.notation.folds import Order
from dltsym.notation.tree import Add, Decl, Diff, Expr, Index, Mul, Sum, Sym, bound_symbol
from dltsym.notation.walk import expand_lets, substitute, subterms, transform
from dltsym.oracle.reference import Reference, evaluated, merged, prepared
from dltsym.oracle.spec import Spec
from dltsym.oracle.statement import Statement, compiled_from, kernel_of, roots_of

COTANGENT = "cotangent_"


def gradient_reference(
    spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], cotangents: Mapping[str, Any], level: str = "auto"
) -> Reference:
    """Differentiate the sum of all outputs against cotangents.

    Parameters
    ----------
    spec : Spec
        From `spec_of`.
    inputs : mapping of str to array or number
        Exactly what the candidate saw, in float64.
    modes : mapping
        Static choices.
    cotangents : mapping of str to ndarray
        By output, with all its dimensions; outputs that are left out have the cotangent 0.
    level : {"auto", "ball", "float64"}
        How to evaluate.

    Returns
    -------
    Reference
        By input, in the shape of the input: summed over the batch dimensions that it is broadcast along. What cannot
        be differentiated is in `Reference.unsupported`.
    """

    def one(kernel: Kernel, known: Mapping[str, Any]) -> Reference:
        return evaluated(kernel, known, level)

    found = [*_each(spec, inputs, modes, cotangents, one), *_through_roots(spec, inputs, modes, cotangents, level)]
    return merged(_added(found))


def _added(found: list[Reference]) -> list[Reference]:
    """Add up what several outputs contribute to the gradient by one input."""
    out: dict[str, Reference] = {}
    rest = []
    for one in found:
        if not one.values:
            rest.append(one)
            continue
        (name,) = one.values
        if name in out:
            old = out[name]
            radius = old.radius[name] + one.radius[name] + 2.0**-52 * np.abs(old.values[name] + one.values[name])
            radius = np.where(np.isnan(radius), np.inf, radius)
            level = merged([old, one]).level
            one = Reference({name: old.values[name] + one.values[name]}, {name: radius}, level)
        out[name] = one
    return [*out.values(), *rest]


def _each(spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], cotangents: Mapping[str, Any],
          one: Callable[[Kernel, Mapping[str, Any]], Reference]) -> list[Reference]:  # fmt: skip
    found = []
    for name in spec.grads:
        if inputs.get(name) is None:
            continue
        try:
            kernel = gradient_of(spec, modes, tuple(sorted(cotangents)), name, "safe")
            if kernel is None:
                continue
            out = one(kernel, known_of(spec, kernel, inputs, cotangents))
        except DltsymError as error:
            found.append(Reference({}, {}, "ball", {}, {name: str(error)}))
            continue
        found.append(_summed(out, name, np.shape(inputs[name])))
    return found


def _summed(out: Reference, name: str, shape: tuple[int, ...]) -> Reference:
    (key,) = out.values
    values = folded(out.values[key], shape)
    with np.errstate(all="ignore"):
        radius = folded(out.radius[key], shape)
        count = out.values[key].size / max(values.size, 1)
        if count > 1:
            radius = radius + count * 2.0**-53 * folded(np.abs(out.values[key]), shape)
    tail = {name: folded(out.tail[key], shape)} if key in out.tail and count == 1 else {}
    return Reference({name: values}, {name: radius}, out.level, tail)


def folded(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum over the batch dimensions along which an input was broadcast.

    Parameters
    ----------
    values : ndarray
        With all batch dimensions.
    shape : tuple of int
        Shape of the input.

    Returns
    -------
    ndarray
    """
    values = np.asarray(values, float)
    lead = values.ndim - len(shape)
    if lead < 0:  # a constant that was never broadcast: nothing promised (inf), or 0
        return np.broadcast_to(values, shape)
    values = values.sum(tuple(range(lead)))
    return values.sum(tuple(k for k, n in enumerate(shape) if n == 1 and values.shape[k] > 1), keepdims=True)


def known_of(spec: Spec, kernel: Kernel, inputs: Mapping[str, Any], cotangents: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a gradient program.

    Parameters
    ----------
    spec : Spec
        Statement.
    kernel : Kernel
        Gradient.
    inputs, cotangents : mapping of str to ndarray
        Values by input and by output.

    Returns
    -------
    dict of str to ndarray
    """
    return prepared(spec, kernel, {**inputs, **{COTANGENT + n: np.asarray(x, float) for n, x in cotangents.items()}})


def gradient_of(
    spec: Spec, modes: Mapping[str, Any], outputs: tuple[str, ...], wrt: str, accuracy: str, form: str = ""
) -> Kernel | None:
    """Return the program of the gradient by an input.

    Parameters
    ----------
    spec : Spec
        Statement.
    modes : mapping
        Static choices.
    outputs : tuple of str
        Outputs with cotangents.
    wrt : str
        Input.
    accuracy : {"as_written", "safe"}
        Whether differences that cancel are rewritten.
    form : str
        Which form of the statement.

    Returns
    -------
    Kernel or None
        None where no explicit output depends on the input.
    """
    whole = kernel_of(spec, modes, form, accuracy)
    if whole is None:
        return None
    return _gradient(spec, whole, tuple(n for n in whole.outputs if n in outputs), wrt)  # type: ignore[arg-type]


@lru_cache(maxsize=512)
def _scalar(spec: Statement, whole: Kernel, outputs: tuple[str, ...]) -> Kernel:
    terms: list[Expr] = []
    for name in outputs:
        axes, tree = whole.axes[name], whole.asked.outputs[name]
        shape = tuple((s.decl.lo, s.decl.hi) for s in axes)
        weight: Expr = Sym(Decl(COTANGENT + name, "array", shape=shape) if axes else Decl(COTANGENT + name, "real"))  # type: ignore[arg-type]
        bound = {s: bound_symbol(s.name) for s in axes}
        term = Mul((Index(weight, tuple(bound.values())) if axes else weight, substitute(tree, bound)))  # type: ignore[arg-type]
        limits = tuple((bound[s], s.decl.lo, s.decl.hi) for s in reversed(axes))
        terms.append(Sum(term, limits) if limits else term)  # type: ignore[arg-type]
    return compiled_from(spec, {"total": Add(tuple(terms)) if len(terms) > 1 else terms[0]}, whole.accuracy)


@lru_cache(maxsize=512)
def _gradient(spec: Statement, whole: Kernel, outputs: tuple[str, ...], wrt: str) -> Kernel | None:
    if not outputs or wrt not in whole.inputs:
        return None
    scalar = _scalar(spec, whole, outputs)
    if wrt not in scalar.inputs:
        return None
    if any(i.name == wrt and i.entries != "real" for i in scalar.final.inputs):
        raise UnsupportedError(f"{wrt} is no real number, there is no gradient")
    return _past_orders(scalar.grad(wrt))


def _past_orders(kernel: Kernel) -> Kernel:
    """Let the order of entries have the derivative 0 in the expressions too, as it has in the compiled program."""

    def rule(e: Expr) -> Expr:
        if not (isinstance(e, Diff) and any(isinstance(x, Order) for x in subterms(e.body))):
            return e
        return derivative(expand_lets(e.body), e.var, kinks=True)

    outputs = {name: transform(e, rule) for name, e in kernel.asked.outputs.items()}
    return replace(kernel, asked=replace(kernel.asked, outputs=outputs))


def _through_roots(
    spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], cotangents: Mapping[str, Any], level: str
) -> list[Reference]:
    roots = [r for r in roots_of(spec, modes) if r.name in cotangents]
    if not roots:
        return []
    from dltsym.oracle.roots import root_gradient

    wanted = [n for n in spec.grads if inputs.get(n) is not None]
    return [root_gradient(spec, root, inputs, cotangents[root.name], name, level) for root in roots for name in wanted]
