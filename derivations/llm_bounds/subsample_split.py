r"""How to split the failure probability between documents and subsample.

The share $\rho$ of $\delta$ goes to the bound on $n$ documents, the rest to the $K$ indices. The derivative of the
sum of both radii is a difference of two terms; for $\delta < e^{-1/2}$ it grows with $\rho$, so that its zero is the
best share. The public code takes $\rho = K/(K + n)$ and loses at most $2 \cdot 10^{-6}$ of the range on its sizes.
"""

from dltsym import Eq, Scope, diff, log, sqrt, value

v = Scope()
n, K = v.count("n", "documents"), v.count("K", "indices of the subsample")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
rho = v.prob("rho", "share of it for the documents", open=True, latex=r"\rho")
D = v.nonneg("D", "cost of the model used, log(1/P)", unit="nat")


first, second = sqrt((D - log(rho * dlt)) / (2 * n)), sqrt(-log((1 - rho) * dlt) / (2 * K))


def excess(m, n, K, D, dlt):
    """Compare the share of the public code with the best one: the sum of the two roots is convex in the share."""

    def of(rho):
        return m.sqrt((D - m.log(rho * dlt)) / (2 * n)) + m.sqrt(-m.log((1 - rho) * dlt) / (2 * K))

    def slope(rho):
        first, second = m.sqrt((D - m.log(rho * dlt)) / (2 * n)), m.sqrt(-m.log((1 - rho) * dlt) / (2 * K))
        return 1 / (4 * K * (1 - rho) * second) - 1 / (4 * n * rho * first)

    share = m.number(K) / (K + n)
    return {"excess": of(share) - of(m.root(slope, share / 10**6, 1 - m.number(1) / 10))}


theorem = v.theorem(
    title="Best split of the failure probability",
    cite=("lotfi2024", "subsampled bound in the public code; the comparison is derived here"),
    claim=Eq(diff(first + second, rho), 1 / (4 * K * (1 - rho) * second) - 1 / (4 * n * rho * first)),
    outputs={"factor": first + second},
    algorithm=excess,
    computes=("excess",),
    values=[
        value(number, "shipped sizes", of="excess", n=8009762, K=10000, D=cost, dlt="0.05")
        for cost, number in [(10000, "4.09318550571e-7"), (1000000, "2.04683087711e-6")]
    ],
)
