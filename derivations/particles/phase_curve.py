r"""The curve in the plane of time and temperature on which equiangular tokens have nearly met.

For tokens that start orthogonal, the time until the common cosine is $1 - \delta$ is $T_{n,\beta}(1 - \delta)$ of
`particles.hitting_time`: the integral over $x \in [0, 1-\delta]$ of one over the speed. That integrand grows strictly
with $\beta$, and its lower bound $e^{\beta(1-x)}/(2n)$ gives $T \ge (1-\delta)(1+\beta\delta)/(2n)$, so $T$ is
strictly increasing, continuous and unbounded. Hence for every $t \ge T_{n,0}(1-\delta)$ exactly one $\beta^*(t) \ge
0$ has $T_{n,\beta^*}(1-\delta) = t$, and it increases with $t$; for smaller $t$ there is none, and the algorithm
refuses. It is the curve of the phase diagrams in the paper, where it was drawn from simulations.

The upper bound of the integrand brackets the root from below: $\beta^* \ge \log(1 + n(t/T_{n,0} - 1))$.
"""

from dltsym import DomainError, Eq, Scope, derive, diff, exp, log, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be = v.nonneg("be", "inverse temperature", latex=r"\beta")
b1 = v.pos("b1", "larger inverse temperature", latex=r"\beta_1")
x = v.real("x", "common inner product on the way", lo=0, hi=1, hi_open=True)
dl = v.real("dl", "distance from consensus", latex=r"\delta", lo=0, lo_open=True, hi=1, hi_open=True)
t = v.pos("t", "time (depth)")


def rate(b):
    """Return one over the speed of the inner product."""
    return (exp(b * (1 - x)) + n - 1) / (2 * (1 - x) * (1 + (n - 1) * x))


def curve(m, n, dl, t):
    """Return the inverse temperature at which 1 - delta is reached at time t."""
    start = m.log((1 + (n - 1) * (1 - dl)) / dl) / 2
    if t < start:
        raise DomainError(f"no inverse temperature: at beta = 0 the time is {start}, and it grows with beta")

    def time(b):
        def part(x):
            far = m.exp(b * n / (n - 1)) * m.ei(-b * (1 + (n - 1) * x) / (n - 1))
            return far - m.ei(b * (1 - x)) + (n - 1) * m.log((1 + (n - 1) * x) / (1 - x))

        return (part(1 - dl) - part(m.number(0))) / (2 * n)

    low = m.log(1 + n * (t / start - 1))
    high = 1 + 2 * low
    while time(high) < t:
        high = 2 * high
    return {"beta": m.root(lambda b: time(b) - t, low, high)}


theorem = v.theorem(
    title="Phase curve of equiangular attention dynamics",
    cite=("geshkovski2025", "curve of Figure 3, explicit here; numbering second-hand"),
    given=be < b1,
    claim=[
        rate(be) < rate(b1),
        exp(be * (1 - x)) / (2 * n) <= rate(be),
        "Integral(exp(b1*(1 - z))/(2*n), (z, 0, 1 - dl)) = (exp(b1) - exp(b1*dl))/(2*n*b1)",
        (1 - dl) * (1 + b1 * dl) / (2 * n) <= (exp(b1) - exp(b1 * dl)) / (2 * n * b1),
        rate(be) <= (exp(be) + n - 1) / n * rate(0),
        Eq(diff(log((1 + (n - 1) * x) / (1 - x)) / 2, x), rate(0)),
    ],
    proof=[
        derive(exp(be * (1 - x))).lt(exp(b1 * (1 - x)), "x < 1").named("weights"),
        derive(rate(be)).lt(rate(b1), "same denominator", by="weights"),
    ],
    outputs={"first_time": log((1 + (n - 1) * (1 - dl)) / dl) / 2},
    algorithm=curve,
    computes=("beta",),
    values=[
        value("5.87939643142896", "128 tokens", of="first_time", n=128, dl="1e-3"),
        *(
            value(number, "computed by machine", of="beta", n=k, dl="1e-3", t=at)
            for k, at, number in (
                (128, 6, "2.18727254845997"), (128, 10, "5.91239569365409"), (128, 15, "6.75709638115313"),
                (128, 25, "7.53995885985080"), (128, 30, "7.78487727090633"), (32, 12, "5.49314219106710"),
            )
        ),
    ],
)  # fmt: skip
