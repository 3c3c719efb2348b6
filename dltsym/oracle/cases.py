"""Inputs of a check: sizes that do not fit any block, all different; batches; families of hard values."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from dltsym.errors import DomainError, ShapeError
from dltsym.implementation import Case
from dltsym.notation.walk import free_symbols
from dltsym.operators import Root
from dltsym.oracle.formats import SHORT, Array, full_name
from dltsym.oracle.spec import Spec, SpecInput
from dltsym.oracle.statement import Statement, chosen
from dltsym.oracle.values import absent_inputs, draw, layout_of, settled

Fixed = Mapping[str, Callable[[Mapping[str, int]], float] | None]
LARGEST = 600_000
"""Product of all sizes and batches of an automatic case: references stay fast."""


def automatic(spec: Spec, block: int = 64) -> tuple[Case, ...]:
    """Return cases for any statement: odd sizes, batches, and hard values for each kind of input.

    Parameters
    ----------
    spec : Spec
        Statement.
    block : int
        Length of a block of the kernels to be checked; sizes lie below, at and above it.

    Returns
    -------
    tuple of Case
    """
    ladder = (1, 2, block - 1, block, block + 36, 2 * block + 1)
    names = list(spec.sizes)
    rounds = [_sizes(spec, {n: ladder[(t + 2 * k) % 6] for k, n in enumerate(names)}) for t in range(6)]
    cases = [Case("ones", _sizes(spec, dict.fromkeys(names, 1)), seed=1)]
    cases += [Case(f"sizes{t}", sizes, seed=t + 2) for t, sizes in enumerate(rounds) if names]
    middle = _sizes(spec, {n: (2, 3, 5, 7, 11, 13)[k % 6] + 17 * (k == 0) for k, n in enumerate(names)})
    if any(i.axes for i in spec.inputs):
        cases.append(Case("batch", middle, {"": (2,)}, seed=8))
        cases.append(Case("heads", middle, {"": (2, 3)}, seed=9, values=dict.fromkeys(_reals(spec), "view")))
        cases.append(Case("transposed", middle, seed=10, values=dict.fromkeys(_reals(spec), "transposed")))
        cases += [
            Case(f"{n} in levels", middle, {"": (3,)}, {}, {n: "levels"}, 80 + k) for k, n in enumerate(_free(spec))
        ]
    else:
        cases += _of_numbers(spec, middle)
    odd = rounds[3] if names else {}
    cases += [Case(name, odd, values=values, seed=11 + k) for k, (name, values) in enumerate(_hard(spec).items())]
    cases += _mode_cases(spec, middle)
    return tuple(cases)


def _of_numbers(spec: Spec, sizes: Mapping[str, int]) -> list[Case]:
    """Return cases of a statement of numbers alone: many at once, as a kernel would take them."""
    reals = [i for i in spec.inputs if i.kind == "real"]
    free = [i.name for i in reals if i.lo is None and i.hi is None]
    half = [i.name for i in reals if (i.lo is None) != (i.hi is None)]
    # A size is one number in every call.
    many: Mapping[str, tuple[int, ...]] = {i.name: (100,) for i in spec.inputs if i.name not in spec.sizes}
    recipes = ("12 normal", "1e-3 normal", "zeros", "normal + 300", "normal - 300")
    families = [dict.fromkeys(free, r) for r in recipes if free]
    families += [{n: r} for n in free for r in recipes[3:] if len(free) > 1]
    families += [{n: "lognormal" for n in half if _lowest(spec, n) == 0}]
    cases = [Case("many", sizes, many, seed=5), Case("grid", sizes, {n: (7, 9) for n in many}, seed=6)]
    if sizes:
        cases.append(Case("long", _sizes(spec, dict.fromkeys(sizes, 997)), many, seed=7))
    return [*cases, *(Case(f"hard{k}", sizes, many, {}, values, 60 + k) for k, values in enumerate(families) if values)]


def make_inputs(spec: Spec, case: Case, dtype: str, fixed: Fixed | None = None) -> dict[str, Array]:
    """Draw the inputs of a case, exact in the type, held in float64; absent ones are left out.

    Parameters
    ----------
    spec : Spec
        Statement.
    case : Case
        Sizes, batches, recipes, seed.
    dtype : str
        Type.
    fixed : mapping, optional
        Inputs that the mapping of the candidate fixes, as functions of the sizes; None leaves one out.

    Returns
    -------
    dict of str to array

    Raises
    ------
    ShapeError
        When the case lacks a size.
    DomainError
        When it names an input that the statement does not have, or leaves out one that is needed.
    """
    known = {i.name: i for i in spec.inputs}
    _complain(spec, case, known)
    spans, gone = _spans(spec, case), absent_inputs(case.values)
    held = {n: None if f is None else f(case.sizes) for n, f in (fixed or {}).items()}
    gone |= {n for n, value in held.items() if value is None}
    out: dict[str, Array] = {}
    idle = set(known) - set(mentioned(spec, case.modes)) if spec.modes else set()
    for name, i in known.items():
        if name in gone or name in idle:
            if name not in idle and i.absent is None and held.get(name, 0) is not None:
                raise DomainError(f"{spec.key}, case {case.name}: {name} cannot be left out")
            continue
        recipe = case.values.get(name, "")
        try:
            shape = shape_of(i, case)
        except ShapeError as e:
            raise ShapeError(f"{spec.key}, case {case.name}: {e}") from None
        rng = np.random.default_rng([case.seed, zlib.crc32(name.encode())])  # one stream for each input
        x = draw(recipe, rng, shape, _spanned(i, spans, case))
        value = held.get(name)
        out[name] = settled(x if value is None else np.broadcast_to(value, shape).astype(float), dtype, i)
    return out


def mentioned(spec: Spec, modes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the inputs that the statement reads in these modes; others are left out of a case.

    Parameters
    ----------
    spec : Spec
        Statement.
    modes : mapping
        Static choices.

    Returns
    -------
    tuple of str
    """
    if not isinstance(spec, Statement):
        return tuple(i.name for i in spec.inputs)
    trees = [
        part
        for tree in spec.trees(chosen(spec, modes), "").values()
        for part in ((tree.residual, tree.lo, tree.hi) if isinstance(tree, Root) else (tree,))
    ]
    read = {s.name for tree in trees for s in free_symbols(tree)}
    return tuple(i.name for i in spec.inputs if i.name in read)


