r"""Cauchy-Schwarz for vectors of any length, by Lagrange's identity.

The difference of the two sides is half a sum of squares $(x_i y_j - x_j y_i)^2$ over all pairs of indices: the
inequality with its defect, and equality exactly for parallel vectors.
"""

from dltsym import Scope, derive, value

v = Scope()
n = v.count("n", "length")
x = v.array("x", n, "vector")
y = v.array("y", n, "vector")
xx = v.sum(lambda i: x[i] ** 2, n)
yy = v.sum(lambda i: y[i] ** 2, n)
xy = v.sum(lambda i: x[i] * y[i], n)
pairs = v.sum(lambda i: v.sum(lambda j: (x[i] * y[j] - x[j] * y[i]) ** 2, n), n)

theorem = v.theorem(
    title="Cauchy-Schwarz inequality with its defect",
    cite=("hardy1952", "Section 2.4, Theorem 7; number not confirmed"),
    claim=[xy**2 <= xx * yy],
    proof=[
        derive(xx * yy - xy**2).eq(pairs / 2, "Lagrange's identity").ge(0, "a sum of squares").named("defect"),
        derive(xy**2).le(xx * yy, by="defect"),
    ],
    kind="upper bound",
    tight={y: lambda i: 2 * x[i]},
    outputs={"square": xy**2, "bound": xx * yy, "defect": pairs / 2},
    values=[value("1.25", "5 * 0.25, against 1.1^2 = 1.21", of="bound", n=2, x=[1, 2], y=["0.3", "0.4"])],
)
