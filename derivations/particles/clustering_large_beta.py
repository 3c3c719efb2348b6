r"""For $\beta \ge C(d)n^2$ almost every start ends in one cluster.

In dimension $d \ge 2$ tokens from Lebesgue-almost every start converge to one point if $\beta$ is at least a
constant, which depends on the dimension, times the squared number of tokens. The constant is not explicit, and no
rate is part of the statement: at such $\beta$ clusters can live for a time exponential in $\beta$ before they merge
(`particles.metastability`).
"""

from dltsym import Eq, Scope, derive, premise

v = Scope()
n = v.count("n", "number of tokens", lo=2)
d = v.count("d", "dimension of the space", lo=2)
be = v.nonneg("be", "inverse temperature", latex=r"\beta")
C = v.pos("C", "constant of the theorem; depends on the dimension, not explicit")
G = v.array("G", (n, n), "inner products of the tokens as time goes to infinity", lo=-1, hi=1)
i, j = v.index("i", n), v.index("j", n)
norm = v.let("N", v.sum(lambda i, j: G[i, j] ** 2, n, n), "squared norm of their matrix")

theorem = v.theorem(
    title="Consensus at low temperature",
    cite=("geshkovski2025", "Theorem 5.1; numbering second-hand"),
    given=[
        be >= C * n**2,
        premise(
            "consensus",
            Eq(G[i, j], 1),
            ("geshkovski2025", "Theorem 5.1; numbering second-hand"),
            "from Lebesgue-almost every start",
        ),
    ],
    claim=Eq(n**2 / norm, 1),
    proof=[
        derive(norm).eq(n**2, "every entry is 1", by="consensus").named("norm"),
        derive(n**2 / norm).eq(1, "one cluster by the participation count", by="norm"),
    ],
    kind="cited theorem",
)
