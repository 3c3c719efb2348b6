r"""Three tokens on a circle: below $\beta = -2/3$ the equilateral triangle is stable, above it the tokens merge.

The energy of a pair is $g(\tau) = e^{\beta\cos\tau}/\beta$. At the triangle all differences are $\pm 2\pi/3$, the
first order of the energy vanishes, and the second is $3g''(2\pi/3)$ times the squared length of a perturbation of
mean zero (the Laplacian of the complete graph on three nodes). The sign of $3\beta + 2$ decides; $\beta = -2/3$
itself is degenerate. One token with its neighbours at $\pm 2\pi/3$ stands for all three. Its drift vanishes at the
triangle, so the variation of its normaliser does not enter: growth rates are $g''(2\pi/3)$ (USA, normaliser 3) and
$3g''(2\pi/3)$ over the normaliser (SA). Linear growth only: other configurations and $n > 3$ need their own Hessian.
Cited from abstracts: on the circle all $\beta \ge -0.16$ synchronise from almost every start and no $\beta < -2/3$
does.
"""

from dltsym import Eq, Ne, Scope, cos, diff, exp, pi, sin, value

v = Scope()
be = v.real("be", "inverse temperature", latex=r"\beta")
ta = v.real("ta", "difference of two angles", unit="rad", latex=r"\tau")
x, y, z = (v.real(name, f"perturbation of token {k}, mean zero", unit="rad") for k, name in enumerate("xyz", 1))
third, s = 2 * pi / 3, v.real("s", "size of the perturbation")
bend = v.let("g2", (3 * be + 2) * exp(-be / 2) / 4, "second derivative at the triangle", latex="g''(2\\pi/3)")


def weight(r):
    """Return the weight of a pair at angle r."""
    return exp(be * cos(r))


def second(r):
    """Return the second derivative of the energy of a pair."""
    return (be * sin(r) ** 2 - cos(r)) * weight(r)


def hessian(s):
    """Return the second derivative of the energy of the triangle along the perturbation."""
    a, b, c = (second(third + s * d) * d**2 for d in (x - y, y - z, z - x))
    return a + b + c


def norm(s):
    """Return the normaliser of token 1."""
    return exp(be) + weight(third + s * (y - x)) + weight(-third + s * (z - x))


def pull(s):
    """Return the velocity of token 1 times its normaliser."""
    a, b = (weight(r) * sin(r) for r in (-third + s * (x - y), third + s * (x - z)))
    return -a - b


def pull_slope(s):
    """Return the derivative of that by s."""
    return second(-third + s * (x - y)) * (x - y) + second(third + s * (x - z)) * (x - z)


energy = (weight(third + s * (x - y)) + weight(third + s * (y - z)) + weight(third + s * (z - x))) / be
bulk = exp(be) + 2 * exp(-be / 2)

theorem = v.theorem(
    title="Repulsion threshold of the triangle on the circle",
    cite=("polyanskiy2025", "abstract; the threshold is derived here"),
    given=[Ne(be, 0), Eq(x + y + z, 0)],
    claim=[
        Eq(diff(weight(ta) / be, ta, 2), second(ta)),
        Eq(second(third), bend),
        Eq(diff(energy, s, 2), hessian(s)),
        Eq(hessian(0), 3 * bend * (x**2 + y**2 + z**2)),
        Eq(diff(pull(s), s), pull_slope(s)),
        Eq(pull(0), 0),
        Eq(pull_slope(0) / 3, bend * x),
        Eq(diff(pull(s) / norm(s), s), pull_slope(s) / norm(s) - pull(s) * diff(norm(s), s) / norm(s) ** 2),
        Eq(pull_slope(0) / norm(0), 3 * bend / bulk * x),
        bend * (3 * be + 2) >= 0,
    ],
    tight={be: "-2/3"},
    outputs={"usa": bend, "sa": 3 * bend / bulk},
    values=[
        value(number, "growth rate", of=name, be=at, x=1, y=-1, z=0)
        for name, at, number in [
            ("usa", -1, "-0.412180317675032"),
            ("usa", "-0.7", "-0.0354766887148314"),
            ("usa", 2, "0.735758882342885"),
            ("usa", "-1/2", "0.160503177085968"),
            ("sa", -1, "-0.337362163243706"),
            ("sa", "-1/2", "0.151676538248041"),
        ]
    ],
)
