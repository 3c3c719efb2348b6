"""References: what a statement is worth at given inputs, how far off that can be, and who says so.

Three levels, shown in every verdict. ``ball``: the expression as written in ball arithmetic. ``float64, certified``:
the compiled program, whose translation was held against balls: in extended precision where the machine has it, with a
bound of its rounding error, or, where that is not sharp enough, in balls itself. ``float64``: the same program without
balls to hold it against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np

from dltsym.errors import DltsymError, DomainError, Undecided, UnknownKey, UnsupportedError
from dltsym.lower.interpret.bound import RULES, running
from dltsym.lower.interpret.bound_parts import error
from dltsym.lower.interpret.model import EXACT, F64
from dltsym.lower.interpret.values import sizes_of as lengths_of
from dltsym.lower.interpret.walk import evaluate
from dltsym.lower.kernel import Kernel
from dltsym.lower.sizes import parse_size
from dltsym.oracle.certify import WIDE, cost, trust
from dltsym.oracle.spec import Spec
from dltsym.oracle.statement import kernel_of, roots_of

LEVELS = ("auto", "ball", "sharp", "float64")
BALL, CERTIFIED, PLAIN = "ball", "float64, certified", "float64"
SMALL = 3000
"""Programs of at most so many scalar operations are evaluated in balls altogether."""
LARGE = 2e8
"""Programs of more scalar operations run in plain float64, without extended precision."""
BITS = 512
"""Balls of a program are taken as they are from so many bits on: the exact 0 of a sum that cancels stays wide."""


@dataclass(frozen=True)
class Reference:
    """Values of outputs or gradients.

    Attributes
    ----------
    values : dict of str to ndarray
        Nearest float64 numbers; nan where the statement has no value.
    radius : dict of str to ndarray
        Distance from the exact value, at most; the rounding to float64 is included.
    level : str
        ``"ball"``, ``"float64, certified"`` or ``"float64"``: the weakest of all outputs.
    tail : dict of str to ndarray
        What the rounding to float64 left over, where it is known: ``values + tail`` is closer than `radius` says.
    unsupported : dict of str to str
        What could not be evaluated, and why. It must never count as passed.
    """

    values: dict[str, np.ndarray]
    radius: dict[str, np.ndarray]
    level: str
    tail: dict[str, np.ndarray] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)


def reference(spec: Spec, inputs: Mapping[str, Any], modes: Mapping[str, Any], level: str = "auto") -> Reference:
    """Evaluate the outputs of a statement.

    Parameters
    ----------
    spec : Spec
        From `spec_of`.
    inputs : mapping of str to array or number
        Exactly what the candidate saw, in float64; absent inputs may be left out. Leading dimensions are batches.
    modes : mapping
        Static choices.
    level : {"auto", "ball", "sharp", "float64"}
        How to evaluate.

    Returns
    -------
    Reference
        Arrays with all batch dimensions, then the axes of the output.

    Raises
    ------
    UnknownKey
        For an unknown level.
    """
    if level not in LEVELS:
        raise UnknownKey(f"no level {level!r}; there are {', '.join(LEVELS)}")
    found: list[Reference] = []
    kernel = kernel_of(spec, modes, "", "safe")
    if kernel is not None:
        found.append(evaluated(kernel, prepared(spec, kernel, inputs), level))
    roots = roots_of(spec, modes)
    if roots:
        from dltsym.oracle.roots import root_reference

        found += [root_reference(spec, root, inputs) for root in roots]
    return merged(found)


def merged(found: list[Reference]) -> Reference:
    """Return several references as one, with the weakest level.

    Parameters
    ----------
    found : list of Reference
        References of different results.

    Returns
    -------
    Reference
    """
    ranks = (PLAIN, CERTIFIED, BALL)
    level = min((r.level for r in found), key=ranks.index, default=PLAIN)
    parts = [{k: x for r in found for k, x in part(r).items()} for part in (
        lambda r: r.values, lambda r: r.radius, lambda r: r.tail, lambda r: r.unsupported)]  # fmt: skip
    return Reference(parts[0], parts[1], level, parts[2], parts[3])


def prepared(spec: Spec, kernel: Kernel, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a program: absent ones get the value that stands for their absence.

    Parameters
    ----------
    spec : Spec
        Statement.
    kernel : Kernel
        Program.
    inputs : mapping
        Values by name.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    DomainError
        When an input is missing that may not be.
    """
    known: dict[str, Any] = {}
    sizes = sizes_of(spec, inputs)
    declared = {i.name: i for i in spec.inputs}
    for one in kernel.arguments.inputs:
        value = inputs.get(one.name)
        if value is None:
            i = declared.get(one.name)
            if i is None or i.absent is None:
                raise DomainError(f"{spec.key}: the input {one.name} is missing")
            value = np.full([sizes[a] for a in i.axes], i.absent)
        value = np.asarray(value)
        known[one.name] = value.astype(
            np.int64 if one.entries == "integer" else bool if one.entries == "bool" else float
        )
        if one.entries == "integer" and not one.shape and known[one.name].ndim == 0:
            known[one.name] = int(known[one.name])
    return known


