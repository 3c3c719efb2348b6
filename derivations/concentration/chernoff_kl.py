r"""The Chernoff bound in kl form: the test-set bound for losses in $[0, 1]$, without a $\sqrt n$ factor.

Between 0 and 1 the exponential $e^{-Cx}$ lies below its chord, so every law on $[0, 1]$ has at most the moments of
the Bernoulli law with its mean. With the tilt that turns the mean $r$ into the threshold $k$, which depends on both
and not on the data, the probability that the mean of $n$ independent terms is $k$ or less is at most
$e^{-n\,\mathrm{kl}(k\|r)}$. $\mathrm{kl}(\cdot\|r)$ falls on $[0, r]$, so with probability $1 - \delta$ the observed
mean $s$ has $s \ge r$ or $\mathrm{kl}(s\|r) \le \log(1/\delta)/n$: the bound is the kl inverse, one-sided. For
martingales with random conditional means it is false as it stands.
"""

from dltsym import Bound, Eq, Scope, derive, exp, kl_bernoulli, kl_upper, log, premise, thm, value

v = Scope()
n, m = v.count("n", "sample size"), v.count("m", "number of values")
p = v.array("p", m, "law of one loss", lo=0, lo_open=True)
y = v.array("y", m, "values of the loss", lo=0, hi=1)
r, k = v.prob("r", "true risk", open=True), v.prob("k", "threshold", open=True)
T = v.prob("T", "probability that the mean is at most k")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk", latex=r"\hat r")
C = v.pos("C", "tilt of r to k")
B = v.let("B", log(1 / dlt) / n, "radius", unit="nat")
moment = v.sum(lambda j: p[j] * exp(-C * y[j]), m)
Y = v.real("Y", "Chernoff exponent")
chord = (1 - r) / (1 - k)

bound = Bound(
    units={"n": "i.i.d. example"}, about="mean", holds_for="one hypothesis", before=("loss",), events=(("event",
        "dlt"),),
    risk="r", emp_risk="s",
)  # fmt: skip

theorem = v.theorem(
    title="Chernoff bound in kl form (test-set bound)",
    cite=("hoeffding1963", "Theorem 1, equation (2.1); number not confirmed"),
    also=[("chernoff1952", "the exponent; number not confirmed")],
    given=[
        Eq(v.sum(lambda j: p[j], m), 1),
        Eq(v.sum(lambda j: p[j] * y[j], m), r),
        k < r,
        Eq(C, log(r * (1 - k) / (k * (1 - r)))),
        Eq(Y, n * (C * k + log(moment))),
        premise("Chernoff", T <= exp(Y), ("boucheron2013", "Section 2.2; number not confirmed"),  # noqa: SIM300
                "Markov's inequality at the tilt C; the moment of a sum of independent terms is a product"),
        premise("event", kl_bernoulli(s, r) <= B, ("langford2005", "Section 3; number not confirmed"),
                "for s <= r: with k the largest mean of too large a kl, the tail at k is at most delta"),
    ],
    claim=[T <= exp(-n * kl_bernoulli(k, r)), r <= kl_upper(s, B)],  # noqa: SIM300
    proof=[
        derive(moment).le(1 - r * (1 - exp(-C)), "the chord", by=thm("concentration.chord_moment")).eq(chord,
            "the tilt")
        .named("moment"),
        derive(log(moment)).le(log(chord), "log increases", by="moment").named("log"),
        derive(Y).eq(n * (C * k + log(moment)), "exponent").le(n * (C * k + log(chord)), "the chord",
            by="log").named("exponent"),
        derive(T).le(exp(Y), "Chernoff", by="Chernoff").le(exp(n * (C * k + log(chord))), "exp increases",
            by="exponent")
        .eq(exp(-n * kl_bernoulli(k, r)), "the dual at its maximum"),
        derive(B).ge(0, "delta < 1", hint="z3").named("radius"),
        derive(r).le(kl_upper(s, B), "definition of the inverse", by=("event", "radius")),
    ],
    kind="upper bound",
    outputs={"bound": kl_upper(s, B), "tail": exp(-n * kl_bernoulli(k, r))},
    bound=bound,
    values=[
        value("0.029513049607040", "no error in 100: 1 - delta^(1/100)", of="bound", n=100, dlt="0.05", s=0),
        value("0.12152703644289", "5 errors in 100", of="bound", n=100, dlt="0.05", s="0.05"),
    ],
)  # fmt: skip