def shape_of(known: SpecInput, case: Case) -> tuple[int, ...]:
    """Return the shape of an input in a case, its batch dimensions first.

    Parameters
    ----------
    known : SpecInput
        Input.
    case : Case
        Sizes and batches.

    Returns
    -------
    tuple of int
    """
    lead = case.batch.get(known.name, case.batch.get("", ()) if known.axes else ())
    return (*lead, *(length(axis, case.sizes) for axis in known.axes))


def length(axis: str, sizes: Mapping[str, int]) -> int:
    """Return the length of an axis: a size, a number, or sums and products of them.

    Parameters
    ----------
    axis : str
        Text such as ``"n"`` or ``"2*d + 1"``.
    sizes : mapping of str to int
        Sizes.

    Returns
    -------
    int

    Raises
    ------
    ShapeError
        When a size is not known.

    Examples
    --------
    >>> length("2*d + 1", {"d": 3})
    7
    """
    if axis in sizes:
        return int(sizes[axis])
    from dltsym.lower.sizes import parse_size

    try:
        return int(parse_size(axis).at(sizes))
    except KeyError as e:
        raise ShapeError(f"the size {e.args[0]} is not given; there are {', '.join(sizes) or 'none'}") from None


def layouts(case: Case) -> dict[str, str]:
    """Return how the inputs of a case lie in memory.

    Parameters
    ----------
    case : Case
        Case.

    Returns
    -------
    dict of str to str
    """
    return {name: layout_of(recipe) for name, recipe in case.values.items() if layout_of(recipe)}


def replay(spec: Spec, case: Case, dtype: str) -> str:
    """Return the name under which a case can be run again, ``key:f32:case:seed``.

    Parameters
    ----------
    spec : Spec
        Statement.
    case : Case
        Case.
    dtype : str
        Type.

    Returns
    -------
    str
    """
    return f"{spec.key}:{SHORT[full_name(dtype)]}:{case.name}:{case.seed}"


