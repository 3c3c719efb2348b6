r"""Hoeffding's inequality for the mean of independent variables in an interval of length $\Delta$.

The moment of one term is bounded by Hoeffding's lemma; Markov's inequality and independence multiply the bounds, and
the best exponent $4t/\Delta^2$ gives the tail $e^{-2nt^2/\Delta^2}$. The radius at which it is $\delta$ is one-sided;
for both sides each tail gets $\delta/2$. It does not know the variance, can exceed the range (clip last), and says
nothing about unbounded losses. The law is stated on finitely many values; the step to any law on the interval is part
of the cited inequality. A lower bound is the upper bound of $-X$.
"""

from dltsym import Bound, Eq, Gap, Optimum, Scope, derive, exp, log, premise, sqrt, thm, value

v = Scope()
n, m, t = v.count("n", "sample size"), v.count("m", "number of values"), v.pos("t", "deviation")
p = v.array("p", m, "law of one variable", lo=0, lo_open=True)
y = v.array("y", m, "values")
A, W = v.real("A", "lower end of the values"), v.pos("W", "length of the interval", latex=r"\Delta")
i, h = v.index("i", m), v.real("h", "exponent")
T = v.prob("T", "probability that the mean falls t or more below its expectation")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.real("s", "observed mean", latex=r"\hat r")
mean = v.let("mu", v.sum(lambda j: p[j] * y[j], m), "expectation", latex=r"\mu")
lam = 4 * t / W**2
moment = v.sum(lambda j: p[j] * exp(-(lam * y[j])), m)

top = (lam * W) ** 2 / 8 - lam * mean
lemma = thm("concentration.hoeffding_finite", p=p, y=lambda j: lam * y[j], A=lam * A, R=lam * W)
order = thm("information.log_order", x=moment, y=top)
product = "the moment of a sum of independent variables is a product"
markov = ("boucheron2013", "Section 2.2, Markov's inequality and independence; number not confirmed")


def radius(sides):
    return W * sqrt(log(sides / dlt) / (2 * n))


def bound(of, side, *events):
    return Bound(of=of, units={"n": "i.i.d. example"}, about="mean", holds_for="one hypothesis", before=("loss",),
        side=side, events=events, emp_risk="s", loss="W")  # fmt: skip


halves = ("Chernoff", "dlt/2"), ("the other side", "dlt/2")
right = {"n": 1000, "W": 1, "dlt": "0.05"}

theorem = v.theorem(
    title="Hoeffding's inequality",
    cite=("hoeffding1963", "Theorem 2"),
    given=[
        Eq(v.sum(lambda j: p[j], m), 1), y[i] >= A, y[i] <= A + W,
        premise("Chernoff", T <= exp(n * (lam * mean - lam * t + log(moment))), markov, product),  # noqa: SIM300
    ],
    claim=[
        T <= exp(-2 * n * t**2 / W**2),  # noqa: SIM300
        Eq(exp(-2 * n * radius(1) ** 2 / W**2), dlt),
        Eq(2 * exp(-2 * n * radius(2) ** 2 / W**2), dlt),
        Optimum("min", h**2 * W**2 / 8 - h * t, (h,), {h: lam}, -2 * t**2 / W**2, Gap((h * W / 4 - t / W) ** 2 * 2)),
    ],
    proof=[
        derive(moment).le(exp((lam * W) ** 2 / 8 - v.sum(lambda j: p[j] * (lam * y[j]), m)), "lemma", by=lemma)
        .eq(exp(top), "the mean is linear").named("lemma"),
        derive(log(moment)).le(top, "log increases", by=(order, "lemma")).named("log"),
        derive(T).le(exp(n * (lam * mean - lam * t + log(moment))), "Chernoff", by="Chernoff")
        .le(exp(n * (lam * mean - lam * t + top)), "Hoeffding's lemma", by="log")
        .eq(exp(-2 * n * t**2 / W**2), "the best exponent"),
    ],
    outputs={
        "one_sided": s + radius(1), "lower": s - radius(1),
        "two_sided": s + radius(2), "two_sided_lower": s - radius(2),
    },
    bound=[bound("one_sided", "upper", ("Chernoff", "dlt")), bound("lower", "lower", ("Chernoff", "dlt")),
        bound("two_sided", "upper", *halves), bound("two_sided_lower", "lower", *halves)],
    values=[
        value("0.364297724398", "403 of 1000 correct, accuracy, one-sided", of="lower", s="0.403", **right),
        value("0.360053059165", "the same, two-sided", of="two_sided_lower", s="0.403", **right),
        value("0.635702275602", "597 of 1000 wrong, one-sided", of="one_sided", s="0.597", **right),
    ],
)  # fmt: skip
