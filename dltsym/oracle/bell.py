"""The alarm bell for kernels of others: an error that rounding at random would hardly make, although it is allowed.

The tolerance that decides is a bound to first order. The standard deviation of the rounding errors is far smaller, but
it rests on an order of summation that nobody knows of a kernel of others. Beyond six deviations fresh inputs decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dltsym.oracle.candidate import Candidate
from dltsym.oracle.formats import SHORT
from dltsym.oracle.prepare import prepare
from dltsym.oracle.spec import Spec
from dltsym.oracle.verdicts import CaseResult

DEVIATIONS = 6.0
"""Deviations beyond which the bell rings."""
FRESH, MOST = 4, 2
"""How many fresh inputs are drawn then, and how many of all may not be beyond."""
AWAY = 7919
"""Added to the seed of a case for each fresh input."""


@dataclass(frozen=True)
class Rung:
    """An output on which the bell rang: on how many of how many inputs, and whether that is a failure."""

    output: str
    dtype: str
    case: str
    z: float
    beyond: int
    drawn: int

    @property
    def fails(self) -> bool:
        """Whether too many inputs are beyond."""
        return self.beyond >= MOST

    def __str__(self) -> str:
        text = f"{self.output} in {SHORT[self.dtype]} on {self.case} is off by {self.z:.1f} standard deviations"
        return f"{text}; {self.beyond} of {self.drawn} inputs are beyond {DEVIATIONS:g}"


def bell(
    spec: Spec, candidate: Candidate, results: Sequence[CaseResult], stored: dict[str, dict[str, str]] | None = None
) -> Iterator[Rung]:
    """Draw fresh inputs wherever a result that is allowed is unlikely.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate; kernels of this package have contracts of their own and are left alone.
    results : sequence of CaseResult
        Its results.
    stored : dict, optional
        By type, the types in which it returns its results.

    Yields
    ------
    Rung
    """
    if candidate.kind == "kernel":
        return
    worst: dict[tuple[str, str], tuple[float, CaseResult]] = {}
    for result in results:
        for c in result.comparisons:
            place = (c.output, result.dtype)
            if c.verdict == "pass" and c.z > max(DEVIATIONS, worst.get(place, (0.0, None))[0]):
                worst[place] = (c.z, result)
    for (output, dtype), (z, result) in worst.items():
        told = (stored or {}).get(dtype, {})
        again = [_again(spec, candidate, result, output, told, k) for k in range(1, FRESH + 1)]
        beyond = 1 + sum(x is None or x > DEVIATIONS for x in again)
        yield Rung(output, dtype, result.case.name, z, beyond, FRESH + 1)


def _again(
    spec: Spec, candidate: Candidate, result: CaseResult, output: str, stored: dict[str, str], k: int
) -> float | None:
    """Return the deviations on a fresh input; None, which counts against the candidate, where it cannot be judged."""
    from dltsym.oracle.run import judge

    case = replace(result.case, seed=result.case.seed + AWAY * k)
    arithmetic = candidate.arithmetic(result.dtype)
    found = judge(spec, candidate, prepare(spec, case, result.dtype, arithmetic, (), candidate.fixed, (), stored))
    return next((c.z for c in found.comparisons if c.output == output and c.verdict == "pass"), None)
