r"""The first kl bound for randomised classifiers, with $n + 1$ where $2\sqrt n$ is possible.

Its moment bound is elementary. The exponential moment of $n\,\mathrm{kl}(k/n\|p)$ over $k \sim \mathrm{Bin}(n, p)$ is
a sum of $n + 1$ terms, free of $p$, and each term $\binom{n}{k}(k/n)^k(1 - k/n)^{n-k}$ is a probability, that of $k$
successes when the mean is $k/n$. So the moment is at most $n + 1$. Maurer's $2\sqrt n$ is never larger, and equal at
$n = 1$ only: this bound is the older one, not another one. Dziugaite and Roy use a third form, with $\log(n/\delta)$
over $n - 1$. The event below holds for all posteriors at once with probability at least $1 - \delta$ over the i.i.d.
sample, for losses in $[0, 1]$ and a prior fixed before the data.
"""

from dltsym import Bound, Scope, derive, kl_bernoulli, kl_upper, log, premise, sqrt, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
B = v.let("B", (D + log((n + 1) / dlt)) / n, "radius", unit="nat")
M = v.let("M", (D + log(2 * sqrt(n) / dlt)) / n, "Maurer's radius", unit="nat")
t = v.array("t", n + 1, "terms of the moment: binomial probabilities of k - 1 errors at the mean (k - 1)/n", lo=0, hi=1)
certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
    events=(("kl bound", "dlt"),), risk="r", emp_risk="s", complexity="D",
)  # fmt: skip

theorem = v.theorem(
    title="Langford and Seeger's kl bound",
    cite=("langford2001", "main theorem; number not confirmed"),
    given=premise(
        "kl bound",
        kl_bernoulli(s, r) <= B,
        ("langford2001", "main theorem; number not confirmed"),
        "with probability at least 1 - delta",
    ),
    claim=[v.sum(lambda j: t[j], n + 1) <= n + 1, M <= B, r <= kl_upper(s, B)],
    proof=[
        derive(v.sum(lambda j: t[j], n + 1))
        .le(v.sum(lambda j: 1, n + 1), "each term is a probability", hint="termwise")
        .eq(n + 1, "number of terms"),
        derive(2 * sqrt(n)).le(n + 1, "(sqrt(n) - 1)^2").named("root"),
        derive(log(2 * sqrt(n) / dlt)).le(log((n + 1) / dlt), "the logarithm increases", by="root").named("logs"),
        derive(M).le(B, "the same numerator otherwise", by="logs"),
        derive(log((n + 1) / dlt)).ge(0, "n + 1 > 1 > delta").named("positive"),
        derive(B).ge(0, "a quotient", by="positive").named("radius"),
        derive(r).le(kl_upper(s, B), "definition of the inverse", by=("kl bound", "radius")),
    ],
    kind="upper bound",
    outputs={"bound": kl_upper(s, B)},
    bound=certificate,
    values=[
        value("0.45537993043651", "test point of a public code", n=30000, D=1724, dlt="0.05", s="0.289307"),
        value("0.0047094926622560", "zero empirical risk", n=10000, D=35, dlt="0.05", s=0),
        value("0.35742363635151", "large model", n=50000, D=8000, dlt="0.05", s="0.11"),
    ],
)