def _sizes(spec: Spec, wanted: Mapping[str, int]) -> dict[str, int]:
    """Respect the smallest values, and halve the largest size until references stay fast."""
    sizes = {n: max(spec.sizes[n], s) for n, s in wanted.items()}
    while sizes and float(np.prod([float(s) for s in sizes.values()])) > LARGEST:
        top = max(sizes, key=lambda n: sizes[n])
        sizes[top] = max(spec.sizes[top], sizes[top] // 2 - 1)
        if sizes[top] == spec.sizes[top]:
            break
    return sizes


def _reals(spec: Spec) -> list[str]:
    return [i.name for i in spec.inputs if i.axes and i.kind == "real"]


def _free(spec: Spec) -> list[str]:
    return [i.name for i in spec.inputs if i.axes and i.kind == "real" and i.lo is None and i.hi is None]


def _hard(spec: Spec) -> dict[str, dict[str, str]]:
    free = _free(spec)
    half = [i.name for i in spec.inputs if i.kind == "real" and (i.lo is None) != (i.hi is None)]
    both = [i for i in spec.inputs if i.kind == "real" and i.lo is not None and i.hi is not None]
    families = {
        "large": {n: "12 normal" for n in free}, "small": {n: "1e-3 normal" for n in free},
        "zeros": dict.fromkeys(free, "zeros"), "equal": dict.fromkeys(free, "equal"),
        "growing": dict.fromkeys(free, "growing"), "ties": dict.fromkeys(free, "coarse"),
    }  # fmt: skip
    for name in free:
        families[f"{name}+300"] = {name: "normal + 300"}
        families[f"{name}-300"] = {name: "normal - 300"}
    families["wide"] = {n: "lognormal" for n in half if _lowest(spec, n) == 0}
    ends = {i.name: i.lo if not i.lo_open else i.hi for i in both if not (i.lo_open and i.hi_open)}
    families["edges"] = {n: f"default, some {end}" for n, end in ends.items()}
    families |= {f"no {i.name}": {i.name: "absent"} for i in spec.inputs if i.absent is not None}
    return {name: values for name, values in families.items() if values}


def _lowest(spec: Spec, name: str) -> float | None:
    return next(i.lo for i in spec.inputs if i.name == name)


def _mode_cases(spec: Spec, sizes: Mapping[str, int]) -> list[Case]:
    return [
        Case(f"{name}={value}", sizes, modes={name: value}, seed=40 + k)
        for name, values in spec.modes.items()
        for k, value in enumerate(values[1:])
    ]


def _complain(spec: Spec, case: Case, known: Mapping[str, SpecInput]) -> None:
    wrong = [n for n in (*case.values, *case.batch) if n and n not in known]
    if wrong:
        raise DomainError(f"{spec.key}, case {case.name}: there is no input {wrong[0]}; there are {', '.join(known)}")


def _spanned(i: SpecInput, spans: Mapping[str, tuple[int, int]], case: Case) -> SpecInput:
    if i.kind != "integer":
        return i
    lo, hi = spans.get(i.name, (i.lo, i.hi))
    if not i.axes and i.name in case.sizes:
        lo = hi = case.sizes[i.name]
    return SpecInput(i.name, i.axes, i.kind, lo, hi)


def _spans(spec: Spec, case: Case) -> dict[str, tuple[int, int]]:
    """Return what integer inputs index, in numbers: places of an axis."""
    if all(i.kind != "integer" for i in spec.inputs):
        return {}
    from dltsym.notation.evaluate import evaluate_exact

    out = {}
    for name, ends in _places(spec).items():
        lo, hi = (evaluate_exact(e, dict(case.sizes)) for e in ends)
        if lo is not None and hi is not None:
            out[name] = (int(lo), int(hi))
    return out


@lru_cache(maxsize=64)
def _places(spec: Spec) -> dict[str, Any]:
    from dltsym.lower.checks.draw import ranges_of_places
    from dltsym.notation.walk import expand_lets
    from dltsym.oracle.statement import Statement, kernel_of

    if not isinstance(spec, Statement):
        return {}
    kernel = kernel_of(spec, {})
    if kernel is None:
        return {}
    found = ranges_of_places([expand_lets(e) for e in kernel.asked.outputs.values()])
    return {name: tuple(expand_lets(e) for e in ends) for name, ends in found.items()}
