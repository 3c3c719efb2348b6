r"""A documented Catoni bound has lost its failure probability, and vanishes.

The documentation of a public library gives $(1 - e^{-\lambda R n})/\lambda + \mathrm{KL}/(\lambda n)$ as Catoni's
bound. No failure probability appears, and the value tends to 0 as $\lambda$ grows, whatever the empirical risk: at
$\lambda = 100$ a predictor that is always wrong would get a bound of 0.0101.
"""

from dltsym import Scope, exp, value

v = Scope()
n = v.count("n", "training examples")
lam = v.pos("lam", "parameter", latex=r"\lambda")
R = v.prob("R", "empirical risk, which is also the true one for a predictor that always errs")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
B = v.let("B", (1 - exp(-lam * R * n)) / lam + D / (lam * n), "printed bound")

audit = v.audit(
    title="Catoni's bound without a failure probability",
    source=("oxilean", "documentation of the learning-theory module"),
    prints="Catoni's bound as (1 - exp(-lambda R n))/lambda + KL/(lambda n)",
    claim=R <= B,
    at={"n": 100, "lam": 100, "R": 1, "D": 1},
    verdict="refuted",
    corrected="(1 - exp(-C r - (KL + log(1/delta))/n))/(1 - exp(-C)) with C fixed before the data.",
    outputs={"bound": B},
    values=[value("0.0101", "everything wrong, KL of 1 nat", of="bound", digits=12, n=100, lam=100, R=1, D=1)],
    see=("pac_bayes.catoni_fixed",),
)
