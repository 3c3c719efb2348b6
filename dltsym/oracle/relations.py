"""Run the relations and laws of a statement on a candidate; what they allow is the sum of both sides' tolerances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltsym.errors import DltsymError, InternalError
from dltsym.operators import Law, Relation
from dltsym.oracle import calls
from dltsym.oracle.blame import by_candidate, internal
from dltsym.oracle.calls import Outcome
from dltsym.oracle.candidate import Candidate, Misbehaved
from dltsym.oracle.cases import layouts
from dltsym.oracle.formats import Array, rounded, ulp
from dltsym.oracle.metrics import distance
from dltsym.oracle.prepare import Prepared, measured, stored_outputs
from dltsym.oracle.spec import Spec
from dltsym.oracle.verdicts import RelationResult

Values = Mapping[str, Array]
Who = tuple[Spec, Candidate]
TYPICAL = 3000
"""Product of the sizes of a case on which relations are run, about."""
NOTHING = "it leaves no entry to compare"
SIGNS = 4
"""Random patterns of signs in which errors are sent through a relation, besides all plus and all minus."""


def run_relations(
    spec: Spec,
    candidate: Candidate,
    prepared: Sequence[Prepared],
    cases: int = 2,
    known: Mapping[int, Outcome] | None = None,
) -> Iterator[RelationResult]:
    """Run every relation and law on the cases that suit it best, in every type.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    prepared : sequence of Prepared
        Cases with what is true of them.
    cases : int
        How many cases for each relation and type.
    known : mapping of int to Outcome, optional
        Results that are there already, by the `id` of the case.

    Yields
    ------
    RelationResult
        One that is skipped, with its reason, where no case suits.
    """
    for dtype in dict.fromkeys(p.dtype for p in prepared):
        own = sorted((p for p in prepared if p.dtype == dtype and not p.problem), key=_unsuited)
        for one in spec.relations:
            usable = [p for p in own if _applies(spec, one, p)]
            if not usable:
                yield RelationResult(one.name, dtype, "", "skip", message="no case that it applies to")
            for p in _spread_over_modes(usable, cases):
                yield run_one(spec, candidate, one, p, (known or {}).get(id(p)))


def run_one(
    spec: Spec, candidate: Candidate, one: Relation | Law, prepared: Prepared, known: Outcome | None = None
) -> RelationResult:
    """Run one relation or law on one case.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    one : Relation or Law
        What must hold.
    prepared : Prepared
        Case.
    known : Outcome, optional
        What the candidate gave for it.

    Returns
    -------
    RelationResult

    Raises
    ------
    InternalError
        When the oracle itself fails: nothing follows for the candidate.
    """
    blank = RelationResult(one.name, prepared.dtype, prepared.case.name, "pass")
    try:
        held = _law if isinstance(one, Law) else _relation
        with np.errstate(all="ignore"):
            first = known or _ran(lambda: calls.run(spec, candidate, prepared))
            return held((spec, candidate), one, prepared, blank, first)  # type: ignore[arg-type]
    except InternalError:
        raise
    except Misbehaved as e:
        return replace(blank, verdict="crash", message=str(e))
    except DltsymError as e:
        return replace(blank, verdict="skip", message=f"{type(e).__name__}: {e}")
    except Exception as e:  # a relation meets any shape that code not ours returns: what it cannot take is a crash
        if isinstance(e, KeyError) and e.args[0] in _not_returned(spec, candidate, prepared):
            text = f"it needs {e.args[0]}, which {candidate.name} does not return"
            return replace(blank, verdict="skip", message=text)
        return replace(blank, verdict="crash", message=f"{type(e).__name__}: {e}")


def _not_returned(spec: Spec, candidate: Candidate, prepared: Prepared) -> set[str]:
    """Name what a relation may look up and a candidate need not give: outputs, their cotangents, gradients."""
    outputs = {o.name for o in spec.outputs}
    return (outputs - set(candidate.outputs)) | {f"cotangent_{o}" for o in outputs} | {f"d{n}" for n in prepared.inputs}


# Laws


def _law(_who: Who, law: Law, p: Prepared, blank: RelationResult, outcome: Outcome) -> RelationResult:
    values = {**outcome.values, **{f"cotangent_{o}": c for o, c in p.cotangents.items()}}
    off = np.abs(np.asarray(law.residual(p.inputs, values), dtype=np.float64))
    allowed = np.asarray(law.allowed(p.inputs, values, p.limit), dtype=np.float64)
    return _judged(blank, off, np.broadcast_to(allowed, off.shape), "off by {:.6g}, allowed {:.3g}")


def _judged(blank: RelationResult, off: Array, allowed: Array, told: str) -> RelationResult:
    # numpy sums and products of the relation itself are exact to float64 only
    bad = ~(off <= allowed) | np.isnan(off)
    unknown = ~np.isfinite(allowed) & np.isfinite(off)
    if not off.size:
        return replace(blank, verdict="skip", message=NOTHING)
    if bool(unknown.all()):
        return replace(blank, verdict="ill", message="no tolerance is known")
    ratio = np.where(off == 0, 0.0, off / allowed)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    at = np.unravel_index(int(np.argmax(ratio)), off.shape)
    worst = float(ratio[at])
    if not bool((bad & ~unknown).any()):
        return replace(blank, ratio=worst)
    return replace(blank, verdict="fail", ratio=worst, message=told.format(float(off[at]), float(allowed[at])))


# Relations


def _relation(who: Who, one: Relation, p: Prepared, blank: RelationResult, first: Outcome) -> RelationResult:
    spec, candidate = who
    base, changed, exact = _changed(spec, one, p)
    modes = {**p.modes, **one.modes}
    before = dict(first.values) if base.inputs is p.inputs else _values(spec, candidate, base)
    before = {n: x for n, x in before.items() if n in candidate.outputs}
    after = tuple(_values(spec, candidate, replace(base, inputs=x, modes=modes)) for x in changed)
    wanted = dict(one.expect(before, base.inputs))
    read = one.read or (lambda found, _before: found[0])
    got = dict(read(after, before))
    compared = [o for o in wanted if o in got]
    if one.exact and candidate.kind == "kernel":  # only our own kernels promise bits; the theorem promises values
        return _bits(blank, {o: wanted[o] for o in compared}, got)
    allowed = _allowed(spec, one, base, changed, (before, after), modes)
    extra = {} if exact else _inexact(spec, one, base, changed, modes)
    results = []
    for name in compared:
        expected = np.asarray(wanted[name], dtype=np.float64)
        off = distance(got[name], expected, "float64")
        limit = np.broadcast_to(allowed.get(name, 0.0) + extra.get(name, 0.0), off.shape)
        use = ~np.isnan(expected)
        results.append(_judged(blank, off[use], limit[use], name + " is off by {:.6g}, allowed {:.3g}"))
    order = ("fail", "ill", "pass", "skip")
    nothing = replace(blank, verdict="skip", message=NOTHING)
    return min(results, key=lambda r: (order.index(r.verdict), -r.ratio), default=nothing)


def _changed(spec: Spec, one: Relation, p: Prepared) -> tuple[Prepared, tuple[Values, ...], bool]:
    """Return a base whose change is exact in the type if that can be had by coarser inputs, and the changed inputs."""
    reals = {i.name for i in spec.inputs if i.kind == "real"}
    inputs = dict(p.inputs)
    for attempt in range(4):
        long = {n: x.astype(np.longdouble) if n in reals else x for n, x in inputs.items()}
        given = one.change(dict(long))  # in extended precision, or a rounding to float64 would not be seen
        changed = given if isinstance(given, tuple) else (given,)
        snapped = tuple({n: _settled(x, p.dtype) if n in reals else x for n, x in c.items()} for c in changed)
        loose = {n for c, s in zip(changed, snapped, strict=True) for n in c if not _same(c[n], s[n])}
        if not loose or attempt == 3:
            break
        for n in loose & inputs.keys():
            largest = max(float(np.abs(c[n][np.isfinite(c[n])]).max(initial=0)) for c in changed)
            grid = float(ulp(largest, p.dtype)) * 2.0**attempt
            inputs[n] = np.where(np.isfinite(inputs[n]), np.rint(inputs[n] / grid) * grid, inputs[n])
    exact = not loose and (p.dtype != "float64" or np.finfo(np.longdouble).nmant > 60)
    if all(_same(inputs[n], p.inputs[n]) for n in inputs):
        return replace(p, grads=()), snapped, exact
    base = measured(spec, Prepared(p.case, p.dtype, p.arithmetic, inputs, p.modes, stored=p.stored))
    return base, snapped, exact


def _settled(x: Any, dtype: str) -> Array:
    with np.errstate(all="ignore"):
        return rounded(np.asarray(x).astype(np.float64), dtype)


def _allowed(
    spec: Spec,
    one: Relation,
    base: Prepared,
    changed: Sequence[Values],
    found: tuple[Values, tuple[Values, ...]],
    modes: Mapping[str, Any],
) -> dict[str, Array]:
    """Return the sum of both sides' tolerances, sent through the relation."""
    from dltsym.oracle.tolerance import tolerance

    before, after = found
    types = stored_outputs(base)
    limits = tuple(tolerance(spec, x, modes, base.arithmetic, types).limit for x in changed)
    limits = tuple({o: v for o, v in limit.items() if o in before} for limit in limits)
    own = {o: v for o, v in base.limit.items() if o in before}
    read = one.read or (lambda later, _before: later[0])
    total = _through(lambda x: one.expect(x, base.inputs), before, own)
    for k in range(len(after)):

        def with_call(x: Values, k: int = k) -> Mapping[str, Any]:
            return read((*after[:k], x, *after[k + 1 :]), before)

        for name, more in _through(with_call, after[k], limits[k]).items():
            total[name] = total.get(name, 0.0) + more
    if one.read is not None:
        for name, more in _through(lambda x: read(after, x), before, own).items():
            total[name] = total.get(name, 0.0) + more
    return total


