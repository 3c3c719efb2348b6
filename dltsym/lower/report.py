"""Findings: what the compiler could not make safe, said in `Kernel.report` and in the header of the source."""

from __future__ import annotations

from dataclasses import dataclass

FINDINGS = {
    "W01": "a weight under a logarithm or in a denominator may have any sign or be 0; the shifted form is used",
    "W02": "a difference of exponentials cancels where they are close",
    "W03": "looks like a variance, but its weights are not known to sum to a constant",
    "W04": "a difference of two reductions of like size cancels where they are close",
    "W05": "a product of exponentials in the logarithmic domain: the exact form holds all index triples in memory",
    "W06": "a triangular sum is computed with a mask, quadratic in its length",
    "W07": "the squared distance is expanded without a common centre",
    "W08": "an angle grows with an index; low precision loses it",
    "W09": "a difference of log-gamma or beta functions cancels",
    "W10": "the derivative is less stable than the value",
    "W11": "the order of contraction is frozen; at these sizes another order is twice as cheap",
    "W12": "an operand under a mask may not be finite there, and 0 * nan is nan",
    "W13": "order statistics are piecewise constant: their derivative is 0",
    "W14": "two equal contractions may not have been recognised as one",
    "W16": "the number of rounds depends on the data",
    "W17": "one factor may overflow where another underflows, and 0 * inf is nan",
}


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes
    ----------
    code : str
        A key of `FINDINGS`.
    where : str
        The expression it is about, as text.
    """

    code: str
    where: str

    def __str__(self) -> str:
        return f"{self.code} {FINDINGS[self.code]}: {self.where}"
