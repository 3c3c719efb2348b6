r"""The general PAC-Bayes theorem: any convex comparison of empirical and true risk, and its exponential moment.

On a finite class, where it is algebra. $g_j = n\Delta(\hat r_j, r_j)$ compares the risks of hypothesis $j$. Outside
an event of probability $\delta$ the prior mean $Z$ of $e^{g_j}$ is at most $J/\delta$, where $J$ bounds the
exponential moment of each hypothesis (`pac_bayes.prior_moment`: Fubini and Markov). There, change of measure bounds
all posteriors at once. The last step is Jensen's inequality for $\Delta$, convex in both arguments: a hypothesis on
the number $d = \Delta(E_Q\hat r, E_Q r)$ here, proved in the records that use it, and false for a $\Delta$ that is
not convex. Maurer's reduction of losses in $[0, 1]$ to losses 0 and 1 makes $J$ the supremum over $p$ of $\sum_k
\binom{n}{k}p^k(1 - p)^{n - k}e^{n\Delta(k/n, p)}$; over a grid of $p$ it is an estimate only. With $\Delta =
\mathrm{kl}$ the sum is free of $p$, see `information.maurer_moment`.
"""

from dltsym import Eq, Scope, binomial, derive, exp, log, thm, value, xlogx

v = Scope()
n, N = v.count("n", "training examples, i.i.d."), v.count("N", "number of hypotheses")
P = v.array("P", N, "prior, fixed before the data", lo=0, lo_open=True)
Q = v.array("Q", N, "posterior, any law", lo=0)
J, dlt = (
    v.pos("J", "bound of the exponential moments"),
    v.prob("dlt", "failure probability", open=True, latex=r"\delta"),
)
g = v.array("g", N, "n times the comparison of the risks, on one good sample")
d = v.real("d", "comparison of the mean risks under the posterior")
p = v.prob("p", "true risk of one hypothesis", open=True)
KL = v.let("K", v.sum(lambda j: xlogx(Q[j]) - Q[j] * log(P[j]), N), "KL(Q || P)", unit="nat")
good = v.let("Z", v.sum(lambda j: P[j] * exp(g[j]), N), "mean of the exponentials under the prior")


def tilt(k):
    """Return n kl(k/n, p), finite at both ends: (n - k)/n is 0 at k = n, 1 - k/n only up to rounding."""
    return n * (xlogx(k / n) + xlogx((n - k) / n)) - k * log(p) - (n - k) * log(1 - p)


binomial_moment = v.sum(lambda k: binomial(n, k) * p**k * (1 - p) ** (n - k) * exp(tilt(k)), (0, n))
change = thm("information.donsker_varadhan", 1, n=N, P=P, Q=Q, f=g)

theorem = v.theorem(
    title="General PAC-Bayes theorem",
    cite=("germain2009", "Theorem 2.1; number not confirmed"),
    also=[("begin2016", "the same theorem with other divergences; number not confirmed")],
    given=[
        Eq(v.sum(lambda j: Q[j], N), 1),
        log(good) <= log(J / dlt),
        n * d <= v.sum(lambda j: Q[j] * g[j], N),
    ],
    claim=n * d <= KL + log(J / dlt),
    proof=derive(n * d)
    .le(v.sum(lambda j: Q[j] * g[j], N), "Jensen")
    .le(KL + log(good), "change of measure", by=change)
    .le(KL + log(J / dlt), "a good sample", hint="z3"),
    kind="upper bound",
    outputs={"moment": binomial_moment},
    values=[value("6.2935845860009", "n = 20, any mean", of="moment", n=20, p=p0) for p0 in ("1/2", "0.07")],
)
