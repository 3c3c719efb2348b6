r"""Uniform tokens with $n \le d$ end in one cluster with probability 1.

Tokens in one open hemisphere collapse exponentially (`particles.cone_collapse` has constants), and at most $d$
uniform tokens lie in one with probability 1 (`particles.wendel`). So almost surely they converge to one point, for
every $\beta \ge 0$. The rate of the proof is of order $e^{-\beta}$ or slower; near consensus the true one is 2
(`particles.terminal_rate`).
"""

from dltsym import Eq, Scope, derive, premise

v = Scope()
n = v.count("n", "number of tokens", lo=2)
d = v.count("d", "dimension of the space", lo=n)
be = v.nonneg("be", "inverse temperature", latex=r"\beta")
G = v.array("G", (n, n), "inner products of the tokens as time goes to infinity", lo=-1, hi=1)
i, j = v.index("i", n), v.index("j", n)
norm = v.let("N", v.sum(lambda i, j: G[i, j] ** 2, n, n), "squared norm of their matrix")

theorem = v.theorem(
    title="Consensus with at most as many tokens as dimensions",
    cite=("geshkovski2025", "Lemma 6.4 and Theorem 6.3; numbering second-hand"),
    given=premise(
        "consensus",
        Eq(G[i, j], 1),
        ("geshkovski2025", "Lemma 6.4 and Theorem 6.3; numbering second-hand"),
        "almost surely for independent uniform tokens",
    ),
    claim=Eq(n**2 / norm, 1),
    proof=[
        derive(norm).eq(n**2, "every entry is 1", by="consensus").named("norm"),
        derive(n**2 / norm).eq(1, "one cluster by the participation count", by="norm"),
    ],
    kind="cited theorem",
)
