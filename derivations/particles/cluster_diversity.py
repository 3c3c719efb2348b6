r"""Two counts of clusters by their shares, and their order.

For the shares $p_c = n_c/n$ of orthogonal clusters (`particles.cluster_counters`: the eigenvalues of the Gram matrix
over $n$) the participation ratio $N_{PR} = 1/\sum p_c^2$ and the exponential $N_H$ of the entropy lie between 1 and
the number of clusters. The first is the smaller one, by Jensen's inequality; for equal shares both are the number of
clusters. A dominating cluster lowers the participation ratio more. Empty clusters are not listed.
"""

from dltsym import Eq, Scope, derive, exp, log, thm, value

v = Scope()
k = v.count("k", "number of clusters")
p = v.array("p", k, "shares of the clusters", lo=0, lo_open=True)
i = v.index("i", k)
square = v.let("q", v.sum(lambda c: p[c] ** 2, k), "sum of squared shares")
minus = v.let("h", v.sum(lambda c: p[c] * log(p[c]), k), "minus the entropy of the shares", unit="nat")

theorem = v.theorem(
    title="Participation ratio and entropy count of clusters",
    cite=("hill1973", "diversity numbers of order 2 and 1"),
    given=Eq(v.sum(lambda c: p[c], k), 1),
    claim=[
        1 / square >= 1,
        1 / square <= exp(-minus),
        exp(-minus) <= k,
        Eq(1 / v.sum(lambda c: 1 / k**2, k), k),
        Eq(exp(-v.sum(lambda c: log(1 / k) / k, k)), k),
    ],
    proof=[
        derive(p[i]).le(v.sum(lambda c: p[c], k), "one term", hint="termwise").eq(1, "shares sum to 1").named("one"),
        derive(square)
        .le(v.sum(lambda c: p[c], k), "a share is at most 1", by="one", hint="termwise")
        .eq(1, "shares sum to 1")
        .named("at most 1"),
        derive(1 / square).ge(1, by="at most 1"),
        derive(minus + log(k))
        .eq(v.sum(lambda c: p[c] * log(p[c]) - p[c] * log(1 / k), k), "shares sum to 1")
        .ge(
            v.sum(lambda c: p[c], k) - v.sum(lambda c: 1 / k, k),
            "Gibbs' inequality",
            by=thm("information.gibbs_inequality", m="k", w=lambda c: 1 / k),
        )
        .eq(0, "both are laws")
        .named("gibbs"),
        derive(exp(-minus))
        .eq(k * exp(-(minus + log(k))), "split off k")
        .le(k, "the exponent is not positive", by="gibbs"),
    ],
    outputs={"participation": 1 / square, "entropy": exp(-minus)},
    values=[
        value(number, "orthogonal clusters", of=name, k=len(shares), p=shares)
        for name, shares, number in [
            ("participation", ["3/4", "1/4"], "1.6"),
            ("entropy", ["3/4", "1/4"], "1.75476535060332"),
            ("participation", ["5/6", "1/6"], "1.38461538461538"),
            ("entropy", ["5/6", "1/6"], "1.56919258321420"),
            ("participation", [1], "1"),
            ("entropy", ["1/3"] * 3, "3.00000000000000"),
            ("entropy", ["1/12"] * 12, "12.0000000000000"),
        ]
    ],
)
