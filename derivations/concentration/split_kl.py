r"""The split-kl inequality: two kl bounds for the two halves of a bounded variable.

$Z = \mu + Z^+ - Z^-$ with $Z^+ = \max(0, Z - \mu)$ and $Z^- = \max(0, \mu - Z)$, each divided by its width a loss in
$[0, 1]$. One kl bound from above and one from below, each with half of $\delta$, give a bound that is as good as kl
for ternary variables, where a single kl bound has to spread them over the whole interval. The point $\mu$ must not
depend on the data, and a half of width 0 is to be dropped. For one hypothesis $c = \log(2/\delta)/n$; for all
posteriors at once $c = (\mathrm{KL} + \log(4\sqrt n/\delta))/n$. To charge the split a second time, as $\log(4\sqrt
n/(\delta/2))$, is a loss of $\log 2$.
"""

from dltsym import Bound, Eq, Scope, derive, kl_bernoulli, kl_lower, kl_upper, log, max_, premise, sqrt, value

v = Scope()
n = v.count("n", "sample size")
z = v.array("z", n, "observed values")
mu = v.real("mu", "split point, fixed in advance", latex=r"\mu")
A, W = v.pos("A", "width below the split point, mu - a"), v.pos("W", "width above it, b - mu")
E, U = v.real("E", "expectation"), v.prob("U", "expectation of the upper half over its width", open=True)
F = v.prob("F", "expectation of the lower half over its width", open=True)
q, w = v.prob("q", "mean of the upper half over its width"), v.prob("w", "mean of the lower half over its width")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
c, single = (D + log(4 * sqrt(n) / dlt)) / n, log(2 / dlt) / n
above, below = v.sum(lambda j: max_(z[j] - mu, 0), n) / n, v.sum(lambda j: max_(mu - z[j], 0), n) / n


def split(radius):
    """Return the bound at a radius."""
    return mu + W * kl_upper(q, radius) - A * kl_lower(w, radius)


bound = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss",
        "mu"),
    events=(("upper", "dlt/2"), ("lower", "dlt/2")), risk="E", complexity="D", loss=("mu - A", "mu + W"),
        rises=("q",), falls=("w",),
)  # fmt: skip
shared = {"n": 5000, "dlt": "0.05", "mu": "0.5", "A": "0.5", "W": "0.5", "q": "0.05", "w": "0.6"}

theorem = v.theorem(
    title="Split-kl inequality",
    cite=("wu2022", "split-kl and PAC-Bayes-split-kl inequalities; numbers not confirmed"),
    given=[
        Eq(E, mu + W * U - A * F),
        premise("upper", kl_bernoulli(q, U) <= c, ("wu2022", "kl bound of the upper half"),
            "with probability 1 - delta/2, for all posteriors"),
        premise("lower", kl_bernoulli(w, F) <= c, ("wu2022", "kl bound of the lower half"),
            "with probability 1 - delta/2, for all posteriors"),
    ],
    claim=[E <= split(c), Eq(v.sum(lambda j: z[j], n) / n, mu + above - below)],  # noqa: SIM300
    proof=[
        derive(c).ge(0, "n >= 1").named("radius"),
        derive(U).le(kl_upper(q, c), "definition of the inverse", by=("upper", "radius")).named("high"),
        derive(F).ge(kl_lower(w, c), "definition of the inverse", by=("lower", "radius")).named("low"),
        derive(E).eq(mu + W * U - A * F, "split").le(mu + W * kl_upper(q, c) - A * F, "upper", by="high")
            .le(split(c), "lower", by="low"),
    ],
    kind="upper bound",
    outputs={"bound": split(c), "single": split(single)},
    bound=bound,
    values=[value("0.27174629676936", "computed here", of="bound", D=30, **shared)],
)  # fmt: skip
