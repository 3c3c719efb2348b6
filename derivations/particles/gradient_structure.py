r"""Attention dynamics are gradient flows, with the factors that are often dropped.

With $E = \frac{1}{2\beta n^2}\sum_{ij} e^{\beta\langle x_i, x_j\rangle}$, the derivative of $E$ in token $i$ is
$u_i/n^2$, $u_i = \sum_j e^{\beta\langle x_i, x_j\rangle} x_j$: each pair counts twice. The gradient on the sphere is
its tangential part, and projecting does not change inner products with tangent vectors. So (USA) is $\dot X =
n\,\nabla E$ in the product metric. In the metric $\langle a, b\rangle_X = \sum_i Z_i\langle a_i, b_i\rangle$, with
$Z_i$ not normalised, the gradient is divided by $Z_i$, and (SA) is $\dot X = n^2\,\nabla_X E$.

Both need query, key and value matrices with $Q^\top K$ symmetric and $V = Q^\top K$; otherwise there is no such
energy.
"""

from dltsym import Eq, Ne, Scope, diff, exp, value

v = Scope()
n, d = v.count("n", "number of tokens"), v.count("d", "dimension")
x, a, c = v.array("x", (n, d), "tokens"), v.index("a", n), v.index("c", d)
beta = v.real("beta", "inverse temperature", latex=r"\beta")
u = v.array("u", (n, d), "slope of any energy in a token")
w = v.array("w", (n, d), "tangent vector at a token")
z = v.array("z", n, "weight of a token in the metric", lo=0, lo_open=True)


def inner(p, q):
    return v.sum(lambda f: p(f) * q(f), d)


def weight(i, j):
    return exp(beta * inner(lambda f: x[i, f], lambda f: x[j, f]))


def tangent(p, i, f):
    return p(i, f) - inner(lambda g: p(i, g), lambda g: x[i, g]) * x[i, f]


def felt(i, f):
    return v.sum(lambda j: weight(i, j) * x[j, f], n)


E = v.sum(weight, n, n) / (2 * beta * n**2)
mass = v.sum(lambda j: weight(a, j), n)
slope = tangent(lambda i, f: diff(E, x[i, f]), a, c)
gradient, usa, sa = tangent(felt, a, c) / n**2, tangent(felt, a, c) / n, tangent(felt, a, c) / mass
points = [[f"sin({(i + 1) * (k + 2)})" for k in range(3)] for i in range(5)]
X53 = [[f"{t}/sqrt({'+'.join(f'{b}**2' for b in row)})" for t in row] for row in points]
theorem = v.theorem(
    title="Gradient structure of attention dynamics",
    cite=("geshkovski2025", "Lemma 3.6, Remark 3.8 and Section 3.4; numbering second-hand"),
    given=[Ne(beta, 0), Eq(inner(lambda f: w[a, f], lambda f: x[a, f]), 0)],
    claim=[
        Eq(slope, gradient),
        Eq(
            inner(lambda f: tangent(lambda i, g: u[i, g], a, f), lambda f: w[a, f]),
            inner(lambda f: u[a, f], lambda f: w[a, f]),
        ),
        Eq(
            v.sum(lambda i, f: z[i] * (tangent(lambda r, g: u[r, g], i, f) / z[i]) * w[i, f], n, d),
            v.sum(lambda i, f: u[i, f] * w[i, f], n, d),
        ),
        Eq(n * gradient, usa),
        Eq(n**2 * gradient / mass, sa),
    ],
    outputs={
        "gradient": gradient,
        "usa": usa,
        "sa": sa,
        "usa_over_gradient": usa / gradient,
        "sa_over_weighted": sa / (gradient / mass),
    },
    values=[
        value(number, "tokens sin((i+1)(k+2)), normalised", of=of, digits=15, n=5, d=3, a=1, c=1, beta=2, x=X53)
        for of, number in {
            "usa": "0.0766050116603612",
            "sa": "0.0275823805400739",
            "gradient": "0.0153210023320722",
            "usa_over_gradient": "5.00000000000000",
            "sa_over_weighted": "25.0000000000000",
        }.items()
    ],
)
