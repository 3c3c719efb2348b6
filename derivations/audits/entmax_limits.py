r"""Known limits of entmax by bisection.

What users of the library report, with the numbers of the issues. Not run here.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="Known limits of entmax by bisection",
    source=("peters2019", "library of the paper, issues 16, 17, 20 and 39"),
    prints="entmax_bisect is stable for every alpha and every mask",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Reports: ill-conditioned for alpha far above 2 (NaN losses), a learned alpha may drift below 1, "
    "scores of minus infinity must be removed.",
    see=("attention.entmax",),
)
