r"""The order of two Catoni bounds, asserted the wrong way round.

A unit test of a public code asserts that the bound minimised over all $\lambda$ without a union is at least the bound
on the grid. It is at most: the grid bound is the same formula with a larger complexity. At the point of that test the
two are 0.45487 and 0.45602.
"""

from dltsym import Scope, exp, log, value

v = Scope()
n, D = v.count("n", "training examples"), v.nonneg("D", "KL(posterior || prior)", unit="nat")
q, dlt = v.prob("q", "empirical risk"), v.prob("dlt", "failure probability", open=True, latex=r"\delta")
g, C = v.nonneg("g", "logarithm of lambda on the grid side"), v.pos("C", "lambda / n on the other side")
al = v.pos("al", "step of the grid", latex=r"\alpha")
x = v.let("x", q + (1 + al) * exp(-g) * (D + log(1 / dlt) + 2 * log(2 + g / log(1 + al))), "tilted risk")
grid = v.let("G", (1 - exp(-exp(g) / n * x)) / (1 - exp(-exp(g) / n)), "grid bound")
free = v.let("F", (1 - exp(-C * q - (D + log(1 / dlt)) / n)) / (1 - exp(-C)), "bound without a union")
point = {"n": 30000, "D": 1724, "q": "0.289307", "dlt": "0.05", "al": "0.0001"}

audit = v.audit(
    title="Optimised Catoni against Catoni on a grid",
    source=("lotfi2022", "public code, unit test of the Catoni bounds"),
    prints="the optimised bound is at least the grid bound",
    claim=grid <= free,
    at={**point, "g": "10", "C": "0.71772341822244"},
    verdict="refuted",
    corrected="The optimised value is smaller, and legal for point-mass posteriors only, by another theorem.",
    outputs={"free": free, "grid": grid},
    values=[
        value("0.45486601037176", "the least value over C", of="free", C="0.71772341822244", **point),
        value("0.456020366", "near the least value over the grid", of="grid", digits=9, g="9.9834", **point),
    ],
    see=("pac_bayes.catoni_grid", "pac_bayes.occam_kl", "information.kl_dual"),
)
