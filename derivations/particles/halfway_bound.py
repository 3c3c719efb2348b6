r"""A corrected exponential bound for tokens that start orthogonal.

While $\gamma \le \frac12$, (SA) moves at least at $1/(ne^\beta)$, so at $t_1 = ne^\beta/2$ half of the way is done.
From there $1 - \gamma$ falls at a relative rate of at least $k = n/(n + e^{\beta/2})$, and Grönwall's lemma gives $1
- \gamma(t) \le \frac12 e^{-k(t - t_1)}$ for $t \ge t_1$. For (USA) half of the way takes at most $n/2$, and the rate
is $e^{\beta/2}$. At $t_1$ the bound is $\frac12$; it is never tight later.

The range $t \ge t_1$ cannot be dropped, although the source prints the bound for $t \ge 0$: for two tokens at $\beta
= 0$ and $t = 0$ the left side is 1 and the right side $\frac12 e^{2/3} < 1$.
"""

from fractions import Fraction

from dltsym import Break, Scope, derive, exp, premise, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be = v.nonneg("be", "inverse temperature", latex=r"\beta")
x = v.real("x", "common inner product, first half", lo=0, hi=Fraction(1, 2))
z = v.real("z", "common inner product, second half", lo=Fraction(1, 2), hi=1)
t, t2 = v.nonneg("t", "time (depth), SA"), v.nonneg("t2", "time (depth), USA", latex="t_2")
g, g1 = v.real("g", "SA at time t", latex=r"\gamma"), v.real("g1", "SA halfway", latex=r"\gamma_1", hi=1)
h, h1 = v.real("h", "USA at time t2"), v.real("h1", "USA halfway", hi=1)
first = v.let("t1", n * exp(be) / 2, "time at which SA has done half of the way", latex="t_1")
k = v.let("k", n / (n + exp(be / 2)), "relative rate of SA in the second half")
late = v.let("late", exp(-exp(be / 2) * (t2 - n / 2)), "decay of USA in the second half", latex="\\omega")


def speeds(x):
    shape = 2 * (1 - x) * ((n - 1) * x + 1)
    return shape / (exp(be * (1 - x)) + n - 1), shape * exp(be * x) / n


def distance(m, n, be, t):
    """Return 1 - gamma for SA: the root in y of the closed hitting time."""

    def time(y):
        far = m.exp(be * n / (n - 1)) * m.ei(-be * (n / (n - 1) - n / (m.exp(y) + n - 1)))
        return (far - m.ei(be * n / (m.exp(y) + n - 1)) + (n - 1) * y) / (2 * n)

    times = (lambda y: y / 2) if be == 0 else time
    start = m.number(0)
    return {"distance": n / (m.exp(m.root(lambda y: times(y) - times(start) - t, -1, 1 + 2 * t)) + n - 1)}


half = ("walter1998", "comparison theorem for scalar equations; number not confirmed")
lemma = ("walter1998", "Gronwall's lemma; number not confirmed")
theorem = v.theorem(
    title="Exponential bound after half of the way",
    cite=("geshkovski2025", "Appendix D, bounds for orthogonal initial data, with the range of t corrected"),
    given=[
        t >= first,
        t2 >= n / 2,
        premise("half, SA", g1 >= Fraction(1, 2), half, "the speed is at least 1/t1 per half until gamma = 1/2"),
        premise("decay, SA", 1 - g <= (1 - g1) * exp(-k * (t - first)), lemma, "relative rate at least k after t1"),
        premise("half, USA", h1 >= Fraction(1, 2), half, "the speed is at least 1/n until gamma = 1/2"),
        premise("decay, USA", 1 - h <= (1 - h1) * late, lemma, "relative rate after n/2"),
    ],
    claim=[
        1 / (n * exp(be)) <= speeds(x)[0],
        k * (1 - z) <= speeds(z)[0],
        1 / n <= speeds(x)[1],
        exp(be / 2) * (1 - z) <= speeds(z)[1],
        1 - g <= exp(k * (first - t)) / 2,
        1 - h <= late / 2,
    ],
    proof=[
        derive(1 - g).le((1 - g1) * exp(-k * (t - first)), by="decay, SA").le(exp(k * (first - t)) / 2, by="half, SA"),
        derive(1 - h).le((1 - h1) * late, by="decay, USA").le(late / 2, by="half, USA"),
    ],
    outputs={"sa": exp(k * (first - t)) / 2, "usa": late / 2},
    breaks=[Break({"n": 2, "be": 0, "t": 0, "g": 0, "g1": 0}, "a time before half of the way", part=4)],
    algorithm=distance, computes=("distance",),
    values=[
        value("0.5", "halfway", of="sa", digits=12, n=2, be=0, t=1),
        value("0.5", "halfway", of="sa", digits=12, n=2, be=1, t="exp(1)"),
        value("0.238405844044235", "1 - tanh 1", of="distance", n=2, be=0, t=1),
        value("0.0218572797765630", "two tokens", of="distance", n=2, be=1, t="exp(1)"),
    ],
)  # fmt: skip
