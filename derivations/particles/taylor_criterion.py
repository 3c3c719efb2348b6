r"""Falling Taylor coefficients: a sufficient condition for synchronisation on the circle.

For tokens on a circle it is not enough that the interaction $\varphi$ is increasing and convex: there are analytic
counterexamples with five or more tokens. It is enough that the Taylor coefficients of $\varphi'$ at 0 do not
increase. For attention $\varphi(x) = e^{\beta x}$, so $\varphi'' = \beta\varphi'$, and coefficient $k + 1$ is
$\beta/k$ times coefficient $k$ (counted from 1): they fall for $\beta \le 1$, and the first two already rise for
$\beta > 1$.
"""

from dltsym import Break, Eq, Scope, derive, diff, exp

v = Scope()
K = v.count("K", "number of coefficients looked at")
be = v.pos("be", "inverse temperature", latex=r"\beta")
x = v.real("x", "inner product")
c = v.array("c", K + 1, "Taylor coefficients of the derivative of the interaction", lo=0)
k = v.index("k", K)

theorem = v.theorem(
    title="The Taylor criterion for attention on the circle",
    cite=("criscitiello2024", "abstract; the condition on beta is derived here"),
    given=[be <= 1, Eq(k * c[k + 1], be * c[k])],
    claim=[Eq(diff(be * exp(be * x), x), be * (be * exp(be * x))), c[k + 1] <= c[k]],
    proof=derive(c[k + 1]).eq(be / k * c[k], "the recursion").le(c[k], "beta is at most 1, k at least 1"),
    outputs={"ratio": be / k},
    breaks=[Break({"K": 1, "be": "3/2", "c": ["3/2", "9/4"], "k": 1, "x": 0}, "beta above 1", part=1)],
)
