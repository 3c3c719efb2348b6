r"""Occam's bound: a finite class weighted by a prior.

Hypothesis $h$ gets the radius $e_h = \Delta\sqrt{(\log(1/P_h) + \log(1/\delta))/(2n)}$, chosen so that Hoeffding's
tail at $e_h$ is exactly $P_h\delta$. The union bound over the class then costs at most $\delta$ in all, because the
prior sums to at most 1. The prior must not depend on the data.
"""

from dltsym import Bound, Eq, Scope, derive, exp, log, premise, sqrt, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
N = v.count("N", "number of hypotheses")
W = v.pos("W", "width of the loss range", latex=r"\Delta")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
P = v.array("P", N, "prior weights, fixed before the data", lo=0, lo_open=True, hi=1)
tail = v.array("T", N, "probability that hypothesis h exceeds its radius", lo=0)
fail = v.prob("U", "probability that some hypothesis exceeds its radius")
s = v.real("s", "empirical risk of the hypothesis used", latex=r"\hat r")
D = v.nonneg("D", "cost of the hypothesis used, log(1/P)", unit="nat")
h = v.index("h", N)


def at_cost(cost):
    """Return the radius of a hypothesis with this log(1/P)."""
    return W * sqrt((cost + log(1 / dlt)) / (2 * n))


def radius(j):
    """Return the radius of hypothesis j."""
    return at_cost(log(1 / P[j]))


chernoff = v.sum(lambda j: exp(-2 * n * radius(j) ** 2 / W**2), N)

kraft = "6/pi**2*2**(-1000)/1000**2"
bound = Bound(
    of="at_cost", units={"n": "i.i.d. example"}, about="hypothesis", holds_for="all hypotheses",
    before=("prior", "loss"), events=(("union", "dlt"),), emp_risk="s", complexity="D", loss="W",
)  # fmt: skip

theorem = v.theorem(
    title="Occam bound for a weighted finite class",
    cite=("shalev2014", "Theorem 7.7"),
    given=[
        v.sum(lambda j: P[j], N) <= 1,
        premise(
            "Hoeffding",
            tail[h] <= exp(-2 * n * radius(h) ** 2 / W**2),
            ("hoeffding1963", "Theorem 2"),
            "tail of a mean of n independent variables with range W, at the radius",
        ),
        premise("union", fail <= v.sum(lambda j: tail[j], N), ("boole1854", "union bound")),
    ],
    claim=[Eq(exp(-2 * n * radius(h) ** 2 / W**2), P[h] * dlt), fail <= dlt],
    proof=[
        derive(exp(-2 * n * radius(h) ** 2 / W**2)).eq(P[h] * dlt, "the radius inverts the tail"),
        derive(fail)
        .le(v.sum(lambda j: tail[j], N), "union bound", by="union")
        .le(chernoff, "Hoeffding, term by term", by="Hoeffding", hint="termwise")
        .eq(dlt * v.sum(lambda j: P[j], N), "the radius inverts the tail")
        .le(dlt, "the prior sums to at most 1"),
    ],
    kind="upper bound",
    outputs={"bound": s + radius(h), "at_cost": s + at_cost(D)},
    bound=bound,
    values=[
        value("0.18428855934787", "1000 bits, Kraft prior", of=of, n=50000, W=1, dlt="0.05", s="0.1", **cost)
        for of, cost in [("bound", {"N": 1, "h": 1, "P": [kraft]}), ("at_cost", {"D": f"log(1/({kraft}))"})]
    ],
)
