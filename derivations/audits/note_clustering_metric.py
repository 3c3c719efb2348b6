r"""The printed "effective number of clusters" does not count clusters.

The note averages the similarity of each token to all tokens, itself included, and returns the mean of $1/(1 - \bar
s_i)$. For $k$ equal orthogonal clusters that is $k/(k-1)$, which falls as clusters are added and diverges for one
cluster. Twelve tokens in three clusters of four give 1.5, not 3; $n^2/\lVert S\rVert_F^2$ gives 3. The function also
returns one number for a whole batch, and has no guard for a zero row.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
k = v.count("k", "number of orthogonal clusters")
per = v.count("per", "tokens in each cluster")
metric = v.real("metric", "value returned by the printed function")
right = v.real("right", "tokens squared over the squared Frobenius norm of the Gram matrix")
names = ("one", "two", "twelve", "uneven", "opposite")
other = {name: v.real(name, f"value of the function, {name}") for name in names}


def fixture(m, k, per):
    """Evaluate the printed metric, and a correct one, on orthogonal clusters; signs make antipodal pairs."""

    def both(labels, signs=None):
        n = len(labels)
        s = signs or [1] * n
        gram = [[s[i] * s[j] if labels[i] == labels[j] else 0 for j in range(n)] for i in range(n)]
        means = [m.number(Fraction(sum(row), n)) for row in gram]
        printed = sum(1 / (1 - x + m.number(1e-8)) for x in means) / n
        return printed, m.number(n * n) / m.number(sum(x * x for row in gram for x in row))

    k, per = int(k), int(per)
    metric, right = both([i // per for i in range(k * per)])
    return {
        "metric": metric,
        "right": right,
        "one": both([0] * 12)[0],
        "two": both([0] * 6 + [1] * 6)[0],
        "twelve": both(range(12))[0],
        "uneven": both([0] * 9 + [1] * 3)[0],
        "opposite": both([0] * 12, [1, -1] * 6)[0],
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
    outputs={"metric": metric, "right": right} | other,
    values=[
        value("1.5", "three clusters of four", of="metric", digits=7),
        value("3", "three clusters of four", of="right", digits=12),
        value("1e8", "one cluster of twelve", of="one", digits=7),
        value("2", "two clusters of six: right by luck", of="two", digits=7),
        value("1.0909", "twelve orthogonal tokens", of="twelve", digits=5),
        value("3.3333", "clusters of nine and three", of="uneven", digits=5),
        value("1", "antipodal pairs", of="opposite", digits=7),
    ],
    see=("particles.cluster_counters",),
)
