r"""Occam's bound in the kl form: for one hypothesis at a time, tighter than any bound for all posteriors.

Hypothesis $h$ gets the radius $(\log(1/P_h) + \log(1/\delta))/n$, at which Chernoff's tail $e^{-n\,\mathrm{kl}}$ is
exactly $P_h\delta$. The union bound runs over hypotheses, not over posteriors, so nothing like $\log(2\sqrt n)$ is
owed, and every certificate for a compressed network, whose posterior is a point mass, improves on
`pac_bayes.seeger_maurer`. By Pinsker it implies `pac_bayes.occam`. A loss in $[a, a + \Delta]$ is mapped to $[0, 1]$
first: $r \le a + \Delta\,\mathrm{kl}^+((\hat r - a)/\Delta | \cdot)$. The prior must not depend on the data, and the
posterior must not be randomised.
"""

from dltsym import Bound, Eq, Scope, derive, exp, kl_bernoulli, kl_upper, log, premise, thm, value

v = Scope()
n, N = v.count("n", "training examples, i.i.d."), v.count("N", "number of hypotheses")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
P = v.array("P", N, "prior weights, fixed before the data", lo=0, lo_open=True, hi=1)
tail = v.array("T", N, "probability that hypothesis h exceeds its radius", lo=0)
fail = v.prob("U", "probability that some hypothesis exceeds its radius")
s = v.prob("s", "empirical risk of the hypothesis used, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "its true risk", open=True)
D = v.nonneg("D", "cost of the hypothesis used, log(1/P)", unit="nat")
h = v.index("h", N)


def at_cost(cost):
    """Return the radius of a hypothesis with this log(1/P)."""
    return (cost + log(1 / dlt)) / n


def chernoff(j):
    return exp(-n * at_cost(log(1 / P[j])))


B = at_cost(D)
certificate = Bound(
    units={"n": "i.i.d. example"}, about="hypothesis", holds_for="all hypotheses", before=("prior", "loss"),
    events=(("union", "dlt"),), risk="r", emp_risk="s", complexity="D",
)  # fmt: skip
points = [
    ({"n": 30000, "D": 1724, "s": "0.289307"}, "0.45486601037176"),
    ({"n": 10000, "D": 35, "s": 0}, "0.0037923639825752"),
    ({"n": 50000, "D": 8000, "s": "0.11"}, "0.35722270941078"),
    ({"n": 50000, "D": "1000*log(2) + 2*log(1000) + log(pi**2/6)", "s": "0.1"}, "0.15799617628254"),
]
theorem = v.theorem(
    title="Occam bound in the kl form",
    cite=("langford2005", "Occam's razor bound; number not confirmed"),
    also=[("blumer1987", "the first form")],
    given=[
        v.sum(lambda j: P[j], N) <= 1,
        premise("Chernoff", tail[h] <= chernoff(h), ("hoeffding1963", "Theorem 1"), "P(kl(s, r) > radius and s < r)"),
        premise("union", fail <= v.sum(lambda j: tail[j], N), ("boole1854", "union bound")),
        premise(
            "radius", kl_bernoulli(s, r) <= B, ("langford2005", "Occam's razor bound"), "outside the event, if s < r"
        ),
    ],
    claim=[Eq(chernoff(h), P[h] * dlt), fail <= dlt, r <= kl_upper(s, B), 2 * (r - s) ** 2 <= B],
    proof=[
        derive(chernoff(h)).eq(P[h] * dlt, "the radius inverts the tail"),
        derive(fail)
        .le(v.sum(lambda j: tail[j], N), "union bound", by="union")
        .le(v.sum(chernoff, N), "Chernoff, term by term", by="Chernoff", hint="termwise")
        .eq(dlt * v.sum(lambda j: P[j], N), "the radius inverts the tail")
        .le(dlt, "the prior sums to at most 1"),
        derive(log(1 / dlt)).ge(0, "1 > delta").named("positive"),
        derive(B).ge(0, "a cost is not negative", by="positive").named("B >= 0"),
        derive(r).le(kl_upper(s, B), "definition of the inverse", by=("radius", "B >= 0")),
        derive(2 * (r - s) ** 2)
        .le(kl_bernoulli(s, r), "Pinsker", by=thm("information.pinsker", q="s", p="r"))
        .le(B, "the radius", by="radius"),
    ],
    kind="upper bound",
    outputs={"bound": kl_upper(s, B)},
    bound=certificate,
    values=[value(number, "test point", dlt="0.05", **point) for point, number in points],
)
