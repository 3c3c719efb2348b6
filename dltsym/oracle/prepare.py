"""What is true of a case in one type, whatever the candidate: inputs, references, tolerances."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from dltsym.errors import DltsymError
from dltsym.implementation import Arithmetic, Case
from dltsym.oracle.cases import Fixed, make_inputs
from dltsym.oracle.formats import Array, full_name, rounded
from dltsym.oracle.spec import Spec

Parts = Callable[[Mapping[str, tuple[int, ...]]], tuple[int, ...]]
SHARP = 20_000
"""Entries of all inputs up to which a candidate in float64 gets a reference in balls."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that is true of a case in one type, whatever the candidate.

    Attributes
    ----------
    case : Case
        Case.
    dtype : str
        Type.
    arithmetic : Arithmetic
        Contract that the tolerances follow from.
    inputs : mapping of str to array
        Exact values, in float64.
    modes : mapping
        Static choices.
    values, radius, tail, limit, sigma : mapping of str to array
        References, how far they may be off, what their rounding to float64 left over, tolerances and standard
        deviations, by output and ``d<input>``.
    cotangents : mapping of str to array
        What gradients are taken against, by output.
    grads : tuple of str
        Inputs.
    level : str
        How far the reference is known.
    problem : str
        Why nothing can be said of this case, if so.
    unsupported : mapping of str to str
        Results that have no reference, and why.
    stored : mapping of str to str
        Types in which the candidate returns its results.
    parts : tuple of int
        Batches, counted from the last, along which the candidate is called part by part.
    """

    case: Case
    dtype: str
    arithmetic: Arithmetic
    inputs: Mapping[str, Array] = field(default_factory=dict)
    modes: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Array] = field(default_factory=dict)
    radius: Mapping[str, Array] = field(default_factory=dict)
    tail: Mapping[str, Array] = field(default_factory=dict)
    limit: Mapping[str, Array] = field(default_factory=dict)
    sigma: Mapping[str, Array] = field(default_factory=dict)
    cotangents: Mapping[str, Array] = field(default_factory=dict)
    grads: tuple[str, ...] = ()
    level: str = ""
    problem: str = ""
    unsupported: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[int, ...] = ()


def prepare(
    spec: Spec,
    case: Case,
    dtype: str,
    arithmetic: Arithmetic,
    grads: Sequence[str] = (),
    fixed: Fixed | None = None,
    outputs: Sequence[str] = (),
    stored: Mapping[str, str] | None = None,
    parts: Parts | None = None,
) -> Prepared:
    """Draw a case, and compute references and tolerances.

    Parameters
    ----------
    spec : Spec
        Statement.
    case : Case
        Case.
    dtype : str
        Type.
    arithmetic : Arithmetic
        Contract.
    grads : sequence of str
        Inputs to differentiate by; those that the case leaves out are skipped.
    fixed : mapping, optional
        Inputs that the candidate fixes.
    outputs : sequence of str
        Outputs whose sum against random cotangents is differentiated; all that are not integers by default.
    stored : mapping of str to str, optional
        Types in which the candidate returns outputs and, as ``d<input>``, gradients; by default what the contract says.
    parts : callable, optional
        `Candidate.parts`.

    Returns
    -------
    Prepared
    """
    name = full_name(dtype)
    inputs = make_inputs(spec, case, name, fixed)
    turned = parts({n: x.shape for n, x in inputs.items()}) if parts and grads else ()
    bare = Prepared(case, name, arithmetic, inputs, dict(case.modes), stored=dict(stored or {}), parts=turned)
    try:
        return measured(spec, bare, grads, outputs)
    except DltsymError as e:
        return replace(bare, problem=f"{type(e).__name__}: {e}")


def measured(spec: Spec, bare: Prepared, grads: Sequence[str] = (), outputs: Sequence[str] = ()) -> Prepared:
    """Add references and tolerances to the inputs of a case.

    Parameters
    ----------
    spec : Spec
        Statement.
    bare : Prepared
        Inputs, modes, type and contract.
    grads, outputs : sequence of str
        What is differentiated by and of.

    Returns
    -------
    Prepared
    """
    from dltsym.oracle.reference import reference
    from dltsym.oracle.tolerance import Tolerance, tolerance

    empty = any(x.size == 0 for x in bare.inputs.values())  # results have a shape and no entries to be off
    with np.errstate(all="ignore"):
        known = (bare.inputs, bare.modes, bare.arithmetic, stored_outputs(bare))
        allowed = Tolerance({}, {}, {}, {}, {}) if empty else tolerance(spec, *known)
        true = _sharp(bare, allowed.limit, lambda level: reference(spec, bare.inputs, bare.modes, level))
    wanted = tuple(g for g in grads if g in bare.inputs)
    done = replace(
        bare, values=dict(true.values), radius=dict(true.radius), tail=dict(true.tail), limit=dict(allowed.limit),
        sigma=dict(allowed.sigma), level=true.level, grads=wanted,
        unsupported={**allowed.unsupported, **true.unsupported},
    )  # fmt: skip
    return _with_gradients(spec, done, outputs) if wanted else done


def _with_gradients(spec: Spec, done: Prepared, outputs: Sequence[str]) -> Prepared:
    from dltsym.oracle.gradients import gradient_reference
    from dltsym.oracle.tolerance import gradient_tolerance

    smooth = [o.name for o in spec.outputs if not o.exact and (not outputs or o.name in outputs)]
    cotangents = {o: _cotangent(o, done) for o in smooth if o in done.values}
    spec = _only(spec, done.grads)
    types = {n[1:]: d for n, d in done.stored.items() if n[1:] in done.grads and n.startswith("d")}
    with np.errstate(all="ignore"):
        allowed = gradient_tolerance(spec, done.inputs, done.modes, cotangents, done.arithmetic, types, done.parts)
        limit = {n: x for n, x in allowed.limit.items() if n in done.grads}
        true = _sharp(done, limit, lambda level: gradient_reference(spec, done.inputs, done.modes, cotangents, level))
    keep = done.grads

    def named(found: Mapping[str, Array]) -> dict[str, Array]:
        return {f"d{n}": found[n] for n in keep if n in found}

    return replace(
        done,
        values={**done.values, **named(true.values)}, radius={**done.radius, **named(true.radius)},
        tail={**done.tail, **named(true.tail)}, limit={**done.limit, **named(allowed.limit)},
        sigma={**done.sigma, **named(allowed.sigma)}, cotangents=cotangents, level=_weaker(done.level, true.level),
        unsupported={**done.unsupported, **{f"d{n}": w for n, w in (allowed.unsupported | true.unsupported).items()}},
    )  # fmt: skip


@lru_cache(maxsize=128)
def _only(spec: Spec, grads: tuple[str, ...]) -> Spec:
    """Return the statement with fewer gradients: the others need not be computed."""
    return spec if set(spec.grads) <= set(grads) else replace(spec, grads=tuple(g for g in spec.grads if g in grads))


def stored_outputs(p: Prepared) -> dict[str, str]:
    """Return the types in which outputs come, without those of gradients.

    Parameters
    ----------
    p : Prepared
        Case.

    Returns
    -------
    dict of str to str
    """
    return {n: d for n, d in p.stored.items() if not (n.startswith("d") and n[1:] in p.inputs)}


def _sharp(p: Prepared, limit: Mapping[str, Array], evaluate: Callable[[str], Any]) -> Any:
    """Evaluate a reference; for a candidate in float64 in balls, where a certified run is not sharp enough."""
    true = evaluate("auto")
    entries = sum(x.size for x in p.inputs.values())
    if p.dtype != "float64" or true.level == "ball" or entries > SHARP or find_spec("flint") is None:
        return true
    wide = [n for n, x in limit.items() if n in true.radius and bool((true.radius[n] > x / 4).mean() > 0.1)]
    return evaluate("sharp") if wide else true


def _cotangent(output: str, done: Prepared) -> Array:
    rng = np.random.default_rng([done.case.seed, 7, zlib.crc32(output.encode())])
    return rounded(np.asarray(rng.standard_normal(done.values[output].shape)), done.dtype)


def _weaker(a: str, b: str) -> str:
    order = ("float64", "float64, certified", "ball")
    return min((a, b), key=lambda x: order.index(x) if x in order else 0)
