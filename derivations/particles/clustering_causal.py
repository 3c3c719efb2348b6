r"""With a causal mask and $V = I$ all tokens end at the first one.

Under a causal mask the first token sees only itself and stays. For arbitrary query and key matrices and the identity
as value matrix, tokens from almost every start converge to it. No rate is part of the statement. Other value matrices
can give several clusters.
"""

from dltsym import Eq, Scope, derive, premise

v = Scope()
n = v.count("n", "number of tokens", lo=2)
d = v.count("d", "dimension of the space", lo=2)
G = v.array("G", (n, n), "inner products of the tokens as time goes to infinity", lo=-1, hi=1)
i, j = v.index("i", n), v.index("j", n)
norm = v.let("N", v.sum(lambda i, j: G[i, j] ** 2, n, n), "squared norm of their matrix")

theorem = v.theorem(
    title="Consensus under a causal mask",
    cite=("karagodin2024", "abstract; number not confirmed"),
    given=premise(
        "consensus",
        Eq(G[i, j], 1),
        ("karagodin2024", "abstract; number not confirmed"),
        "from almost every start, at the position of the first token",
    ),
    claim=Eq(n**2 / norm, 1),
    proof=[
        derive(norm).eq(n**2, "every entry is 1", by="consensus").named("norm"),
        derive(n**2 / norm).eq(1, "one cluster by the participation count", by="norm"),
    ],
    kind="cited theorem",
)
