"""How many planted bugs a check of our kernels catches, kernel by kernel and type by type, and how often it cries wolf.

A mutant is observable unless its results agree bit for bit with those of the good kernel on the whole suite in every
type; those that do are listed with that evidence. The rate that counts is of the observable ones.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

from dltsym.errors import BrokenRecord, UnknownKey, suggest
from dltsym.implementation import DTYPES
from dltsym.oracle import mutants
from dltsym.oracle.hunting import Good, Hunted, Kill, good, hunt, kernels_of
from dltsym.oracle.mutants import Mutant
from dltsym.oracle.outcomes import VERDICTS, environment, stamp
from dltsym.pool import GuardedPool, TaskTimeout, WorkerDied, cores

ORDER = ("float32", "float64", "bfloat16", "float16")
"""Types in the order in which they are tried: logic shows in single and double precision first."""
FLOOR = 0.95
TASK = 1800.0
"""Seconds for one mutant on the whole suite, or for the truth of one kernel in one type."""
PRELOAD = ("torch", "dltsym.oracle.run", "dltsym.oracle.statement", "dltsym.oracle.adapters", "dltsym.oracle.hunting")
INTERPRETED = {"TRITON_INTERPRET": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
SCHEMA = 1
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Fate:
    """A mutant and what became of it."""

    mutant: Mutant
    hunted: Hunted

    @property
    def verdict(self) -> str:
        """``killed``, ``survived``, ``equivalent``, ``invalid`` if it does not run, ``unjudged`` without any case."""
        if self.hunted.invalid:
            return "invalid"
        if not self.hunted.runs and not self.hunted.kills:
            return "unjudged"
        if self.hunted.kills:
            return "killed"
        return "survived" if self.hunted.seen else "equivalent"


@dataclass(frozen=True)
class MutationReport:
    """What the hunt in one family found.

    Attributes
    ----------
    family : str
        Family.
    kernels, dtypes : tuple of str
        Kernels and types.
    fates : tuple of Fate
        Every mutant.
    good : tuple of Good
        The good kernels on the same cases.
    stop : bool
        Whether a hunt stopped at the first kill; then there are no rates by type.
    seconds : float
        Time.
    """

    family: str
    kernels: tuple[str, ...]
    dtypes: tuple[str, ...]
    fates: tuple[Fate, ...]
    good: tuple[Good, ...]
    stop: bool = True
    seconds: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)

    def count(self, verdict: str) -> int:
        """Count the mutants with a verdict.

        Parameters
        ----------
        verdict : str
            Verdict.

        Returns
        -------
        int
        """
        return sum(f.verdict == verdict for f in self.fates)

    @property
    def observable(self) -> int:
        """Mutants that change a result somewhere."""
        return self.count("killed") + self.count("survived")

    @property
    def alarms(self) -> tuple[str, ...]:
        """False alarms on good kernels and their twins."""
        return tuple(a for g in self.good for a in g.alarms)

    @property
    def runs(self) -> int:
        """Runs of good kernels and their twins."""
        return sum(g.runs + g.twins for g in self.good)

    @property
    def rate(self) -> float:
        """Share of the observable mutants that were caught."""
        return self.count("killed") / self.observable if self.observable else 1.0

    @property
    def ok(self) -> bool:
        """Whether enough are caught, none is broken, and no good kernel is accused."""
        broken = self.count("invalid") + self.count("unjudged")
        return self.rate >= FLOOR and not self.alarms and not broken and self.runs > 0

    def by_dtype(self, dtype: str) -> tuple[int, int]:
        """Return how many mutants were caught in a type, of how many that change a result in it.

        Parameters
        ----------
        dtype : str
            Type.

        Returns
        -------
        tuple of int
        """
        killed = {f.mutant.id for f in self.fates if any(k.dtype == dtype for k in f.hunted.kills)}
        seen = {f.mutant.id for f in self.fates if dtype in f.hunted.seen}
        return len(killed), len(killed | seen)

    def good_in(self, dtype: str) -> dict[str, float]:
        """Return how many runs of good kernels there were in a type, how many false alarms, and the seconds.

        Parameters
        ----------
        dtype : str
            Type.

        Returns
        -------
        dict
        """
        rows = [g for g in self.good if g.dtype == dtype]
        runs, alarms = sum(g.runs + g.twins for g in rows), sum(len(g.alarms) for g in rows)
        return {"runs": runs, "alarms": alarms, "seconds": round(sum(g.seconds for g in rows), 1)}

    def json(self) -> dict[str, Any]:
        """Return everything as data that `json.dumps` takes.

        Returns
        -------
        dict
        """
        whole = {
            "schema": SCHEMA, "family": self.family, "kernels": list(self.kernels), "dtypes": list(self.dtypes),
            "mutants": len(self.fates), "observable": self.observable, **{v: self.count(v) for v in VERDICTS},
            "rate": self.rate, "good_runs": self.runs, "false_alarms": list(self.alarms), "stop": self.stop,
            "seconds": round(self.seconds, 1), "ok": self.ok, **self.environment,
            "by_dtype": {} if self.stop else {d: list(self.by_dtype(d)) for d in self.dtypes},
            "good": {d: self.good_in(d) for d in self.dtypes},
            "fates": [
                {**asdict(f.hunted), "change": f.mutant.change, "verdict": f.verdict, "reason": f.mutant.equivalent}
                for f in self.fates
            ],
        }  # fmt: skip
        return json.loads(json.dumps(whole, default=str), parse_constant=str)

    def table(self) -> str:
        """Return the report as text: one line for each mutant that is not simply caught, then the counts.

        Returns
        -------
        str
        """
        return "\n".join([*(line(f) for f in self.fates if f.verdict != "killed"), *self._alarms(), self.summary()])

    def _alarms(self) -> list[str]:
        return [f"  false alarm  {a}" for a in self.alarms]

    def summary(self) -> str:
        """Return the counts in one line.

        Returns
        -------
        str
        """
        short = {long: s for s, long in DTYPES.items()}
        kinds = "" if self.stop else "; " + ", ".join(
            "{}: {} of {}".format(short[d], *self.by_dtype(d)) for d in self.dtypes
        )  # fmt: skip
        odd = "".join(f", {self.count(v)} {v}" for v in ("invalid", "unjudged") if self.count(v))
        return (
            f"{self.family}: {self.count('killed')} of {self.observable} observable mutants caught "
            f"({100 * self.rate:.0f} %), {self.count('equivalent')} equivalent{odd}{kinds}; "
            f"{len(self.alarms)} false alarms in {self.runs} runs; {self.seconds:.0f} s"
        )


def line(fate: Fate) -> str:
    """Return the fate of a mutant in one line.

    Parameters
    ----------
    fate : Fate
        Mutant and what became of it.

    Returns
    -------
    str
    """
    head = f"  {fate.verdict:11s}  {fate.mutant.id:6s} {fate.mutant.change}"
    if fate.verdict == "killed":
        kill = fate.hunted.kills[0]
        return f"{head}  [{kill.by} {kill.output} {kill.ratio:.3g}]".rstrip()
    if fate.verdict == "invalid":
        return f"{head}: {fate.hunted.invalid.splitlines()[0] if fate.hunted.invalid else ''}"
    if fate.verdict == "unjudged":
        return f"{head}: no case could be judged"
    if fate.verdict == "survived":
        return f"{head}: seen in {', '.join(fate.hunted.seen)}, never beyond a tolerance"
    told = f" ({fate.mutant.equivalent})" if fate.mutant.equivalent else ""
    return f"{head}: the same bits on {fate.hunted.runs} runs{told}"


def mutate(
    name: str,
    *,
    dtypes: Sequence[str] = ORDER,
    stop: bool = True,
    only: Sequence[str] = (),
    executor: Executor | None = None,
    jobs: int | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> MutationReport:
    """Hunt the mutants of a family.

    Parameters
    ----------
    name : str
        Family, or ``family.kernel`` for one of its kernels.
    dtypes : sequence of str
        Types.
    stop : bool
        Stop at the first kill of each mutant; otherwise at the first in each type, which gives rates by type.
    only : sequence of str
        Names of mutants; all by default.
    executor : Executor, optional
        Who runs the tasks; by default a `GuardedPool` whose processes interpret Triton.
    jobs : int, optional
        Number of processes, by default one per core.
    quick : bool
        Spare the good kernel its relations and its twin.
    progress : callable, optional
        Called with number done, total and a line.

    Returns
    -------
    MutationReport

    Raises
    ------
    BrokenRecord
        When an edit does not apply to the source of today.
    """
    start = time.perf_counter()
    family, kernel = split(name)
    before = stamp(family)  # a family that is edited while it is hunted gives a record that is stale at once
    chosen = [m for m in mutants.load(family) if not only or m.id in only]
    if bad := mutants.problems(mutants.folder_of(family), chosen):
        raise BrokenRecord(f"{family}/{mutants.FILE}: {'; '.join(bad)}")
    every = kernels_of(import_module(mutants.package_of(family)))
    kernels = tuple(k for k in every if not kernel or k == kernel)
    chosen = [m for m in chosen if not m.kernel or m.kernel in kernels]
    wanted = tuple(d for d in (DTYPES.get(d, d) for d in dtypes) if any(d in every[k].dtypes for k in kernels))
    pairs = [(k, d) for d in wanted for k in kernels if d in every[k].dtypes]
    with tempfile.TemporaryDirectory() as folder, _tasks(executor, jobs, len(chosen) + len(pairs)) as pool:
        told = _Told(progress, len(chosen) + len(pairs))
        goods = _settled({pool.submit(good, family, k, d, folder, quick): f"{k} {d}" for k, d in pairs}, told)
        tasks = {}
        for m in chosen:
            names = tuple(k for k in kernels if not m.kernel or k == m.kernel)
            tasks[pool.submit(hunt, family, m, names, wanted, folder, stop)] = m.id
        fates = _settled(tasks, told)
    lost = [
        Good(*label.split(), 0, (f"{label}: {type(x).__name__}: {x}",), 0.0)
        for label, x in goods.items()
        if not isinstance(x, Good)
    ]
    found = [g for g in goods.values() if isinstance(g, Good)]
    outcome = tuple(Fate(m, _hunted(m, fates[m.id])) for m in chosen)
    seconds = time.perf_counter() - start
    return MutationReport(family, kernels, wanted, outcome, (*found, *lost), stop, seconds, before | environment())


def split(name: str) -> tuple[str, str]:
    """Split ``family.kernel``; a family alone stands for all of its kernels.

    Parameters
    ----------
    name : str
        Name.

    Returns
    -------
    tuple of str

    Raises
    ------
    UnknownKey
        For a kernel that the family does not have.
    """
    family, _, kernel = name.rpartition(".")
    if not family or family not in mutants.families_with_mutants():
        return name, ""
    known = kernels_of(import_module(mutants.package_of(family)))
    if kernel not in known:
        raise UnknownKey(f"{family} has no kernel {kernel!r}{suggest(kernel, known)}; there are {', '.join(known)}")
    return family, kernel


class _Told:
    """Counts what is done."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self, label: str, value: Any) -> None:
        self.done += 1
        if self.progress is not None:
            lost = "killed" if isinstance(value, Hunted) and value.kills else ""
            state = "good" if isinstance(value, Good) else "failed" if isinstance(value, Exception) else lost
            self.progress(self.done, self.total, f"{label} {state}".strip())


