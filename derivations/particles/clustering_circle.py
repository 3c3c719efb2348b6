r"""On the circle almost every start ends in one cluster for all $\beta \ge -0.16$.

With $d = 2$ and the unnormalised interaction $e^{\beta\cos}$ any number of identical tokens synchronises from almost
every start, even for a little repulsion. Below $-2/3$ this is false: three tokens stay at a triangle
(`particles.circle_threshold`). What holds in between is not known to us, nor is the criterion behind the number.
"""

from fractions import Fraction

from dltsym import Eq, Scope, derive, premise

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be = v.real("be", "inverse temperature", lo=Fraction(-16, 100), latex=r"\beta")
G = v.array("G", (n, n), "inner products of the tokens as time goes to infinity", lo=-1, hi=1)
i, j = v.index("i", n), v.index("j", n)
norm = v.let("N", v.sum(lambda i, j: G[i, j] ** 2, n, n), "squared norm of their matrix")

theorem = v.theorem(
    title="Consensus on the circle",
    cite=("polyanskiy2025", "abstract; number not confirmed"),
    given=premise(
        "consensus",
        Eq(G[i, j], 1),
        ("polyanskiy2025", "abstract; number not confirmed"),
        "from almost every start, unnormalised model",
    ),
    claim=Eq(n**2 / norm, 1),
    proof=[
        derive(norm).eq(n**2, "every entry is 1", by="consensus").named("norm"),
        derive(n**2 / norm).eq(1, "one cluster by the participation count", by="norm"),
    ],
    kind="cited theorem",
)
