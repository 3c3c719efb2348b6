r"""For $d \ge 3$ and every $\beta \ge 0$ almost every start ends in one cluster.

The main theorem on clusters: in dimension $d \ge 3$ SA and USA bring tokens from Lebesgue-almost every start to one
point. It is qualitative: it has no rate, no time, and does not improve with the dimension. At larger $\beta$ the
merger is often not seen: in our runs with $d = 3$, $n = 10$, $t = 300$ all of twelve starts had merged at $\beta =
1/2$ and $\beta = 2$, but only four of twelve at $\beta = 5$. Related records: `particles.clustering_zero_beta`,
`particles.clustering_small_beta`, `particles.clustering_large_beta`, `particles.clustering_hemisphere`,
`particles.clustering_circle`, `particles.clustering_causal`, `particles.clustering_mean_field`,
`particles.clustering_boolean`. Known to us from abstracts only, and not recorded: random values prevent collapse
(arXiv:2601.21942); the placement of normalisation changes its speed (arXiv:2510.22026). For balanced (Sinkhorn)
attention the question is open.
"""

from dltsym import Eq, Scope, derive, premise

v = Scope()
n = v.count("n", "number of tokens", lo=2)
d = v.count("d", "dimension of the space", lo=3)
be = v.nonneg("be", "inverse temperature", latex=r"\beta")
G = v.array("G", (n, n), "inner products of the tokens as time goes to infinity", lo=-1, hi=1)
i, j = v.index("i", n), v.index("j", n)
norm = v.let("N", v.sum(lambda i, j: G[i, j] ** 2, n, n), "squared norm of their matrix")

theorem = v.theorem(
    title="Consensus in dimension three and above",
    cite=("geshkovski2025", "Theorem 6.1; numbering second-hand"),
    given=premise(
        "consensus",
        Eq(G[i, j], 1),
        ("geshkovski2025", "Theorem 6.1; numbering second-hand"),
        "from Lebesgue-almost every start",
    ),
    claim=Eq(n**2 / norm, 1),
    proof=[
        derive(norm).eq(n**2, "every entry is 1", by="consensus").named("norm"),
        derive(n**2 / norm).eq(1, "one cluster by the participation count", by="norm"),
    ],
    kind="cited theorem",
    aliases=["particles.clustering_theorems"],
)
