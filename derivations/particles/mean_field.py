r"""Attention as a flow of measures: the continuity equation of tokens on the sphere.

Tokens $x_1, \dots, x_n$ are unit vectors that follow one field, which they make themselves: with $Z(y) =
\frac1n\sum_j e^{\beta\langle y, x_j\rangle}$ a token at $y$ moves along the tangential part of the weighted mean
$\frac{1}{nZ(y)}\sum_j e^{\beta\langle y, x_j\rangle} x_j$, and that mean is $\frac1\beta\nabla\log Z$. The equation
is stated in its weak form, for test functions $e^{\langle k, x\rangle}$, whose combinations are dense: the mean of a
test function moves at the mean of its gradient against the field. So the law of the tokens solves $\partial_t\mu +
\operatorname{div}(X[\mu]\mu) = 0$: first order, nonlinear, without a Laplacian, which only noise adds.

The logarithm is why this is no Wasserstein gradient flow. Since $e^{-|\beta|} \le Z \le e^{|\beta|}$, the field is
Lipschitz, and the distance of two solutions grows at most exponentially in time; from $n$ independent tokens that
distance starts near $n^{-1/(d-1)}$, of no quantitative use in high dimension or at large depth. Laws at rest include
one point, the uniform law and any two antipodal points $\pm e$ with any weights, at every $\beta$: a pull along the
axis has no tangential part at either point.
"""

from dltsym import Eq, Scope, abs_, diff, exp, log, value

v = Scope()
n, d = v.count("n", "number of tokens"), v.count("d", "dimension")
x, a, c = v.array("x", (n, d), "tokens"), v.index("a", n), v.index("c", d)
beta = v.real("beta", "inverse temperature", latex=r"\beta")
y, k = v.array("y", d, "a point of the sphere"), v.array("k", d, "frequency of a test function")
w = v.array("w", (n, d), "velocity of a token, any")
s = v.array("s", n, "cosines of a point with the tokens", lo=-1, hi=1)
e, r = v.array("e", d, "a token"), v.real("r", "size of a pull along its axis")


def inner(p, q):
    return v.sum(lambda f: p(f) * q(f), d)


def pull(p, f):
    """Return component f of the unnormalised mean that a token at p feels."""
    return v.sum(lambda j: exp(beta * inner(p, lambda g: x[j, g])) * x[j, f], n)


def weight(p):
    return v.sum(lambda j: exp(beta * inner(p, lambda g: x[j, g])), n)


def drift(a, c, share):
    along = inner(lambda f: pull(lambda g: x[a, g], f), lambda f: x[a, f])
    return (pull(lambda g: x[a, g], c) - along * x[a, c]) / share


def test(i):
    return exp(inner(lambda f: k[f], lambda f: x[i, f]))


mean = v.sum(test, n) / n
Z = weight(lambda f: y[f]) / n
points = [[f"sin({(i + 1) * (q + 2)})" for q in range(3)] for i in range(5)]
X53 = [[f"{t}/sqrt({'+'.join(f'{u}**2' for u in row)})" for t in row] for row in points]

theorem = v.theorem(
    title="Continuity equation of self-attention on the sphere",
    cite=("geshkovski2025", "equations (3.4) and (3.7), Remark 3.3; numbering second-hand"),
    given=Eq(inner(lambda f: e[f], lambda f: e[f]), 1),
    claim=[
        Eq(
            v.sum(lambda i, f: diff(mean, x[i, f]) * w[i, f], n, d),
            v.sum(lambda i: test(i) * inner(lambda f: k[f], lambda f: w[i, f]), n) / n,
        ),
        Eq(diff(log(Z), y[c]), beta * pull(lambda f: y[f], c) / weight(lambda f: y[f])),
        exp(-abs_(beta)) <= v.sum(lambda j: exp(beta * s[j]), n) / n,
        v.sum(lambda j: exp(beta * s[j]), n) / n <= exp(abs_(beta)),
        Eq(r * e[c] - inner(lambda f: r * e[f], lambda f: e[f]) * e[c], 0),
    ],
    outputs={
        "sa": drift(a, c, weight(lambda g: x[a, g])),
        "usa": drift(a, c, n),
        "average": pull(lambda g: x[a, g], c) / weight(lambda g: x[a, g]),
        "log_mass": log(weight(lambda g: x[a, g])),
        "field": (pull(lambda g: y[g], c) - inner(lambda f: pull(lambda g: y[g], f), lambda f: y[f]) * y[c])
        / weight(lambda g: y[g]),
    },
    values=[
        value(number, "tokens sin((i+1)(q+2)), normalised", of=rule, n=5, d=3, a=1, c=q, beta=2, x=X53)
        for rule, numbers in {
            "sa": ("0.0275823805400739", "-0.107491086917719", "0.0130964745228422"),
            "usa": ("0.0766050116603612", "-0.298536812468133", "0.0363730600436875"),
        }.items()
        for q, number in enumerate(numbers, 1)
    ],
)
