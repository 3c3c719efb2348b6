"""The hunt for planted bugs, as tasks for an executor: the truth is computed once, every mutant is judged by it.

A task is a pure function of plain data and of files in a folder of the run, so any executor on this machine can run it.
"""

from __future__ import annotations

import pickle
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from dltsym.implementation import Implementation, implementation_of
from dltsym.oracle import mutants
from dltsym.oracle.mutants import Mutant
from dltsym.oracle.trials import LIMIT, attempt, hurried, portable, ready, watched

BROKEN = (
    r"\b(NameError|SyntaxError|IndentationError|UnboundLocalError|AttributeError|ImportError|ModuleNotFoundError)\b"
)
"""What a bug that is no bug raises: the edit does not even run."""
ORDER_CASES = 6
"""Cases that are run in another order of programs: the largest, for two partial sums commute and three do not."""


@dataclass(frozen=True)
class Truth:
    """A prepared case, and the bits that the good kernel gives on it."""

    prepared: Any
    bits: str


@dataclass(frozen=True)
class Good:
    """What the good kernel and its twin made of all cases in one type; `twins` counts the runs of the twin."""

    kernel: str
    dtype: str
    runs: int
    alarms: tuple[str, ...]
    seconds: float
    twins: int = 0


@dataclass(frozen=True)
class Kill:
    """How a mutant was caught: in which type, by which case or relation, by what, how far from the limit."""

    kernel: str
    dtype: str
    by: str
    output: str
    ratio: float
    message: str


@dataclass(frozen=True)
class Hunted:
    """What became of a mutant.

    Attributes
    ----------
    id : str
        Mutant.
    kills : tuple of Kill
        At most one for each type.
    seen : tuple of str
        Types in which its results differ from those of the good kernel on some case.
    runs : int
        Cases run.
    invalid : str
        Why it is no mutant at all.
    seconds : float
        Time.
    """

    id: str
    kills: tuple[Kill, ...] = ()
    seen: tuple[str, ...] = ()
    runs: int = 0
    invalid: str = ""
    seconds: float = 0.0


def kernels_of(module: ModuleType) -> dict[str, Implementation]:
    """Return the kernels of a family by the name of their function.

    Parameters
    ----------
    module : module
        Family.

    Returns
    -------
    dict of str to Implementation
    """
    found = {name: implementation_of(f) for name, f in vars(module).items() if callable(f)}
    return {
        name: told for name, told in found.items()
        if told is not None and getattr(module, name).__module__.startswith(module.__name__)
    }  # fmt: skip


def good(family: str, kernel: str, dtype: str, folder: str, quick: bool = False) -> Good:
    """Prepare all cases of a kernel in one type, judge the good kernel and its twin, and keep what is true.

    Parameters
    ----------
    family, kernel, dtype : str
        Kernel and type.
    folder : str
        Where the truth is kept.
    quick : bool
        Leave out the relations and the twin.

    Returns
    -------
    Good
    """
    from dltsym.oracle import extras, prepare
    from dltsym.oracle.adapters import candidate
    from dltsym.oracle.cases import automatic
    from dltsym.oracle.formats import full_name
    from dltsym.oracle.statement import spec_of

    start = time.perf_counter()
    ready()
    module = import_module(mutants.package_of(family))
    function, told = getattr(module, kernel), kernels_of(module)[kernel]
    spec = spec_of(told.key)
    own = candidate(function, spec, name=f"{family}.{kernel}")
    cases = [c for c in told.cases or automatic(spec) if not c.dtypes or dtype in map(full_name, c.dtypes)]
    told_once = extras.probe(spec, own, dtype, cases, own.grads)
    seen: list[tuple[Any, str]] = []
    truths, alarms, twins = [], [], 0
    for case in cases:
        prepared = prepare.prepare(
            spec, case, dtype, own.arithmetic(dtype), own.grads, own.fixed, told_once.smooth, told_once.stored
        )
        one, bits = attempt(spec, own, prepared)
        seen.append((one, bits))
        truths.append(Truth(replace(prepared, case=portable(case)), bits))
        alarms += _alarm(one.result, "kernel")
        if told.reference is not None and not quick:
            twin = candidate(told.reference, spec, name=f"twin of {kernel}", told=replace(told, backend="torch"))
            alarms += _alarm(attempt(spec, twin, prepared)[0].result, "twin")
            twins += 1
    (Path(folder) / f"{kernel}-{dtype}.pickle").write_bytes(pickle.dumps(truths))
    if not quick:
        alarms += [f"{kill.by}: {kill.message}" for kill in _besides(spec, own, kernel, dtype, seen)]
    return Good(kernel, dtype, len(cases), tuple(alarms), time.perf_counter() - start, twins)


