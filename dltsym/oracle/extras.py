"""What a check does besides its cases: relations, null kernels, wrong formulas, repeated runs, search, ratchet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from dltsym.errors import InternalError
from dltsym.implementation import Case
from dltsym.oracle import calls
from dltsym.oracle.bell import bell
from dltsym.oracle.blame import by_candidate, internal
from dltsym.oracle.calls import Outcome
from dltsym.oracle.canaries import run_canaries
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.cases import make_inputs
from dltsym.oracle.formats import FORMATS, full_name
from dltsym.oracle.formulas import selftest
from dltsym.oracle.hints import explained, one_by_one, unstable
from dltsym.oracle.prepare import Prepared
from dltsym.oracle.relations import run_relations
from dltsym.oracle.spec import Spec
from dltsym.oracle.verdicts import CaseResult, Found, RelationResult


@dataclass(frozen=True)
class Asked:
    """What a check was asked to do."""

    relations: bool = True
    canaries: bool = True
    selftest: bool = True
    search: float = 0.0
    corpus: Path | None = None
    seed: int = 0
    progress: Callable[[int, int, str], None] | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """A case with what is true of it, what the candidate gave, and the verdict."""

    prepared: Prepared
    outcome: Outcome | None
    result: CaseResult


@dataclass(frozen=True)
class Probe:
    """What one call tells of a candidate: the outputs that autograd can differentiate, and the types of its results."""

    smooth: tuple[str, ...]
    stored: Mapping[str, str]


def probe(spec: Spec, candidate: Candidate, dtype: str, cases: Sequence[Case], grads: Sequence[str] = ()) -> Probe:
    """Call a candidate once, on the cheapest case that it takes.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    dtype : str
        Type.
    cases : sequence of Case
        Cases.
    grads : sequence of str
        Inputs to differentiate by.

    Returns
    -------
    Probe
        Every output that is no integer, and no types, when no call gets that far: the cases will say why.
    """
    from dltsym.oracle.run import refusal

    every = tuple(o.name for o in spec.outputs if not o.exact and o.name in candidate.outputs)
    for case in sorted(cases, key=_work):
        if refusal(candidate, case, dtype):
            continue
        try:
            found = _called(spec, candidate, dtype, case, grads)
        except Exception:  # code that is not ours raises anything; the cases meet the error again as their verdict
            continue
        # A result in a coarser type than the contract says is not allowed the rounding to that type: it is wrong.
        least = FORMATS[full_name(candidate.arithmetic(full_name(dtype)).io)].precision
        fine = {n: d for n, d in found.dtypes.items() if d not in FORMATS or FORMATS[d].precision >= least}
        return Probe(tuple(o for o in every if o in found.smooth), fine)
    return Probe(every, {})


def _work(case: Case) -> tuple[int, int]:
    """Return what sorts cases by their cost: problems in the largest batch, then sizes."""
    return max((prod(b) for b in case.batch.values()), default=1), sum(case.sizes.values())


def _called(spec: Spec, candidate: Candidate, dtype: str, case: Case, grads: Sequence[str]) -> Outcome:
    inputs = make_inputs(spec, case, dtype, candidate.fixed)
    given = calls.tensors(spec, inputs, dtype, None, candidate.device)
    own = [g for g in grads if g in given]
    first = calls.call(candidate, given, case.modes, own)
    ones = {o: np.ones(first.values[o].shape) for o in first.smooth}
    given = calls.tensors(spec, inputs, dtype, None, candidate.device)
    return calls.call(candidate, given, case.modes, own, ones) if own and ones else first


def run(
    spec: Spec, candidate: Candidate, seen: Sequence[Seen], found: Found, asked: Asked
) -> tuple[Found, dict[str, Any]]:
    """Run everything besides the cases.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    seen : sequence of Seen
        Cases with what is true of them and what the candidate gave.
    found : Found
        Verdicts of the cases.
    asked : Asked
        What to do.

    Returns
    -------
    tuple
        Verdicts, and what the report shows besides.
    """
    more: dict[str, Any] = {}
    prepared = [s.prepared for s in seen]
    known = {id(s.prepared): s.outcome for s in seen if s.outcome is not None}
    stored = {s.prepared.dtype: dict(s.prepared.stored) for s in seen}
    rung = list(bell(spec, candidate, [s.result for s in seen], stored))
    more["notes"] = [str(r) for r in rung if not r.fails]
    found = replace(found, notes=(*repeated(spec, candidate, seen), *(str(r) for r in rung if r.fails)))
    if asked.relations and spec.relations:
        held = run_relations(spec, candidate, prepared, known=known)
        found = replace(found, relations=tuple(_reported(held, asked)))
    if asked.canaries:
        found = replace(found, canaries=run_canaries(spec, prepared, candidate.outputs))
    if asked.selftest:
        found = replace(found, selftest=selftest(spec, prepared, candidate.outputs, candidate.fixed))
    if asked.search > 0:
        found = _searched(spec, candidate, seen, (found, more), asked)
    failed = [
        (s.prepared, s.outcome, {c.output: c.verdict for c in s.result.comparisons})
        for s in seen
        if s.result.verdict == "fail" and s.outcome is not None
    ]
    if failed:
        more["hints"], more["diagnosis"] = explained(spec, failed)
    passed = [(s.prepared, s.outcome) for s in seen if s.result.verdict in ("pass", "ill") and s.outcome is not None]
    told = ((s.prepared, s.result.verdict, s.result.message) for s in seen)
    if words := one_by_one(spec, candidate, list(told)):
        more["hints"] = (words, *more.get("hints", ()))
    if lines := unstable(spec, passed):
        more["hints"] = (*more.get("hints", ()), *lines)
    return found, more


def kept(spec: Spec, candidate: Candidate, dtype: str, folder: Path, told: Probe) -> Iterator[Seen]:
    """Run a candidate on the inputs of the corpus.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    dtype : str
        Type.
    folder : Path
        Corpus.
    told : Probe
        Types of the candidate's results.

    Yields
    ------
    Seen
    """
    from dltsym.oracle import corpus
    from dltsym.oracle.run import tried

    for ready in corpus.prepared(folder, spec, dtype, candidate.arithmetic(dtype), (), told.stored):
        result, outcome = tried(spec, candidate, ready)
        yield Seen(ready, outcome, result)


def _searched(
    spec: Spec, candidate: Candidate, seen: Sequence[Seen], known: tuple[Found, dict[str, Any]], asked: Asked
) -> Found:
    """Search in every type; what fails is a case like any other, and the worst inputs are kept."""
    from dltsym.oracle.corpus import save
    from dltsym.oracle.run import judge
    from dltsym.oracle.search import search

    found, more = known
    types = list(dict.fromkeys(s.prepared.dtype for s in seen))
    more["search"] = []
    for dtype in types:
        stored = next((s.prepared.stored for s in seen if s.prepared.dtype == dtype), {})
        worst = search(spec, candidate, dtype, asked.search / len(types), seed=asked.seed, stored=stored)
        if worst is None:
            more["search"].append({"dtype": dtype, "tried": 0, "note": "the candidate took no batch of inputs"})
            continue
        result = judge(spec, candidate, worst.prepared)
        path = save(asked.corpus, spec, worst.prepared, worst.ratio) if asked.corpus is not None else None
        told = {"dtype": dtype, "tried": worst.tried, "rounds": worst.rounds, "ratio": result.ratio}
        more["search"].append(told | {"verdict": result.verdict, "kept": str(path or "")})
        found = replace(found, cases=(*found.cases, result))
    return found


def _reported(held: Iterator[RelationResult], asked: Asked) -> Iterator[RelationResult]:
    for done, r in enumerate(held):
        if asked.progress is not None:
            asked.progress(done, 0, f"relation {r.name}")
        yield r


def repeated(spec: Spec, candidate: Candidate, seen: Sequence[Seen]) -> Iterator[str]:
    """Run the largest case of each type again: the results must be the same bits.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    seen : sequence of Seen
        Cases and results.

    Yields
    ------
    str
        What differs.

    Raises
    ------
    InternalError
        When the oracle itself fails: nothing follows for the candidate.
    """
    largest: dict[str, Seen] = {}
    for one in seen:
        if one.outcome is not None and one.result.verdict != "crash":
            kept = largest.get(one.prepared.dtype)
            if kept is None or entries(one) > entries(kept):
                largest[one.prepared.dtype] = one
    for dtype, one in largest.items():
        try:
            again = calls.run(spec, candidate, one.prepared).values
        except Exception as e:  # code that is not ours raises anything: that the second run did is the finding
            if not by_candidate(e):
                raise InternalError(internal(e, f"in a second run of {one.prepared.case.name}", candidate.name)) from e
            yield f"a second run in {dtype} on {one.prepared.case.name} raised {type(e).__name__}: {e}"
            continue
        first = one.outcome.values if one.outcome else {}
        wrong = [n for n, x in first.items() if n not in again or not np.array_equal(x, again[n], equal_nan=True)]
        if wrong:
            yield f"two runs in {dtype} on {one.prepared.case.name} give different bits: {', '.join(wrong)}"


def entries(one: Seen) -> int:
    """Return how many numbers a case gives to the candidate.

    Parameters
    ----------
    one : Seen
        Case.

    Returns
    -------
    int
    """
    return sum(x.size for x in one.prepared.inputs.values())
