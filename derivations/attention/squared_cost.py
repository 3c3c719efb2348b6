r"""Squared distance as a cost, and dot products as scores: when the two attentions agree.

Expanding $\lVert q_i - k_j\rVert^2$ leaves a term of the query, which every row normalisation removes, the score, and
a term of the key. So the softmax of minus the squared distance at temperature $\varepsilon$ is dot-product attention
at $\varepsilon/2$ with log-prior $-\lVert k_j\rVert^2/\varepsilon$ on the keys. The odds of two keys differ between
the two attentions by the exponential of the difference of their squared norms, so they agree exactly when all keys
are equally long. A balanced plan does not see the difference: the norms go into the potentials $f$ and $g$. A
semi-relaxed one does, because $g_j = -\rho\log(\mathrm{col}_j/b_j)$ cannot take up $\lVert k_j\rVert^2$. For half the
squared distance the temperatures are equal.
"""

from dltsym import Eq, Scope, derive, exp, value

v = Scope()
n, m, d = v.count("n", "number of queries"), v.count("m", "number of keys"), v.count("d", "length of a query")
q, k = v.array("q", (n, d), "queries"), v.array("k", (m, d), "keys")
f, g = v.array("f", n, "potential of the queries"), v.array("g", m, "potential of the keys")
eps = v.pos("eps", "temperature on the squared distance", latex=r"\varepsilon")
i, j, l = v.index("i", n), v.index("j", m), v.index("l", m)


def cost(i, j):
    """Return the squared distance of query i and key j."""
    return v.sum(lambda c: (q[i, c] - k[j, c]) ** 2, d)


def dot(i, j):
    """Return the score of query i and key j."""
    return v.sum(lambda c: q[i, c] * k[j, c], d)


def size(x, j):
    """Return the squared norm of row j of x."""
    return v.sum(lambda c: x[j, c] ** 2, d)


def soft(logit, j):
    """Return the softmax weight of key j for query i."""
    return exp(logit(j)) / v.sum(lambda s: exp(logit(s)), m)


def far(j):
    """Return the logit of key j under the squared distance."""
    return -cost(i, j) / eps


def near(j):
    """Return the logit of key j under the dot product at half the temperature."""
    return dot(i, j) / (eps / 2)


def moved(j):
    """Return that logit with the log-prior of the key."""
    return near(j) - size(k, j) / eps


theorem = v.theorem(
    title="Squared-distance attention is dot-product attention with a prior",
    cite=("sander2022", "costs of attention; the comparison is derived here"),
    claim=[
        Eq(cost(i, j), size(q, i) - 2 * dot(i, j) + size(k, j)),
        Eq(soft(far, j), soft(moved, j)),
        Eq(exp(far(j)) / exp(far(l)) / (exp(near(j)) / exp(near(l))), exp((size(k, l) - size(k, j)) / eps)),
        Eq(
            exp((f[i] + g[j] - cost(i, j)) / eps),
            exp((f[i] - size(q, i) + (g[j] - size(k, j)) + 2 * dot(i, j)) / eps),
        ),
    ],
    proof=[
        derive(soft(far, j))
        .eq(
            exp(-size(q, i) / eps) * exp(moved(j)) / v.sum(lambda s: exp(-size(q, i) / eps) * exp(moved(s)), m),
            "expand the square in every term",
        )
        .eq(soft(moved, j), "the term of the query cancels"),
    ],
    outputs={"squared": soft(far, j), "dot": soft(near, j), "with prior": soft(moved, j)},
    values=[
        value(number, "query (1, 0)", of=of, n=1, m=3, d=2, i=1, j=key, eps=1, q=[[1, 0]], k=[[1, 1], [2, 0], [0, 0]])
        for of, key, number in [
            ("squared", 1, "0.333333333333333"),
            ("dot", 1, "0.117310427826198"),
            ("dot", 2, "0.866813332197335"),
            ("dot", 3, "0.0158762399764668"),
        ]
    ],
)
