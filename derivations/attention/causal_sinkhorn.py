r"""Sinkhorn's iteration under a causal mask reaches the identity like one over the number of iterations.

The only causal matrix with row and column sums 1 is the identity (see that record), and it is not reached at a linear
rate. For two tokens one full iteration (row step, column step) adds 2 to $1/A_{21}$, so the error after $k$ of them
is about $1/(2k)$. For $n$ tokens the leading order of one iteration is $e_i' = e_i(1 + e_{i-1} - 2 e_i + e_{i+1})$ on
the subdiagonal, solved up to terms of relative size $k^{-2}$ by $e_i = i(n-i)/(2k)$, whatever the scores were; that
the iteration follows this solution for $n \ge 3$ is observed, not proved. Then $k\lVert A - I\rVert_{\max} \to
\lfloor n^2/4\rfloor/2$, and the row error after a column step is about $(n-1)/(2k)$. Masks in which every kept entry
lies on a perfect matching have a linear rate.
"""

from itertools import accumulate

from dltsym import Eq, Scope, value

v = Scope()
n = v.count("n", "number of tokens")
r = v.pos("r", "entry below the diagonal after the first row step, two tokens")
k = v.count("k", "full iterations")
c = v.integer("c", "position on the subdiagonal", lo=1, hi=n - 1)


def two(k):
    """Return the entry below the diagonal after k full iterations, two tokens."""
    return 1 / (1 / r + 2 * k - 1)


def profile(c):
    """Return the limit of k times the entry c of the subdiagonal."""
    return c * (n - c) / 2


def run(m, n, k):
    """Run k full iterations on equal scores; return k times the subdiagonal and k times the largest row error."""
    w = [m.number(1)] * n
    for _ in range(k):
        heads = list(accumulate(w))
        u = [1 / x for x in heads]
        w = [1 / x for x in list(accumulate(u[::-1]))[::-1]]
    rows = [x * y for x, y in zip(u, accumulate(w), strict=True)]
    return {"sub": [k * u[i + 1] * w[i] for i in range(n - 1)], "rows": k * m.max([abs(x - 1) for x in rows])}


step = profile(c) / k * (1 + profile(c - 1) / k - 2 * profile(c) / k + profile(c + 1) / k)

theorem = v.theorem(
    title="Sinkhorn iteration under a causal mask creeps like one over k",
    cite=("sander2022", "balanced attention; the causal case is derived here"),
    claim=[
        Eq(two(1) / (1 + two(1)), 1 / (1 / r + 2)),
        Eq(two(k) / (1 + two(k)) / (1 + two(k) / (1 + two(k))), two(k + 1)),
        Eq(profile(c - 1) - 2 * profile(c) + profile(c + 1), -1),
        Eq(step - profile(c) / (k + 1), -profile(c) / (k**2 * (k + 1))),
    ],
    outputs={"two": two(k), "profile": profile(c), "row error": (n - 1) / (2 * k)},
    algorithm=run,
    computes=("sub", "rows"),
    values=[
        value("1/21", "equal scores, ten iterations", of="two", r="1/2", k=10),
        *(
            value(number, "equal scores", of=of, n=size, k=count)
            for size, count, of, number in [
                (2, 10, "sub[1]", "0.476190476190476"),
                (4, 10**4, "sub[1]", "1.49804156"),
                (4, 10**4, "sub[2]", "1.99726906"),
                (4, 10**4, "sub[3]", "1.49819122"),
                (4, 10**4, "rows", "1.49849054"),
                (7, 20000, "sub[1]", "2.993563"),
                (7, 20000, "sub[2]", "4.988301"),
                (7, 20000, "sub[3]", "5.985453"),
                (7, 20000, "sub[4]", "5.985603"),
                (7, 20000, "sub[5]", "4.988674"),
                (7, 20000, "sub[6]", "2.993937"),
            ]
        ),
    ],
)
