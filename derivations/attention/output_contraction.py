r"""The output of attention is close to the value of the winning key.

The output differs from the winner's value $x$ by a sum over the other keys with total weight $q$. A norm is the
largest value of linear forms of dual norm 1, and under such a form every value becomes a number: $x$ and $V_j$ are
these numbers, $S$ is the largest distance from the winner, at most the diameter of the values. So in any norm the
output is within $qS$ of the winner's value. Equality needs all the weight off the winner on values at the full
distance in one direction. The output lies in the convex hull of the values for all values exactly if the weights are
non-negative with sum 1: values that are all 1 show the sum, the indicator of a key shows its weight. Weights that end
on a column step do not sum to 1.
"""

from dltsym import Break, Eq, Scope, delta, derive, value

v = Scope()
l, m = v.count("l", "number of other keys, m - 1"), v.count("m", "number of keys")
p = v.array("p", l, "weights of the other keys", lo=0)
x, V = v.real("x", "value of the winner under a linear form"), v.array("V", l, "other values under it")
S = v.nonneg("S", "largest distance of a value from the winner's")
W, u = v.array("W", m, "any row of numbers, such as weights"), v.array("u", m, "weights", lo=0)
y = v.array("y", m, "values under a linear form")
A, B = v.real("A", "smallest value"), v.real("B", "largest value")
i, n = v.index("i", l), v.index("n", m)
q = v.let("q", v.sum(lambda j: p[j], l), "weight off the winner")
o = v.let("o", (1 - q) * x + v.sum(lambda j: p[j] * V[j], l), "output")
away = v.sum(lambda j: p[j] * (V[j] - x), l)
hull = v.sum(lambda j: u[j] * y[j], m)


def weights(t):
    """Return the weights of the losing keys at temperature t/10, for scores 2, 1.2, 0.9, -0.4, 0."""
    terms = [f"exp(-{g}/{t})" for g in (8, 11, 24, 20)]
    return [f"{e}/(1 + {' + '.join(terms)})" for e in terms]


theorem = v.theorem(
    title="Contraction of the attention output to the winning value",
    cite=("boyd2004", "Sections 2.1.4 and A.1.6 for hulls and dual norms; the bound is derived here"),
    given=[V[i] - x <= S, x - V[i] <= S, y[n] >= A, y[n] <= B, Eq(v.sum(lambda j: u[j], m), 1)],
    claim=[
        Eq(o - x, away),
        o - x <= q * S,
        x - o <= q * S,
        hull <= B,
        hull >= A,
        Eq(v.sum(lambda j: W[j] * delta(j, n), m), W[n]),
    ],
    proof=[
        derive(o - x)
        .eq(away, "weights sum to 1")
        .le(v.sum(lambda j: p[j] * S, l), "term by term", hint="termwise")
        .eq(q * S, "common factor"),
        derive(x - o)
        .eq(v.sum(lambda j: p[j] * (x - V[j]), l), "weights sum to 1")
        .le(v.sum(lambda j: p[j] * S, l), "term by term", hint="termwise")
        .eq(q * S, "common factor"),
        derive(hull).le(v.sum(lambda j: u[j] * B, m), "term by term", hint="termwise").eq(B, "mass 1"),
        derive(hull).ge(v.sum(lambda j: u[j] * A, m), "term by term", hint="termwise").eq(A, "mass 1"),
    ],
    outputs={"o": o, "bound": q * S},
    values=[value(number, "values 0, 1, -1, 2, 3, diameter 4", of=name, digits=14, l=4, x=0, S=4, p=weights(t),
                  V=[1, -1, 2, 3])
            for name, t, number in (("o", 3, "0.0441440830478665"), ("bound", 3, "0.352538400869245"),
                                    ("o", 10, "0.350503416175750"), ("bound", 10, "2.00821936595914"))],
    breaks=[Break({"l": 1, "p": ["1/2"], "x": 0, "V": [3], "S": 1}, "a value further away", part=1)],
)  # fmt: skip
