r"""Equiangular tokens: one ordinary differential equation for the common cosine.

When all $n$ tokens on the sphere have the same pairwise inner product $\gamma$, the inner products move at one common
speed, and the diagonal of the Gram matrix not at all: with $G_{ij} = \gamma + (1 - \gamma)\delta_{ij}$ the first
claims compute $\langle\dot x_a, x_b\rangle + \langle x_a, \dot x_b\rangle$ for both normalisations, (SA) by the sum
$Z$ of the weights, (USA) by $n$. Uniqueness of solutions then keeps the symmetry for all time; that is not claimed
here. Both ends $\gamma = 1$ (consensus) and $\gamma = -1/(n-1)$ (simplex) are at rest; consensus attracts at the
rates 2 and $2e^\beta$. No $n$ unit vectors have a smaller common cosine than the simplex.

Compute with $y = \log\frac{1 + (n-1)\gamma}{1 - \gamma}$: its speed is smooth and bounded, $\gamma(y)$ cannot leave
the interval, and $\beta = 0$ is $y = y_0 + 2t$. For other $\beta$ the algorithm solves the closed hitting time of
`particles.hitting_time` for $y$.
"""

from dltsym import Eq, Ode, Scope, delta, diff, exp, log, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
a, b = v.index("a", n), v.index("b", n)
be, t = v.real("be", "inverse temperature", latex=r"\beta"), v.nonneg("t", "time (depth)")
g = v.real("g", "common inner product", latex=r"\gamma", lo=-1, hi=1)
g0 = v.real("g0", "initial inner product", latex=r"\gamma_0", lo=-1 / (n - 1), hi=1, hi_open=True)
c = v.real("c", "inner product, not at rest", lo=-1 / (n - 1), lo_open=True, hi=1, hi_open=True)
Z = v.let("Z", exp(be) + (n - 1) * exp(be * g), "sum of the weights of a token")


def gram(i, j):
    return g + (1 - g) * delta(i, j)


def pull(i, j):
    return v.sum(lambda k: (exp(be * g) + (exp(be) - exp(be * g)) * delta(i, k)) * gram(k, j), n)


def speeds(x):
    shape = 2 * (1 - x) * ((n - 1) * x + 1)
    return shape / (exp(be * (1 - x)) + n - 1), shape * exp(be * x) / n


def solution(m, n, be, t, g0):
    if t == 0 or 1 + (n - 1) * g0 == 0:
        return {"sa": g0, "usa": g0}

    def times(y):
        if be == 0:
            return y / 2, y / 2
        side = n / (m.exp(y) + n - 1)  # 1 - gamma
        near, far = m.ei(be * side), m.ei(-be * (n / m.number(n - 1) - side))
        sa = ((n - 1) * y - near + m.exp(be * n / (n - 1)) * far) / (2 * n)
        return sa, (m.exp(be / (n - 1)) * far - m.exp(-be) * near) / 2

    y0, reach = m.log((1 + (n - 1) * g0) / (1 - g0)), 1 + 2 * t * m.exp(abs(be))
    ends = [m.root(lambda y, k=k: times(y)[k] - times(y0)[k] - t, y0 - 1, y0 + reach) for k in (0, 1)]
    return {rule: 1 - n / (m.exp(y) + n - 1) for rule, y in zip(("sa", "usa"), ends, strict=True)}


(sa, usa), y = speeds(g), log((1 + (n - 1) * c) / (1 - c))
closed = ((1 + (n - 1) * g0) * exp(2 * t) - (1 - g0)) / ((1 + (n - 1) * g0) * exp(2 * t) + (n - 1) * (1 - g0))
theorem = v.theorem(
    title="Equiangular dynamics of self-attention tokens",
    cite=("geshkovski2025", "Theorem 6.8, equations (6.9) and (6.10); numbering second-hand"),
    claim=[
        Eq(exp(be * gram(a, b)), exp(be * g) + (exp(be) - exp(be * g)) * delta(a, b)),
        Eq(v.sum(lambda k: exp(be * g) + (exp(be) - exp(be * g)) * delta(a, k), n), Z),
        Eq(2 * (pull(a, b) - pull(a, a) * gram(a, b)) / Z, sa * (1 - delta(a, b))),
        Eq(2 * (pull(a, b) - pull(a, a) * gram(a, b)) / n, usa * (1 - delta(a, b))),
        *(Eq(s, 0) for x in (1 + 0 * n, -1 / (n - 1)) for s in speeds(x)),
        "limit(2*(1-g)*((n-1)*g+1)/(exp(be*(1-g))+n-1)/(g-1), g, 1) = -2",
        "limit(2*(1-g)*((n-1)*g+1)*exp(be*g)/n/(g-1), g, 1) = -2*exp(be)",
        Eq(diff(y, c) * speeds(c)[0], 2 * n / (exp(be * (1 - c)) + n - 1)),
        Eq(diff(y, c) * speeds(c)[1], 2 * exp(be * c)),
        Eq((exp(y) - 1) / (exp(y) + n - 1), c),
        Ode(g, t, Eq(diff(g, t), 2 * (1 - g) * ((n - 1) * g + 1) / n), closed, start=0, initial=g0),
    ],
    kind="ODE", outputs={"speed": sa, "speed_usa": usa, "gamma": closed},
    algorithm=solution, computes=("sa", "usa"),
    values=[
        value(number, "computed by machine", of=of, n=k, t=at, g0=start, digits=len(number) - 2, **more)
        for number, of, k, at, start, more in (
            ("0.704639416132405", "gamma", 8, "1.5", 0, {}), ("0.295147004654848", "gamma", 128, 2, 0, {}),
            ("0.761594155955765", "gamma", 2, 1, 0, {}), ("-0.5000000000000", "gamma", 3, 1, "-1/2", {}),
            ("0.579195336911065", "sa", 2, 1, 0, {"be": 1}), ("0.947135985749308", "usa", 2, 1, 0, {"be": 1}),
            ("0.285276830301801", "sa", 128, 2, 0, {"be": 1}), ("0.390034806180112", "usa", 128, 2, 0, {"be": 1}),
        )
    ],
)  # fmt: skip
