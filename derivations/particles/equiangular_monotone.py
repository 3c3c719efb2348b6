r"""Temperature moves the two equiangular dynamics in opposite directions, between explicit curves.

A larger $\beta$ slows (SA) down at every admissible $\gamma$, and speeds (USA) up where $\gamma \ge 0$ (where $\gamma
< 0$ it slows it down too). By the comparison theorem for scalar equations, $\gamma_\beta(t)$ falls with $\beta$ for
(SA) and rises for (USA) when $\gamma(0) \ge 0$. In $y = \log\frac{1+(n-1)\gamma}{1-\gamma}$ the speed of (SA) lies
between $2n/(e^\beta+n-1)$ and 2 for $\gamma \in [0, 1]$, so $y$ lies between two lines. Since $\gamma$ increases with
$y$ and $\beta = 0$ is $y_0 + 2t$, the solution lies between two copies of the closed solution $\gamma_0$ at $\beta =
0$, one with its time slowed down by $n/(e^\beta+n-1)$. That envelope is a free check of any solver. All curves agree
at $\beta = 0$ and at $t = 0$.
"""

from dltsym import Scope, derive, exp, log, premise, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be = v.nonneg("be", "inverse temperature", latex=r"\beta")
b0, b1 = (v.real(f"b{k}", "inverse temperature", latex=rf"\beta_{k}") for k in (0, 1))
N, u = v.nonneg("N", "numerator of the speed"), v.real("u", "any common inner product", lo=-1 / (n - 1), hi=1)
x = v.real("x", "common inner product, at most 1", hi=1)
p = v.real("p", "common inner product, not negative", lo=0, hi=1)
t = v.nonneg("t", "time (depth)")
g0 = v.real("g0", "initial inner product", latex=r"\gamma_0", lo=0, hi=1, hi_open=True)
y = v.real("y", "y at time t")
y0 = v.let("y0", log((1 + (n - 1) * g0) / (1 - g0)), "y at time 0", latex="y_0")
slow = n * t / (exp(be) + n - 1)


def gamma(y):
    return (exp(y) - 1) / (exp(y) + n - 1)


def closed(t):
    return (1 + (n - 1) * g0 - (1 - g0) * exp(-2 * t)) / (1 + (n - 1) * g0 + (n - 1) * (1 - g0) * exp(-2 * t))


def sa(m, n, be, t, g0):
    """Return gamma at time t: the root in y of the closed hitting time, between the two lines."""
    first = m.log((1 + (n - 1) * g0) / (1 - g0))

    def time(y):
        side = n / (m.exp(y) + n - 1)
        far = m.exp(be * n / (n - 1)) * m.ei(-be * (n / (n - 1) - side))
        return (far - m.ei(be * side) + (n - 1) * y) / (2 * n)

    root = m.root(lambda y: time(y) - time(first) - t, first + 2 * n * t / (m.exp(be) + n - 1), first + 2 * t)
    return {"sa": (m.exp(root) - 1) / (m.exp(root) + n - 1)}


place = ("walter1998", "comparison theorem for scalar equations; number not confirmed")
at = {"n": 8, "be": 1, "t": 1, "g0": 0}
theorem = v.theorem(
    title="Opposite monotonicity of the two equiangular dynamics, and an envelope",
    cite=("geshkovski2025", "consequence of equations (6.9) and (6.10), derived here"),
    given=[
        b0 <= b1,
        premise("lower line", y0 + 2 * slow <= y, place, "the speed of y is at least that of the line"),
        premise("upper line", y <= y0 + 2 * t, place, "the speed of y is at most 2"),
    ],
    claim=[
        2 * (1 - u) * ((n - 1) * u + 1) >= 0,
        N / (exp(b1 * (1 - x)) + n - 1) <= N / (exp(b0 * (1 - x)) + n - 1),
        N * exp(b0 * p) <= N * exp(b1 * p),
        N * exp(-b1 * p) <= N * exp(-b0 * p),
        2 * n / (exp(be) + n - 1) <= 2 * n / (exp(be * (1 - p)) + n - 1),
        2 * n / (exp(be * (1 - p)) + n - 1) <= 2,
        closed(slow) <= gamma(y),
        gamma(y) <= closed(t),
    ],
    proof=[
        derive(closed(slow)).eq(gamma(y0 + 2 * slow), "beta = 0").le(gamma(y), "gamma increases", by="lower line"),
        derive(gamma(y)).le(gamma(y0 + 2 * t), "gamma increases", by="upper line").eq(closed(t), "beta = 0"),
    ],
    tight={be: 0, y: y0 + 2 * t, b1: b0, u: 1 + 0 * n},
    outputs={"lower": closed(slow), "upper": closed(t)},
    algorithm=sa, computes=("sa",),
    values=[
        value("0.343625974426408", "eight tokens", of="lower", **at),
        value("0.362586879849336", "eight tokens", of="sa", **at),
        value("0.444021904911849", "eight tokens", of="upper", **at),
    ],
)  # fmt: skip
