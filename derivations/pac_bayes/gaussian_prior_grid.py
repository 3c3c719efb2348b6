r"""Paying for the variance of the prior: a grid with summable weights.

A prior must not depend on the data, but its variance may be chosen from a grid $c\,e^{-j/b}$, $j = 1, 2, \dots$, that
was fixed before. With weights $6/(\pi^2 j^2)$, which sum to 1, grid point $j$ gets the confidence $6\delta/(\pi^2
j^2)$, and the bounds hold for all $j$ at once at the price of $2\log j + \log(\pi^2/6)$ nats. A wanted variance $t$
lies at $b\log(c/t)$; the two integers next to it are evaluated and the better one is kept. For $t \ge c$ that number
is not positive, and $\log j$ is no number: $j \ge 1$ has to be enforced.
"""

from dltsym import Bound, Eq, Scope, derive, exp, kl_bernoulli, kl_upper, log, pi, premise, sqrt, value

v = Scope()
G = v.count("G", "number of grid points looked at")
j = v.count("j", "grid point")
c, b = v.pos("c", "largest prior variance"), v.pos("b", "grid points per factor e")
D = v.nonneg("D", "KL(posterior || prior j)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
fails = v.array("T", G, "failure probability of the bound at grid point k", lo=0)
fail = v.prob("U", "probability that the bound fails at some grid point")
k = v.index("k", G)
n = v.count("n", "training examples, i.i.d.")
s, r = (
    v.prob("s", "empirical risk of the posterior", latex=r"\hat r"),
    v.prob("r", "true risk of the posterior", open=True),
)


def weight(k):
    return 6 / (pi**2 * k**2)


cost = 2 * log(j) + log(pi**2 / 6)

paid = (D + cost + log(2 * sqrt(n) / dlt)) / n
B = v.nonneg("B", "radius, the price of the grid included", unit="nat")
certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", risk="r", emp_risk="s",
    complexity="D", before=("prior", "loss", "grid"), free=("j",), tied=("j",), events=(("kl bound", "dlt"),),
)  # fmt: skip
theorem = v.theorem(
    title="Grid of prior variances",
    cite=("dziugaite2017", "Section 3, optimisation of the prior; number not confirmed"),
    given=[
        fails[k] <= weight(k) * dlt, Eq(B, paid),
        premise("union", fail <= v.sum(lambda k: fails[k], G), ("boole1854", "union bound")),
        premise("Basel", v.sum(lambda k: 1 / k**2, G) <= pi**2 / 6, ("dlmf", "25.6.1, the series of 1/k^2")),
        premise("kl bound", kl_bernoulli(s, r) <= B, ("maurer2004", "Theorem 5"),
            "for the prior of grid point j at its share of delta, which is log(1/(w dlt)) = log(1/dlt) + cost"),
    ],
    claim=[fail <= dlt, Eq(log(1 / (weight(j) * dlt)), log(1 / dlt) + cost), c * exp(-j / b) < c,
        r <= kl_upper(s, B)],
    proof=[
        derive(fail)
        .le(v.sum(lambda k: fails[k], G), "union bound", by="union")
        .le(v.sum(lambda k: weight(k) * dlt, G), "grid point by grid point", hint="termwise")
        .eq(6 * dlt / pi**2 * v.sum(lambda k: 1 / k**2, G), "common factor")
        .le(6 * dlt / pi**2 * (pi**2 / 6), "the weights sum to 1", by="Basel")
        .eq(dlt, "cancel"),
        derive(r).le(kl_upper(s, B), "definition of the inverse", by="kl bound"),
    ],
    outputs={"variance": c * exp(-j / b), "cost": cost, "paid": D + cost, "bound": kl_upper(s, paid)},
    bound=certificate,
    values=[
        value("0.050157606906606", "wanted variance 0.05, rounded down", of="variance", c="0.1", b=100, j=69),
        value("8.9659133116653", "the same", of="cost", j=69),
        value("0.049658530379141", "wanted variance 0.05, rounded up", of="variance", c="0.1", b=100, j=70),
        value("8.9946907865695", "the same", of="cost", j=70),
    ],
)  # fmt: skip
