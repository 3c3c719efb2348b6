r"""Tokens in orthogonal clusters: norm, trace and all eigenvectors of the Gram matrix.

There are $k$ clusters in orthonormal directions $f_c$, each with room for $M$ tokens; $u_{cr} = 1$ if place $r$ of
cluster $c$ is taken and 0 if not (a row of zeros, which adds nothing). The Gram matrix is 1 within a cluster and 0
between clusters. Its squared norm is $\sum n_c^2$; the indicator of a cluster is an eigenvector with eigenvalue
$n_c$; and it kills every vector that is orthogonal to all indicators, so that there are no further eigenvalues but 0.
Divided by the trace $n$ the eigenvalues are the shares $n_c/n$: the participation ratio $N_{PR} = n^2/\|G\|_F^2$ and
the exponential $N_H$ of their entropy are the counts of `particles.cluster_diversity`, both $k$ for equal sizes. All
entries of $G$ are 0 or 1, so for $0 < \delta < 1$ the graph of $G_{ij} > 1 - \delta$, $i \ne j$, has the clusters as
its components: $N_{cc} = k$. The first two do not see signs: antipodal groups $\pm f$ have a Gram matrix of rank one
and count as one, while $N_{cc} = 2$. Take $i = j$ for no edge, and drop rows of zeros first.
"""

from dltsym import Eq, Scope, delta, value

v = Scope()
k, M = v.count("k", "number of clusters"), v.count("M", "places in a cluster")
u = v.array("u", (k, M), "1 for a token, 0 for a free place", entries="bool")
y = v.array("y", (k, M), "any vector")
n = v.count("n", "tokens of the antipodal example")
s = v.array("s", n, "signs of antipodal tokens")
a, b, r = v.index("a", k), v.index("b", k), v.index("r", M)
i = v.index("i", n)


def gram(a, r, b, q):
    """Return the inner product of place r of cluster a and place q of cluster b."""
    return u[a, r] * u[b, q] * delta(a, b)


def size(a):
    """Return the number of tokens of cluster a."""
    return v.sum(lambda r: u[a, r] ** 2, M)


norm = v.sum(lambda a, r, b, q: gram(a, r, b, q) ** 2, k, M, k, M)
tokens = v.sum(lambda a, r: gram(a, r, a, r), k, M)
flips = v.sum(lambda j: s[j] ** 2, n)

theorem = v.theorem(
    title="Gram matrix of orthogonal clusters",
    cite=("geshkovski2025", "metrics of the companion code; identities derived here"),
    claim=[
        Eq(norm, v.sum(lambda a: size(a) ** 2, k)),
        Eq(tokens, v.sum(size, k)),
        Eq(v.sum(lambda c, q: gram(a, r, c, q) * u[c, q] * delta(c, b), k, M), size(b) * (u[a, r] * delta(a, b))),
        Eq(v.sum(lambda c, q: gram(a, r, c, q) * y[c, q], k, M), u[a, r] * v.sum(lambda q: u[a, q] * y[a, q], M)),
        Eq(v.sum(lambda j: s[i] * s[j] * s[j], n), flips * s[i]),
        Eq(v.sum(lambda i, j: (s[i] * s[j]) ** 2, n, n), flips**2),
    ],
    outputs={"tokens": tokens, "norm": norm, "count": flips**2 / v.sum(lambda i, j: (s[i] * s[j]) ** 2, n, n)},
    values=[
        value(number, "sizes 9 and 3", of=name, digits=12, k=2, M=9, u=[[1] * 9, [1] * 3 + [0] * 6], n=2, s=[1, -1])
        for name, number in [("tokens", "12"), ("norm", "90"), ("count", "1")]
    ],
)
