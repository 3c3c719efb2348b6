r"""Defaults of a fused Sinkhorn library.

Points to check before two results are compared. Read in the repository, not run.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="Defaults of a fused Sinkhorn library",
    source=("flashsinkhorn2026", "README and code"),
    prints="the README describes the defaults",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Squared Euclidean costs only; the README's default for debiasing differs from the code; reduced-"
    "precision products are on by default; two back ends end at different potentials (a gauge), so "
    "compare plans.",
    see=("attention.sinkhorn",),
)
