"""Run a candidate on cases and hold it against the statement: prepare what is true once, judge as often as needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dltsym.errors import DomainError, InternalError, KernelMapError
from dltsym.implementation import Case
from dltsym.oracle import calls
from dltsym.oracle.blame import by_candidate, internal
from dltsym.oracle.calls import Outcome
from dltsym.oracle.candidate import Candidate, Misbehaved
from dltsym.oracle.cases import automatic, replay
from dltsym.oracle.formats import FORMATS, Array, full_name
from dltsym.oracle.metrics import Comparison, compare, compare_exactly
from dltsym.oracle.prepare import Prepared, measured, prepare
from dltsym.oracle.report import Report, environment
from dltsym.oracle.spec import Spec
from dltsym.oracle.verdicts import CaseResult, Found, described, of_outputs

__all__ = ["Prepared", "check", "judge", "judged", "measured", "prepare", "refusal", "run_case", "tried"]
Progress = Callable[[int, int, str], None]


def judge(spec: Spec, candidate: Candidate, prepared: Prepared) -> CaseResult:
    """Run a candidate on a prepared case and compare.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    prepared : Prepared
        What is true.

    Returns
    -------
    CaseResult
    """
    return tried(spec, candidate, prepared)[0]


def tried(spec: Spec, candidate: Candidate, prepared: Prepared) -> tuple[CaseResult, Outcome | None]:
    """Run a candidate on a prepared case, compare, and keep what it gave.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    prepared : Prepared
        What is true.

    Returns
    -------
    tuple
        Verdict, and the results; None where there are none.

    Raises
    ------
    InternalError
        When the oracle itself fails on the way to the candidate or back: nothing follows for the candidate.
    """
    told = replay(spec, prepared.case, prepared.dtype)
    blank = CaseResult(prepared.case, prepared.dtype, "skip", level=prepared.level, replay=told)
    if prepared.problem:
        return replace(blank, verdict="ill", message=f"no reference or tolerance: {prepared.problem}"), None
    refused = refusal(candidate, prepared.case, prepared.dtype)
    if refused:
        return replace(blank, message=refused), None
    start = time.perf_counter()
    try:
        outcome = calls.run(spec, candidate, prepared)
    except Misbehaved as e:
        return replace(blank, verdict="crash", message=str(e), kind=e.kind), None
    except KernelMapError as e:
        return replace(blank, verdict="crash", message=f"{type(e).__name__}: {e}", kind="map"), None
    except Exception as e:  # the door to code that is not ours: whatever it raises is its verdict
        if not by_candidate(e):
            raise InternalError(internal(e, f"in the case {told}", candidate.name)) from e
        return replace(blank, verdict="crash", message=f"{type(e).__name__}: {e}", kind="error"), None
    seconds = time.perf_counter() - start
    return judged(spec, candidate, prepared, outcome, replace(blank, seconds=seconds)), outcome


def judged(spec: Spec, candidate: Candidate, prepared: Prepared, outcome: Outcome, blank: CaseResult) -> CaseResult:
    """Compare the results of a candidate with what is true.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    prepared : Prepared
        What is true.
    outcome : Outcome
        Results.
    blank : CaseResult
        What is known besides.

    Returns
    -------
    CaseResult
    """
    found = tuple(comparisons(spec, candidate.outputs, prepared, outcome))
    verdict = of_outputs(found)
    result = replace(blank, verdict=verdict, comparisons=found)
    if verdict != "fail" or result.worst is None:
        return result
    return replace(result, message=described(result.case, result.worst))


def comparisons(spec: Spec, outputs: Sequence[str], prepared: Prepared, outcome: Outcome) -> list[Comparison]:
    """Compare every output and gradient.

    Parameters
    ----------
    spec : Spec
        Statement.
    outputs : sequence of str
        Outputs that the candidate returns.
    prepared : Prepared
        What is true.
    outcome : Outcome
        Results.

    Returns
    -------
    list of Comparison
    """
    found = []
    exact = {o.name for o in spec.outputs if o.exact}
    axes = {o.name: len(o.axes) for o in spec.outputs}
    for name in (*outputs, *(f"d{g}" for g in prepared.grads)):
        if name in prepared.unsupported or name not in prepared.values:
            found.append(Comparison(name, verdict="ill", note=prepared.unsupported.get(name, "no reference")))
        elif name not in outcome.values:
            found.append(Comparison(name, verdict="fail", ratio=np.inf, note="not returned"))
        elif name in exact:
            got, expected = outcome.values[name], prepared.values[name]
            explained = None if np.array_equal(got, expected) else _ties(spec, prepared, name, got)
            found.append(compare_exactly(name, got, expected, explained))
        else:
            found.append(_compared(name, prepared, outcome, axes.get(name, -1)))
    return found


def _compared(name: str, prepared: Prepared, outcome: Outcome, axes: int) -> Comparison:
    expected, got = prepared.values[name], outcome.values[name]
    own = expected.shape[expected.ndim - axes :] if axes >= 0 else None
    if got.shape != expected.shape and own is not None and got.shape[got.ndim - axes :] == own:
        lead = np.broadcast_shapes(got.shape, expected.shape)  # an output that a batched input does not touch
        got = np.broadcast_to(got, expected.shape) if lead == expected.shape else got
    return compare(
        name, got, expected, prepared.limit.get(name, np.full(expected.shape, np.nan)),
        coarser(outcome.dtypes[name], prepared.arithmetic.acc), radius=prepared.radius.get(name, 0.0),
        tail=prepared.tail.get(name, 0.0), sigma=prepared.sigma.get(name), ftz=prepared.arithmetic.ftz,
    )  # fmt: skip


def coarser(a: str, b: str) -> str:
    """Return the type with the fewer bits; a result in double precision may come from an inverted mapping.

    Parameters
    ----------
    a, b : str
        Types.

    Returns
    -------
    str
    """
    return min((full_name(a), full_name(b)), key=lambda d: FORMATS[d].precision)


def _ties(spec: Spec, prepared: Prepared, name: str, got: Array) -> Any:
    # Right for inputs that differ by rounding errors only. Equal entries stay equal: a tie of equal scores is still
    # decided by the rule of the statement.
    from dltsym.oracle.reference import reference

    unit = FORMATS[prepared.arithmetic.acc].unit
    explained = np.zeros(got.shape, dtype=bool)
    if got.shape != prepared.values[name].shape:
        return explained
    kinds = {i.name: i.kind for i in spec.inputs}
    for k in range(12):
        rng = np.random.default_rng([prepared.case.seed, k, 11])
        near = {}
        for n, x in prepared.inputs.items():
            distinct, place = np.unique(x, return_inverse=True)
            noise = rng.uniform(-1, 1, distinct.shape) * 2.0 ** (k % 4) * unit
            near[n] = x * (1 + noise[place].reshape(x.shape)) if kinds[n] == "real" else x
        with np.errstate(all="ignore"):
            other = reference(spec, near, prepared.modes, level="float64").values[name]
        explained |= other == got
    return explained


def settled(spec: Spec, candidate: Candidate, case: Case) -> Case:
    """Give the modes that a case leaves open the value that a candidate takes, where it does not take the default.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate, whose mapping may have fixed a mode.
    case : Case
        Case.

    Returns
    -------
    Case
    """
    taken = candidate.modes or {}
    own = {
        name: taken[name][0]
        for name, values in spec.modes.items()
        if name not in case.modes and taken.get(name) and values[0] not in taken[name]
    }
    return replace(case, modes={**case.modes, **own}) if own else case


def refusal(candidate: Candidate, case: Case, dtype: str) -> str:
    """Return why a candidate does not take a case, or nothing.

    Parameters
    ----------
    candidate : Candidate
        Candidate.
    case : Case
        Case.
    dtype : str
        Type.

    Returns
    -------
    str
    """
    if candidate.dtypes and full_name(dtype) not in {full_name(d) for d in candidate.dtypes}:
        return f"{candidate.name} does not take {dtype}"
    taken = candidate.modes
    for name, value in case.modes.items():
        if taken is not None and name not in taken:
            return f"{candidate.name} has no {name}"
        if taken is not None and value not in taken[name]:
            return f"{candidate.name} does not take {name} = {value!r}"
    return ""


def hung(results: Sequence[CaseResult]) -> str:
    """Return why no more is run after two calls that had to be stopped, or nothing.

    Parameters
    ----------
    results : sequence of CaseResult
        What came so far.

    Returns
    -------
    str
    """
    stopped = [r for r in results if r.message.startswith("TimeoutError")]
    return f"not run: {stopped[0].case.name} and {stopped[1].case.name} had to be stopped" if stopped[1:] else ""


def _detached(spec: Spec, candidate: Candidate, probes: Mapping[str, Any]) -> list[str]:
    """Say through which outputs no gradient was taken: autograd does not reach them."""
    real = [o.name for o in spec.outputs if not o.exact and o.name in candidate.outputs]
    names = dict.fromkeys(o for told in probes.values() for o in real if o not in told.smooth)
    return [f"gradients through {', '.join(names)} are untested: the callable detaches them"] if names else []


def run_case(
    spec: Spec, candidate: Candidate, case: Case, dtype: str, grads: Sequence[str] = (), outputs: Sequence[str] = ()
) -> CaseResult:
    """Check a candidate on one case.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    case : Case
        Case.
    dtype : str
        Type.
    grads : sequence of str
        Inputs to differentiate by.
    outputs : sequence of str
        Outputs that are differentiated; all that the candidate returns by default.

    Returns
    -------
    CaseResult
    """
    arithmetic, smooth = candidate.arithmetic(full_name(dtype)), outputs or candidate.outputs
    case = settled(spec, candidate, case)
    ready = prepare(spec, case, dtype, arithmetic, grads, candidate.fixed, smooth, parts=candidate.parts)
    return judge(spec, candidate, ready)


def check(
    spec: Spec,
    candidate: Candidate,
    *,
    dtypes: Sequence[str],
    cases: Sequence[Case] | None = None,
    seed: int = 0,
    grads: Sequence[str] = (),
    relations: bool = True,
    canaries: bool = True,
    selftest: bool = True,
    search: float = 0.0,
    corpus: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Hold a candidate against a statement.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    dtypes : sequence of str
        Types.
    cases : sequence of Case, optional
        Inputs; automatic ones by default.
    seed : int
        Added to the seed of every case.
    grads : sequence of str
        Inputs to differentiate by.
    relations, canaries, selftest : bool
        Whether to run relations and laws, null kernels, wrong formulas.
    search : float
        Seconds to spend on the search for worse inputs.
    corpus : Path, optional
        Folder of inputs that searches have found: they are run too, and new ones are kept there.
    progress : callable, optional
        Called before each case with how many are done, how many there are, and a label.

    Returns
    -------
    Report
        It passes only if every output that the candidate returns, and every gradient asked for, is judged in each type.

    Raises
    ------
    DomainError
        When a gradient is asked for that the statement does not have.
    """
    from dltsym.oracle import extras

    reals = [i.name for i in spec.inputs if i.kind == "real"]
    if wrong := [g for g in grads if g not in reals]:
        raise DomainError(f"{spec.key} has no gradient by {wrong[0]}; its real inputs are {', '.join(reals)}")
    offered = automatic(spec) if cases is None else cases
    chosen = [replace(settled(spec, candidate, c), seed=c.seed + seed) for c in offered]
    todo = [(d, c) for d in map(full_name, dtypes) for c in chosen if not c.dtypes or d in map(full_name, c.dtypes)]
    probes = {d: extras.probe(spec, candidate, d, [c for e, c in todo if e == d], grads) for d in {d for d, _ in todo}}
    results, seen = [], []
    for done, (dtype, case) in enumerate(todo):
        if progress is not None:
            progress(done, len(todo), replay(spec, case, dtype))
        if refused := refusal(candidate, case, dtype) or hung(results):
            results.append(CaseResult(case, dtype, "skip", message=refused, replay=replay(spec, case, dtype)))
            continue
        arithmetic, told = candidate.arithmetic(dtype), probes[dtype]
        known = (candidate.fixed, told.smooth, told.stored, candidate.parts)
        ready = prepare(spec, case, dtype, arithmetic, grads, *known)
        result, outcome = tried(spec, candidate, ready)
        results.append(result)
        seen.append(extras.Seen(ready, outcome, result))
    if corpus is not None:
        more_seen = [s for d, told in probes.items() for s in extras.kept(spec, candidate, d, corpus, told)]
        seen, results = [*seen, *more_seen], [*results, *(s.result for s in more_seen)]
    ran = any(s.outcome is not None for s in seen)
    asked = extras.Asked(relations and ran and not hung(results), canaries, selftest, search, corpus, seed, progress)
    results_of = (*candidate.outputs, *(f"d{g}" for g in grads))
    wanted = tuple((name, d) for d in dict.fromkeys(map(full_name, dtypes)) for name in results_of)
    found, more = extras.run(spec, candidate, seen, Found(tuple(results), wanted=wanted), asked)
    if grads:
        more["notes"] += _detached(spec, candidate, probes)
    return Report(spec, candidate, found, environment(candidate), more)