def _settled(tasks: Mapping[Future[Any], str], told: _Told) -> dict[str, Any]:
    """Collect results; a task that hung or took its process down has its exception for a result."""
    out: dict[str, Any] = {}
    for future in as_completed(tasks):
        label = tasks[future]
        try:
            out[label] = future.result()
        except Exception as error:  # a kernel raises anything or ends its process: the report reads it off the result
            out[label] = error
        told(label, out[label])
    return out


def _hunted(mutant: Mutant, got: Any) -> Hunted:
    """Read a lost process as a kill: the interpreter runs the kernels in it, and the good one came back."""
    if isinstance(got, Hunted):
        return got
    if isinstance(got, TaskTimeout | WorkerDied):
        kill = Kill("", "", "process", "", float("inf"), str(got).splitlines()[0])
        return Hunted(mutant.id, (kill,))
    return Hunted(mutant.id, invalid=f"{type(got).__name__}: {got}")


@contextmanager
def _tasks(executor: Executor | None, jobs: int | None, count: int) -> Iterator[Executor]:
    """Give an executor whose processes interpret Triton: the variables are set before they start."""
    if executor is not None:
        yield executor
        return
    before = {name: os.environ.get(name) for name in INTERPRETED}
    os.environ.update(INTERPRETED)
    try:
        with GuardedPool(min(jobs or cores(), max(count, 1)), timeout=TASK, preload=PRELOAD, memory=0) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
