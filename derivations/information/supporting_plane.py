r"""Jensen's inequality from a supporting plane, in two variables.

If every value $K_j$ lies above one plane at its point $(q_j, p_j)$, then so does the weighted mean of the values at
the mean point. Where the plane touches a jointly convex function at that mean point, this is Jensen's inequality for
it.
"""

from dltsym import Break, Eq, Scope, derive, value

v = Scope()
N = v.count("N", "number of points")
Q = v.array("Q", N, "weights", lo=0)
q, p, K = v.array("q", N, "first coordinates"), v.array("p", N, "second coordinates"), v.array("K", N, "values")
A, B, G = v.real("A", "slope in the first coordinate"), v.real("B", "slope in the second"), v.real("G", "height")
i = v.index("i", N)


def mean(x):
    return v.sum(lambda j: Q[j] * x[j], N)


plane = G + A * mean(q) + B * mean(p)

theorem = v.theorem(
    title="Weighted means above a supporting plane",
    cite=("boyd2004", "Section 3.1.8, Jensen's inequality; number not confirmed"),
    given=[Eq(v.sum(lambda j: Q[j], N), 1), K[i] >= G + A * q[i] + B * p[i]],
    claim=mean(K) >= plane,
    proof=derive(mean(K))
    .ge(v.sum(lambda j: Q[j] * (G + A * q[j] + B * p[j]), N), "the plane, term by term", hint="termwise")
    .eq(plane, "a plane is linear and the weights have mass 1"),
    kind="lower bound",
    outputs={"mean": mean(K), "plane": plane},
    values=[
        value("3", "two points of x^2 + y^2: (3 + 3)/2", of="mean", N=2, Q=["1/2", "1/2"], K=["2", "4"]),
        value("2", "the plane 2x + 2y - 2 at the mean point (1, 1)", of="plane", N=2, Q=["1/2", "1/2"], q=[1, 1],
              p=[1, 1], A=2, B=2, G=-2),
    ],
    breaks=[Break({"N": 1, "Q": [0], "q": [0], "p": [0], "K": [1], "A": 0, "B": 0, "G": 1}, "weights without mass")],
)  # fmt: skip