def sizes_of(spec: Spec, inputs: Mapping[str, Any]) -> dict[str, int]:
    """Read the plain sizes off the arrays.

    Parameters
    ----------
    spec : Spec
        Statement.
    inputs : mapping
        Values by name.

    Returns
    -------
    dict of str to int
    """
    sizes: dict[str, int] = {}
    for i in spec.inputs:
        value = inputs.get(i.name)
        if value is None:
            continue
        shape = np.shape(value)
        sizes |= dict(zip(i.axes, shape[len(shape) - len(i.axes) :], strict=False))
        if not i.axes and i.kind == "integer" and not shape:
            sizes[i.name] = int(value)
    return sizes


def shapes_of(kernel: Kernel, known: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the results of a program: the batch dimensions of all inputs, then the axes.

    Parameters
    ----------
    kernel : Kernel
        Program.
    known : mapping of str to ndarray
        Inputs.

    Returns
    -------
    dict of str to tuple of int
    """
    lead = [np.shape(known[i.name])[: np.ndim(known[i.name]) - len(i.shape)] for i in kernel.final.inputs]
    batch, sizes = np.broadcast_shapes(*lead), lengths_of(kernel.final, known)
    return {o.name: (*batch, *(parse_size(a.size).at(sizes) for a in o.axes)) for o in kernel.final.outputs}


def evaluated(kernel: Kernel, known: Mapping[str, Any], level: str = "auto") -> Reference:
    """Evaluate a program, at the best level that its size allows.

    Parameters
    ----------
    kernel : Kernel
        Program for numpy.
    known : mapping of str to ndarray
        Inputs.
    level : {"auto", "ball", "sharp", "float64"}
        How to evaluate. A whole program in balls shares what an expression repeats for every entry, so ``"sharp"``
        prefers it to the expression where its translation was certified.

    Returns
    -------
    Reference
    """
    balls = find_spec("flint") is not None
    work = cost(kernel, known)
    if level == "ball" or (level == "auto" and balls and work <= SMALL):
        return _in_balls(kernel, known)
    held = trust(kernel) if balls else ""
    if level == "sharp" and balls:
        from dltsym.lower.interpret.ir_arb import ir_balls

        try:
            return _told(ir_balls(kernel.final, known, enough=BITS), CERTIFIED) if held else _in_balls(kernel, known)
        except (UnsupportedError, Undecided):  # an operation or a value that the evaluator of programs does not know
            return _in_balls(kernel, known)
    values, tail = _run(kernel, known, wide=held == WIDE and work <= LARGE)
    radius = _radius(kernel, known, values, tail)
    return Reference(values, radius, CERTIFIED if held else PLAIN, tail)


def _in_balls(kernel: Kernel, known: Mapping[str, Any]) -> Reference:
    found = kernel.oracle(**known)
    return _told(found if isinstance(found, dict) else {kernel.outputs[0]: found}, BALL)


def _told(found: Mapping[str, Any], level: str) -> Reference:
    values, radius, tail = {}, {}, {}
    for name, one in found.items():
        middle, half = one.mid(), one.rad()
        wide = np.isfinite(middle) & (np.abs(middle) < half)  # what is left of a sum that cancels: 0 lies in it too
        values[name] = np.where(wide, 0.0, middle)
        finite = np.isfinite(values[name])
        rest = np.where(finite, -np.nan_to_num(one.error(np.where(finite, values[name], 0.0))), 0.0)
        radius[name] = np.where(finite, half + np.abs(rest) * (1 + 2.0**-50), 0.0)
        tail[name] = np.where(wide, 0.0, rest)
    return Reference(values, radius, level, tail)


def _run(kernel: Kernel, known: Mapping[str, Any], *, wide: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    names = kernel.outputs
    out = kernel(**known)
    plain = out if isinstance(out, dict) else {names[0]: out}
    values = {n: np.asarray(plain[n], float) for n in names}
    if not wide:
        return values, {}
    long = wide_run(kernel, known, {n: x.shape for n, x in values.items()})
    tail = {}
    for name, x in (long or {}).items():
        with np.errstate(all="ignore"):
            near = x.astype(float)
            rest = np.where(np.isfinite(near), (x - near).astype(float), 0.0)
        fine = np.isfinite(near) | ~np.isfinite(values[name])
        values[name] = np.where(fine, near, values[name])
        tail[name] = np.where(fine, rest, 0.0)
    return values, tail


def wide_run(kernel: Kernel, known: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Run the generated function on extended precision, where it keeps it.

    Parameters
    ----------
    kernel : Kernel
        Program for numpy.
    known : mapping of str to ndarray
        Inputs.
    shapes : mapping of str to tuple of int
        Shapes of the outputs.

    Returns
    -------
    dict of str to ndarray or None
        None where a function knows no extended precision.
    """
    reals = {i.name for i in kernel.arguments.inputs if i.entries == "real"}
    args = [np.asarray(known[n], np.longdouble) if n in reals else known[n] for n in kernel.inputs]
    try:
        with np.errstate(all="ignore"):
            out = _wide_function(kernel)(*args)
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        return None
    names = kernel.outputs
    found = out if isinstance(out, dict) else dict(zip(names, out if isinstance(out, tuple) else (out,), strict=True))
    if any(np.asarray(found[n]).dtype != np.longdouble for n in names):
        return None
    return {n: np.broadcast_to(found[n], shapes[n]) for n in names}


@lru_cache(maxsize=512)
def _wide_function(kernel: Kernel) -> Any:
    """Return the generated function with those special functions that can be written in extended precision."""
    from dltsym.lower.printers.names import python_name

    space: dict[str, Any] = {"__name__": "dltsym_wide"}
    exec(compile(kernel.source, f"<{kernel.name}>", "exec"), space)  # our own text
    space["special"] = SimpleNamespace(
        entr=lambda x: np.where(x == 0, 0, -x * np.log(np.where(x == 0, 1, x))),
        xlogy=lambda x, y: np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, y))),
        expit=lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
    )
    return space[python_name(kernel.name)]


def _radius(
    kernel: Kernel, known: Mapping[str, Any], values: Mapping[str, Any], tail: Mapping[str, Any]
) -> dict[str, Any]:
    """Bound the error of a run."""
    # In extended precision the error of the float64 evaluation of the same program is enough: it is charged at least
    # what its kernel would be, and the worst case is convex in the unit: one 2^-11 as large costs that much less.
    out = {}
    try:
        with np.errstate(all="ignore"):
            if tail.keys() == values.keys():
                own = evaluate(kernel.final, known, EXACT, RULES)
                found = {n: error(item) * 2.0**-9 for n, item in own.items()}
            else:
                found = {n: e for n, (_, e) in running(kernel.final, known, F64).items()}
    except DltsymError:
        return {n: np.full(x.shape, np.inf) for n, x in values.items()}
    for name, x in values.items():
        e = np.broadcast_to(found[name], x.shape)
        with np.errstate(all="ignore"):
            e = e + np.abs(tail[name]) * (1 + 2.0**-50) if name in tail else e
            out[name] = np.where(np.isfinite(x) | (e > 0), e, 0.0)
    return out
