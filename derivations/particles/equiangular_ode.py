r"""Equiangular tokens: one ordinary differential equation for the common cosine.

When all $n$ tokens on the sphere have the same pairwise inner product $\gamma$, self-attention dynamics keep it so,
and $\gamma$ moves by the right side below; both ends $\gamma = 1$ (consensus) and $\gamma = -1/(n-1)$ (simplex) are
at rest. At $\beta = 0$ the equation has a closed solution. That symmetry persists
follows from uniqueness of solutions; it is not claimed here.
"""

from dltsym import Eq, Ode, Scope, derive, diff, exp, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be = v.real("be", "inverse temperature", latex=r"\beta")
g = v.real("g", "common inner product", latex=r"\gamma", lo=-1, hi=1)
t = v.nonneg("t", "time (depth)")
g0 = v.real("g0", "initial inner product", latex=r"\gamma_0", lo=-1 / (n - 1), hi=1, hi_open=True)
Z = v.let("Z", exp(be) + (n - 1) * exp(be * g), "partition function of each token")
drift = (exp(be) * g + exp(be * g) + (n - 2) * exp(be * g) * g) / Z
radial = (exp(be) + (n - 1) * exp(be * g) * g) / Z
one = 1 + 0 * n
speed, at_one, at_simplex = (
    2 * (1 - x) * ((n - 1) * x + 1) / (exp(be * (1 - x)) + n - 1) for x in (g, one, -1 / (n - 1))
)
closed = ((1 + (n - 1) * g0) * exp(2 * t) - (1 - g0)) / ((1 + (n - 1) * g0) * exp(2 * t) + (n - 1) * (1 - g0))

theorem = v.theorem(
    title="Equiangular dynamics of self-attention tokens",
    cite=("geshkovski2025", "Theorem 6.8, equation (6.9); numbering second-hand"),
    claim=[
        Eq(2 * (drift - radial * g), speed),
        Eq(at_one, 0),
        Eq(at_simplex, 0),
        Ode(
            unknown=g,
            var=t,
            equation=Eq(diff(g, t), 2 * (1 - g) * ((n - 1) * g + 1) / n),
            solution=closed,
            start=0,
            initial=g0,
        ),
    ],
    proof=derive(2 * (drift - radial * g))
    .eq(2 * exp(be * g) * (1 - g) * ((n - 1) * g + 1) / Z, "collect both projections")
    .eq(speed, "divide by exp(beta gamma)"),
    kind="ODE",
    outputs={"speed": speed, "gamma": closed},
    values=[
        value("0.704639416132405", "eight tokens, beta = 0", of="gamma", n=8, t="1.5", g0=0),
        value("0.295147004654848", "128 tokens, beta = 0", of="gamma", n=128, t=2, g0=0),
        value("0.761594155955765", "two tokens: tanh 1", of="gamma", n=2, t=1, g0=0),
        value("-0.5", "a simplex stays at rest", of="gamma", digits=12, n=3, t=1, g0="-1/2"),
    ],
)