def _through(f: Callable[[Values], Mapping[str, Any]], x: Values, limit: Values) -> dict[str, Array]:
    """Return how far the results of a function can move when each of its arguments moves by its limit."""
    rng = np.random.default_rng(0)
    start = {n: np.asarray(y, dtype=np.float64) for n, y in f(x).items()}
    total = {n: np.zeros(y.shape) for n, y in start.items()}
    for name, size in limit.items():
        most = {n: np.zeros(y.shape) for n, y in start.items()}
        for k in range(2 + SIGNS):
            sign = (1.0, -1.0)[k] if k < 2 else np.where(rng.random(x[name].shape) < 0.5, 1.0, -1.0)
            step = np.where(np.isfinite(size), size, 0.0) * sign
            for n, y in f({**x, name: x[name] + step}).items():
                move = np.abs(np.asarray(y, dtype=np.float64) - start[n])
                most[n] = np.maximum(most[n], np.where(np.isnan(move), 0.0, move))
        for n in total:
            total[n] = total[n] + most[n]
    return total


def _inexact(
    spec: Spec, one: Relation, base: Prepared, changed: Sequence[Values], modes: Mapping[str, Any]
) -> dict[str, Array]:
    """Return what the rounding of the changed inputs does to the relation, by references."""
    from dltsym.oracle.reference import reference

    before = base.values
    after = tuple(reference(spec, x, modes).values for x in changed)
    wanted = one.expect(before, base.inputs)
    got = one.read(after, before) if one.read else after[0]
    off = {n: distance(got[n], wanted[n], "float64") for n in wanted if n in got}
    return {n: np.where(np.isnan(wanted[n]), 0.0, x) for n, x in off.items()}


