r"""Without normalisation, attention in one dimension becomes Boolean.

Tokens in space that are not kept on a sphere run away; after rescaling by $e^{-tV}$ they approach limits. For $V = I$
these are vertices of a convex polytope; when the leading eigenvalue of $V$ is simple, at most three parallel
hyperplanes. In dimension one the attention matrix tends to a matrix of zeros and ones of low rank. Its rows sum to 1,
so every row has exactly one 1: each token listens to one leader. No rate is part of the statement.
"""

from dltsym import Eq, Scope, derive, premise

v = Scope()
n = v.count("n", "number of tokens")
A = v.array("A", (n, n), "limit of the attention matrix, scalar tokens", lo=0, hi=1)
i = v.index("i", n)

theorem = v.theorem(
    title="Boolean attention in one dimension",
    cite=("geshkovski2023", "abstract; number not confirmed"),
    given=[
        Eq(v.sum(lambda j: A[i, j], n), 1),
        premise(
            "Boolean",
            Eq(v.sum(lambda j: A[i, j] * (1 - A[i, j]), n), 0),
            ("geshkovski2023", "abstract"),
            "entries of the limit, which lie in [0, 1], are 0 or 1",
        ),
    ],
    claim=Eq(v.sum(lambda j: A[i, j] ** 2, n), 1),
    proof=derive(v.sum(lambda j: A[i, j] ** 2, n))
    .eq(v.sum(lambda j: A[i, j], n), "zeros and ones", by="Boolean")
    .eq(1, "rows sum to 1"),
    kind="cited theorem",
)
