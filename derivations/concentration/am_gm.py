r"""Weighted means: the steps by which a free parameter is traded for a square root.

A bound $K/\lambda + \lambda/(8n)$ holds for every fixed $\lambda > 0$; its value at the best $\lambda$ is the familiar
square root. The same step written for one product is Young's inequality, and with three factors the inequality of
the arithmetic and the geometric mean.
"""

from dltsym import Scope, derive, sqrt, value

v = Scope()
K = v.pos("K", "complexity", unit="nat")
lam = v.pos("lam", "inverse temperature", latex=r"\lambda")
n = v.pos("n", "sample size")
u = v.real("u", "any number")
c = v.pos("c", "weight")
x, y, z = (v.nonneg(name, "factor") for name in "xyz")

theorem = v.theorem(
    title="Arithmetic and geometric means",
    cite=("hardy1952", "Section 2.5, theorem of the means; number not confirmed"),
    claim=[
        u <= u**2 / (2 * c) + c / 2,
        K / lam + lam / (8 * n) >= sqrt(K / (2 * n)),
        x**3 + y**3 + z**3 >= 3 * x * y * z,
    ],
    proof=[
        derive(u).le(u**2 / (2 * c) + c / 2, "a square is not negative"),
        derive(K / lam + lam / (8 * n)).ge(sqrt(K / (2 * n)), "a square is not negative"),
        derive(x**3 + y**3 + z**3).ge(3 * x * y * z, "three factors"),
    ],
    tight={u: c, lam: sqrt(8 * n * K), y: x, z: x},
    outputs={"bound": K / lam + lam / (8 * n), "best": sqrt(K / (2 * n))},
    values=[value("0.05", "K = 1/2, n = 100", of="best", K="1/2", n=100)],
)
