r"""At $\beta = 0$ almost every start ends in one cluster.

Without dependence of the weights on the tokens, SA and USA agree: every token moves towards the mean. From
Lebesgue-almost every start all tokens converge to one point, which the participation count of the limit Gram matrix
sees as 1. Antipodal groups are stationary, so that "almost every" cannot be dropped. The statement is qualitative: no
rate and no time are part of it.
"""

from dltsym import Eq, Scope, derive, premise

v = Scope()
n = v.count("n", "number of tokens", lo=2)
d = v.count("d", "dimension of the space", lo=2)
be = v.real("be", "inverse temperature", lo=0, hi=0, latex=r"\beta")
G = v.array("G", (n, n), "inner products of the tokens as time goes to infinity", lo=-1, hi=1)
i, j = v.index("i", n), v.index("j", n)
norm = v.let("N", v.sum(lambda i, j: G[i, j] ** 2, n, n), "squared norm of their matrix")

theorem = v.theorem(
    title="Consensus at beta = 0",
    cite=("geshkovski2025", "Theorem 4.1; numbering second-hand"),
    given=premise(
        "consensus",
        Eq(G[i, j], 1),
        ("geshkovski2025", "Theorem 4.1; numbering second-hand"),
        "from Lebesgue-almost every start, for both models",
    ),
    claim=Eq(n**2 / norm, 1),
    proof=[
        derive(norm).eq(n**2, "every entry is 1", by="consensus").named("norm"),
        derive(n**2 / norm).eq(1, "one cluster by the participation count", by="norm"),
    ],
    kind="cited theorem",
)