def _values(spec: Spec, candidate: Candidate, p: Prepared) -> dict[str, Array]:
    given = calls.tensors(spec, p.inputs, p.dtype, layouts(p.case), candidate.device)
    return dict(_ran(lambda: calls.call(candidate, given, p.modes)).values)


def _ran(call: Callable[[], Outcome]) -> Outcome:
    """Call a candidate: what it raises, whatever it is, must not be taken for a relation that does not apply."""
    try:
        return call()
    except Exception as e:  # code that is not ours raises anything: whatever it is becomes a crash
        if not (by_candidate(e) or isinstance(e, DltsymError)):
            raise InternalError(internal(e, "in a relation", "the candidate")) from e
        raise Misbehaved("relation", f"{type(e).__name__}: {e}") from e


def _bits(blank: RelationResult, wanted: Values, got: Values) -> RelationResult:
    if all(bool(np.isnan(np.asarray(x, dtype=np.float64)).all()) for x in wanted.values()):
        return replace(blank, verdict="skip", message=NOTHING)
    for name, expected in wanted.items():
        x, y = np.asarray(expected, dtype=np.float64), np.asarray(got[name], dtype=np.float64)
        if x.shape != y.shape:
            return replace(blank, verdict="fail", ratio=np.inf, message=f"{name}: shape {y.shape}, expected {x.shape}")
        wrong = ~((x == y) | np.isnan(x))
        if bool(wrong.any()):
            at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            told = f"{name}: {int(wrong.sum())} of {wrong.size} bits differ, {x[at]:.9g} became {y[at]:.9g}"
            return replace(blank, verdict="fail", ratio=np.inf, message=told)
    return blank


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(a, b, equal_nan=True)


# Cases


def _applies(spec: Spec, one: Relation | Law, p: Prepared) -> bool:
    modes = {n: values[0] for n, values in spec.modes.items()} | dict(p.modes)
    if isinstance(one, Law) and one.gradients and not p.grads:
        return False
    with np.errstate(all="ignore"):
        return one.when is None or bool(one.when(p.inputs, modes))


def _unsuited(p: Prepared) -> tuple[float, float]:
    size = float(np.prod([s for s in p.case.sizes.values()] or [1]))
    ones = sum(1 for s in p.case.sizes.values() if s == 1)
    return (len(p.case.values) + 2.0 * ones, abs(np.log(size / TYPICAL)))


def _spread_over_modes(usable: Sequence[Prepared], count: int) -> list[Prepared]:
    """Take cases with different modes first."""
    seen: dict[str, list[Prepared]] = {}
    for p in usable:
        seen.setdefault(repr(sorted(p.modes.items(), key=str)), []).append(p)
    queues, out = list(seen.values()), []
    while queues and len(out) < count:
        for queue in queues:
            out.append(queue.pop(0))
        queues = [q for q in queues if q]
    return out[:count]
