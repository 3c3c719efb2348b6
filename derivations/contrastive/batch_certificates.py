r"""Risk certificates for SimCLR-type losses from whole batches or from dependent pairs.

Scores are cosines, divided by $\tau$. In a batch of $m$ a row loss is at most $B = 2/\tau + \log m$, so that i.i.d.
batches, $n/m$ of them, have a kl bound on that scale. A bound over all $n$ samples needs another route: the constant
of bounded differences of `contrastive.batch_range` (McDiarmid, Theorems 2 and 5; it is 2 for 0-1 risk), or the
normaliser replaced by its mean up to $\varepsilon$ with a probability that is paid for ($\varepsilon$-kl, Theorems 1
and 4, with split $a$). Forms and numbers of the last two are read from the authors' code, not derived here. As $\tau
\to 0$ both explode. A bound above 1, or above $B$, says nothing.
"""

from dltsym import Bound, Scope, derive, exp, kl_bernoulli, kl_upper, log, premise, sqrt, value

v = Scope()
m = v.count("m", "batch size", lo=2)
n = v.count("n", "samples, at least one batch", lo=m)
tau = v.pos("tau", "temperature", latex=r"\tau")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt, a = v.prob("dlt", "failure probability", open=True, latex=r"\delta"), v.prob("a", "split", open=True)
s = v.prob("s", "empirical risk of the posterior, divided by its range", latex=r"\hat r")
r = v.prob("r", "risk of the posterior, divided by its range", open=True)
B = v.let("B", 2 / tau + log(m), "range of a row loss")
eps = (exp(1 / tau) - exp(-1 / tau)) * sqrt((m - 1) * log(2 / dlt) / (2 * a))
gamma = sqrt(log(2 / dlt) / (2 * (m - 1) * a))
radius = m * (D + log(2 * sqrt(n) / (dlt * sqrt(m)))) / n
shifted = s + gamma + (dlt / 2) ** ((1 - a) / a)
paid = kl_upper(shifted, (D + log(sqrt(n) / dlt)) / n) + (dlt / 2) ** (1 / a) + gamma
plain = s + 2 * sqrt((D + log(2 * n / dlt)) / (2 * (n - 1)))

theorem = v.theorem(
    title="Risk certificates for batches of a contrastive loss",
    cite=("vanelst2025", "Theorems 1, 2, 4 and 5; formulas from the authors' code"),
    given=[
        radius >= 0,
        premise(
            "batches",
            kl_bernoulli(s, r) <= radius,
            ("maurer2004", "Theorem 5, for n/m i.i.d. batches"),
            "with probability at least 1 - delta, for all posteriors at once",
        ),
    ],
    claim=[
        B * r <= B * kl_upper(s, radius),
    ],
    proof=[
        derive(r).le(kl_upper(s, radius), "definition of the inverse", by="batches").named("inverse"),
        derive(B * r).le(B * kl_upper(s, radius), "scale", by="inverse"),
    ],
    kind="upper bound",
    outputs={"bound": kl_upper(s, radius), "range": B, "eps": eps, "range_eps": 1 / tau + log(m * exp(1 / tau) + eps),
             "gamma": gamma, "paid": paid, "McDiarmid": plain},
    bound=Bound(
        units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
        events=(("batches", "dlt"),), risk="r", emp_risk="s", complexity="D",
    ),
    values=[
        value(number, "defaults of the code", of=name, m=250, tau=temperature, dlt="0.04", a="0.4")
        for temperature, rows in [
            (1, [("range", "7.521460918"), ("eps", "82.01581401"), ("range_eps", "7.635403457"),
                 ("gamma", "0.1401380380")]),
            ("0.2", [("range", "15.52146092"), ("eps", "5178.548789"), ("range_eps", "15.65211292")]),
        ]
        for name, number in rows
    ]
    + [
        value(number, "0-1 risk 0.3", of=name, m=250, dlt="0.04", a="0.4", s="0.3", n=10000, D=200)
        for name, number in [("paid", "0.6849566156"), ("McDiarmid", "0.5064672748")]
    ],
)  # fmt: skip
