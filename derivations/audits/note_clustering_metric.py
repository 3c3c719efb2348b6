r"""The printed "effective number of clusters" does not count clusters.

The note averages the similarity of each token to all tokens, itself included, and returns the mean of $1/(1 - \bar
s_i)$. For $k$ equal orthogonal clusters that is $k/(k-1)$, which falls as clusters are added and diverges for one
cluster. Twelve tokens in three clusters of four give 1.5, not 3; $n^2/\lVert S\rVert_F^2$ gives 3.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
k = v.count("k", "number of orthogonal clusters")
per = v.count("per", "tokens in each cluster")
metric = v.real("metric", "value returned by the printed function")
right = v.real("right", "tokens squared over the squared Frobenius norm of the Gram matrix")


def fixture(m, k, per):
    """Evaluate the printed metric, and a correct one, on k orthogonal clusters of equal size."""
    k, per = int(k), int(per)
    n = k * per
    gram = [[1 if i // per == j // per else 0 for j in range(n)] for i in range(n)]
    means = [m.number(Fraction(sum(row), n)) for row in gram]
    guard = m.number(1e-8)
    return {
        "metric": sum(1 / (1 - s + guard) for s in means) / n,
        "right": m.number(n * n) / m.number(sum(x * x for row in gram for x in row)),
    }


audit = v.audit(
    title="The printed clustering metric does not count clusters",
    source=("note000", "section 2, function compute_clustering_metrics"),
    prints="the mean of 1/(1 - mean similarity) is the effective number of clusters",
    claim=(metric - k) ** 2 <= Fraction(1, 100),
    at={"k": 3, "per": 4},
    fixture=fixture,
    verdict="refuted",
    corrected="Use n^2 / ||S||_F^2, or the exponential of the spectral entropy of S/n; both equal k here.",
    outputs={"metric": metric, "right": right},
    values=[
        value("1.5", "three clusters of four", of="metric", digits=7, k=3, per=4),
        value("3", "three clusters of four", of="right", digits=12, k=3, per=4),
    ],
    see=("particles.equiangular_ode",),
)
