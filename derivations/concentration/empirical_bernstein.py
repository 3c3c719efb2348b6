r"""Empirical Bernstein bound of Audibert, Munos and Szepesvari: Bernstein's inequality with the measured variance.

With the biased variance and $\log(3/\delta)$ there are three events: the mean from both sides and the mean of squares
from below. Together they bound the true deviation by the measured one plus $\frac43 b\sqrt{2L/n}$
(`concentration.deviation_bound`), which put into Bernstein's inequality gives the constant 3. The form of Maurer and
Pontil, with the unbiased variance and $7/3$, is `concentration.empirical_bernstein_unbiased`; its value is computed
here too. Lower bounds hold by symmetry. Both are above the range for small $n$, at $n = 1$ always: clip last. A
variance that is computed as a difference of mean squares fails for large offsets.
"""

from dltsym import Bound, Scope, derive, log, premise, sqrt, thm, value

v = Scope()
n, b = v.count("n", "sample size", lo=2), v.pos("b", "length of the interval")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
r, s = v.real("r", "expectation"), v.real("s", "observed mean", latex=r"\hat r")
sigma = v.nonneg("sigma", "standard deviation", latex=r"\sigma")
V = v.nonneg("V", "measured variance: biased for ams, unbiased for mp", latex=r"\hat V")
D = v.nonneg("D", "error of the mean, |r - s|")
L, L2 = log(3 / dlt), log(2 / dlt)
g = sqrt(2 * L / n)
ams = sqrt(2 * V * L / n) + 3 * b * L / n
mp = sqrt(2 * V * L2 / n) + 7 * b * L2 / (3 * (n - 1))

bound = Bound(
    of="ams", units={"n": "i.i.d. example"}, about="mean", holds_for="one hypothesis", before=("loss",), loss="b",
    risk="r", emp_risk="s", events=(("both sides", "2*dlt/3"), ("squares", "dlt/3")), rises=("V",),
    family="empirical Bernstein", variant="Audibert, biased variance",
)  # fmt: skip
quadratic = thm("concentration.deviation_bound", s=sigma / b, w=sqrt(V) / b, D=D / b, g=g)
tail = ("boucheron2013", "Theorem 2.10; number not confirmed")
right = {"s": "0.403", "n": 1000, "dlt": "0.05", "b": 1, "V": "0.403*0.597"}
point = {"s": "0.1", "n": 500, "dlt": "0.05", "b": 1, "V": "0.05"}
both = sigma * g + b * g**2 / 6
lower_tail = "lower tail of the mean of (X - EX)^2, whose mean square is at most b^2 sigma^2; V is the biased variance"

theorem = v.theorem(
    title="Empirical Bernstein bound, biased variance",
    cite=("audibert2009", "Theorem 1"),
    given=[
        sigma <= b / 2,
        r - s <= D,
        premise("both sides", both >= D, tail, "D is |r - s|: Bernstein twice, delta/3 each"),
        premise("squares", sigma**2 <= V + D**2 + b * sigma * g, tail, lower_tail),
    ],
    claim=r <= s + ams,
    proof=[
        derive(sigma / b).le("1/2", "range").named("half"),
        derive(D / b).le(sigma / b * g + g**2 / 6, "divide by b", by="both sides").named("mean"),
        derive((sigma / b) ** 2)
        .le((sqrt(V) / b) ** 2 + (D / b) ** 2 + sigma / b * g, "divide by b^2", by="squares")
        .named("square"),
        derive(sigma / b)
        .le(sqrt(V) / b + 4 * g / 3, "a quadratic", by=(quadratic, "half", "mean", "square"))
        .named("sigma"),
        derive(r - s)
        .le(D, "D = |r - s|")
        .le(both, "Bernstein", by="both sides")
        .eq(b * g * (sigma / b) + b * g**2 / 6, "divide and multiply")
        .le(b * g * (sqrt(V) / b + 4 * g / 3) + b * g**2 / 6, "the deviation", by="sigma")
        .eq(ams, "4/3 + 1/6 = 3/2")
        .named("ams"),
        derive(r).le(s + ams, "add the mean", by="ams"),
    ],
    outputs={"ams": s + ams, "ams_lower": s - ams, "mp": s + mp},
    bound=bound,
    values=[
        value("0.346330877218", "403 of 1000 correct, accuracy", of="ams_lower", **right),
        value("0.15318195303924", "computed here", of="ams", **point),
        value("0.14441129963933", "the same V as the unbiased variance", of="mp", **point),
    ],
)