def hunt(
    family: str, mutant: Mutant, kernels: Sequence[str], dtypes: Sequence[str], folder: str, stop: bool = True
) -> Hunted:
    """Judge a mutant on all kept cases until it is caught.

    Parameters
    ----------
    family : str
        Family.
    mutant : Mutant
        Mutant.
    kernels, dtypes : sequence of str
        Kernels and types, in the order in which they are tried.
    folder : str
        Where the truth was kept.
    stop : bool
        Stop at the first kill; otherwise at the first kill in each type.

    Returns
    -------
    Hunted
    """
    from dltsym.oracle.adapters import candidate
    from dltsym.oracle.statement import spec_of

    start = time.perf_counter()
    ready()
    kills: list[Kill] = []
    seen: dict[str, None] = {}
    runs = 0
    with tempfile.TemporaryDirectory() as place:
        try:
            module = mutants.opened(mutants.write(family, mutant, Path(place)), Path(place))
        except Exception as error:  # an edited source raises anything: it is counted as invalid, never as killed
            return Hunted(mutant.id, invalid=f"{type(error).__name__}: {error}")
        for dtype in dtypes:
            for kernel in kernels:
                kept = Path(folder) / f"{kernel}-{dtype}.pickle"
                if not kept.is_file():  # a type that this kernel does not take, or a good kernel that was lost
                    continue
                spec = spec_of(kernels_of(module)[kernel].key)
                own = candidate(getattr(module, kernel), spec, name=f"{family}.{kernel} {mutant.id}")
                truths = pickle.loads(kept.read_bytes())
                found, differs, done, invalid = _chase(spec, own, kernel, dtype, truths)
                runs += done
                if invalid:
                    return Hunted(mutant.id, runs=runs, invalid=invalid)
                if differs:
                    seen[dtype] = None
                if found is not None:
                    kills.append(found)
                    break
            if kills and stop:
                break
    return Hunted(mutant.id, tuple(kills), tuple(seen), runs, seconds=time.perf_counter() - start)


def _chase(spec: Any, own: Any, kernel: str, dtype: str, truths: Sequence[Truth]) -> tuple[Kill | None, bool, int, str]:
    """Judge one mutant in one type: cases first, then relations and orders of programs."""
    differs = False
    seen: list[tuple[Any, str]] = []
    for done, truth in enumerate(truths, 1):
        one, bits = attempt(spec, own, truth.prepared)
        seen.append((one, bits))
        result = one.result
        differs |= bits != truth.bits
        if result.verdict == "crash" and result.kind == "error" and re.search(BROKEN, result.message):
            return None, differs, done, result.message
        if result.verdict in ("fail", "crash", "timeout"):
            ratio = float(result.ratio)
            return Kill(kernel, dtype, result.replay, result.output, ratio, result.message), True, done, ""
    for kill in _besides(spec, own, kernel, dtype, seen):
        return kill, True, len(truths), ""
    return None, differs, len(truths), ""


def _besides(spec: Any, own: Any, kernel: str, dtype: str, seen: Sequence[tuple[Any, str]]) -> Iterator[Kill]:
    """Run relations, laws and repeated runs, then other orders of programs; yield what fails."""
    from dltsym.oracle import extras
    from dltsym.oracle.verdicts import Found

    usable = [pair for pair in seen if not pair[0].prepared.problem]
    with watched(), hurried(20 * LIMIT):
        asked = extras.Asked(canaries=False, selftest=False)
        found, _ = extras.run(spec, own, [one for one, _ in usable], Found(()), asked)
    for r in found.relations:
        if r.verdict in ("fail", "crash", "timeout"):
            yield Kill(kernel, dtype, f"relation {r.name} on {r.case}", "", float(r.ratio), r.message)
    for note in found.notes:
        yield Kill(kernel, dtype, "notes", "", float("nan"), note)
    usable.sort(key=lambda pair: -extras.entries(pair[0]))
    for one, bits in usable[:ORDER_CASES]:
        if attempt(spec, own, one.prepared, order="reverse")[1] != bits:
            by = f"order of programs on {one.prepared.case.name}"
            yield Kill(kernel, dtype, by, "", float("nan"), "the bits depend on the order of programs")


def _alarm(result: Any, who: str) -> list[str]:
    wrong = result.verdict in ("fail", "crash", "timeout")
    return [f"{who} on {result.replay}: {result.message}"] if wrong else []
