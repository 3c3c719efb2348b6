"""Verdicts of outputs, cases and whole checks, and the exit codes that follow; unknown never counts as pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dltsym.implementation import Case
from dltsym.oracle.metrics import Comparison

ORDER = ("crash", "timeout", "fail", "vacuous", "ill", "skip", "pass")
"""From the verdict that overrides all others to the one that needs all to agree."""
EXIT = {"pass": 0, "fail": 1, "vacuous": 3, "ill": 3, "skip": 3, "crash": 4, "timeout": 4}


@dataclass(frozen=True)
class CaseResult:
    """What a candidate made of one case in one type.

    Attributes
    ----------
    case : Case
        Input.
    dtype : str
        Type.
    verdict : str
        One of `ORDER`.
    comparisons : tuple of Comparison
        One for each output and gradient.
    message : str
        What is wrong, or why it was skipped.
    level : str
        How far the reference is known.
    replay : str
        Name under which the case can be run again.
    kind : str
        Of a crash: ``error``, ``map`` where a result does not fit the mapping, ``mutated``,
        ``unwritten``, ``sanitizer`` or what the candidate's door says.
    seconds : float
        Time of the candidate's call.
    """

    case: Case
    dtype: str
    verdict: str
    comparisons: tuple[Comparison, ...] = ()
    message: str = ""
    level: str = ""
    replay: str = ""
    kind: str = ""
    seconds: float = 0.0

    @property
    def worst(self) -> Comparison | None:
        """The comparison that decides: the first that fails, else the one with the largest ratio."""
        failed = [c for c in self.comparisons if c.verdict == "fail"]
        pool = failed or list(self.comparisons)
        return max(pool, key=lambda c: c.ratio, default=None)

    @property
    def output(self) -> str:
        """Output of the comparison that decides."""
        return self.worst.output if self.worst else ""

    @property
    def ratio(self) -> float:
        """Largest error in units of its tolerance."""
        return self.worst.ratio if self.worst else 0.0


@dataclass(frozen=True)
class RelationResult:
    """What a candidate made of a relation or law: in which type, on which case, how far off in units allowed."""

    name: str
    dtype: str
    case: str
    verdict: str
    ratio: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Canaries:
    """Null kernels that a check must reject: how many there were, and those that passed."""

    tried: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()


@dataclass(frozen=True)
class SelfTest:
    """Wrong formulas made from the statement: how many there were, and those that the check would not have caught.

    Attributes
    ----------
    tried, missed : tuple of str
        Formulas.
    equal : tuple of str
        Formulas whose values are those of the statement on all cases; they count nowhere.
    unseen : tuple of str
        Formulas that differ from the statement only for values of inputs that the mapping fixes; they count nowhere.
    floor : float
        Smallest share that has to be caught.
    """

    tried: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    floor: float = 0.5

    @property
    def enough(self) -> bool:
        """Whether enough wrong formulas are caught; true when there are none."""
        return not self.tried or len(self.tried) - len(self.missed) >= self.floor * len(self.tried)


@dataclass(frozen=True)
class Found:
    """Verdicts of a whole check.

    Attributes
    ----------
    cases : tuple of CaseResult
        Results.
    relations : tuple of RelationResult
        Relations and laws.
    canaries : Canaries or None
        Null kernels.
    selftest : SelfTest or None
        Wrong formulas.
    notes : tuple of str
        What failed besides: bits that differ between two runs, a ratio above its record.
    wanted : tuple of tuple of str
        Outputs and gradients, each with a type, that were asked for: all of them have to be judged.
    """

    cases: tuple[CaseResult, ...] = ()
    relations: tuple[RelationResult, ...] = ()
    canaries: Canaries | None = None
    selftest: SelfTest | None = None
    notes: tuple[str, ...] = field(default=())
    wanted: tuple[tuple[str, str], ...] = field(default=())


def described(case: Case, worst: Comparison) -> str:
    """Say in one line what is wrong with an output of a case.

    Parameters
    ----------
    case : Case
        Case.
    worst : Comparison
        Comparison that failed.

    Returns
    -------
    str
    """
    sizes = " ".join(f"{n}={s}" for n, s in case.sizes.items())
    modes = " ".join(f"{n}={v}" if v is not True else n for n, v in case.modes.items() if v is not False)
    where = " ".join(t for t in (case.name, sizes, modes, f"seed={case.seed}") if t)
    at = f"[{', '.join(map(str, worst.place))}]" if worst.place else ""
    told = f"expected {worst.expected:.6g}, got {worst.got:.6g}" if worst.expected == worst.expected else ""
    return f"{where}: {worst.output}{at} {', '.join(t for t in (told, worst.note) if t)}"


def of_outputs(comparisons: Sequence[Comparison]) -> str:
    """Return the verdict of a case from those of its outputs: one failure fails, one that is seen can pass.

    Parameters
    ----------
    comparisons : sequence of Comparison
        Outputs and gradients.

    Returns
    -------
    str
    """
    found = {c.verdict for c in comparisons if seen(c)}
    return "fail" if "fail" in found else "pass" if "pass" in found else "ill" if found else "vacuous"


def seen(c: Comparison) -> bool:
    """Tell whether a comparison says anything: one that passes without an entry does not.

    Parameters
    ----------
    c : Comparison
        Comparison.

    Returns
    -------
    bool
    """
    return c.count > 0 or c.verdict != "pass"


def of_row(comparisons: Iterable[Comparison]) -> str:
    """Return the verdict of several cases of one output: what cannot be judged does not count for it.

    Parameters
    ----------
    comparisons : iterable of Comparison
        Comparisons of one output in one type.

    Returns
    -------
    str
        A pass in which most entries could not be judged is ``ill``.
    """
    told = [c for c in comparisons if seen(c)]
    found = {c.verdict for c in told}
    first = next((v for v in ("crash", "timeout", "fail", "vacuous", "pass", "ill", "skip") if v in found), "vacuous")
    blind = 2 * sum(c.ill for c in told) > sum(c.count for c in told)
    return "ill" if first == "pass" and blind else first


def unjudged(found: Found) -> tuple[tuple[str, str], ...]:
    """Return what was asked for and stands in no comparison.

    Parameters
    ----------
    found : Found
        Everything.

    Returns
    -------
    tuple of tuple of str
        Outputs and gradients, each with its type.
    """
    known = {(c.output, r.dtype) for r in found.cases for c in r.comparisons}
    return tuple(pair for pair in found.wanted if pair not in known)


def _unjudged(found: Found, dtype: str) -> str:
    skipped = {r.verdict for r in found.cases if r.dtype == dtype} == {"skip"}
    return "skip" if skipped else "vacuous"


def overall(found: Found) -> str:
    """Return the verdict of a whole check.

    Parameters
    ----------
    found : Found
        Everything.

    Returns
    -------
    str
    """
    verdicts = [r.verdict for r in found.cases]
    rows: dict[tuple[str, str], list[Comparison]] = {}
    for r in found.cases:
        for c in r.comparisons:
            rows.setdefault((c.output, r.dtype), []).append(c)
    whole = [v for v in verdicts if v in ("crash", "timeout")]
    whole += [of_row(r) for r in rows.values()] or ["vacuous"]
    whole += [_unjudged(found, dtype) for _, dtype in unjudged(found)]
    whole += [r.verdict for r in found.relations if r.verdict in ("fail", "crash")]
    whole += ["fail"] * len(found.notes)
    blind = found.canaries is not None and bool(found.canaries.passed)
    if blind or (found.selftest is not None and not found.selftest.enough):
        whole.append("vacuous")
    return min(whole, key=ORDER.index)
