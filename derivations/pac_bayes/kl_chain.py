r"""From single hypotheses to the posterior: the chain of the PAC-Bayes kl bound on a finite class.

Relative entropy is jointly convex, so Jensen's inequality (`information.kl_jensen`) bounds $n\,\mathrm{kl}(E_Q\hat
r\|E_Q r)$ by the posterior mean of $n\,\mathrm{kl}(\hat r_j\|r_j)$, and change of measure bounds that by
$\mathrm{KL}(Q\|P)$ and the logarithm of the prior mean of the exponentials, for all posteriors at once. On the event
that this mean is at most $\xi/\delta$, which has probability at least $1 - \delta$ if $\xi$ bounds the exponential
moment of each hypothesis (`pac_bayes.prior_moment`), what is left is the premise of `pac_bayes.seeger_maurer`. Here
$0 < E_Q\hat r < 1$; at the ends Jensen's inequality is the one for the logarithm.
"""

from dltsym import Eq, Scope, derive, exp, kl_bernoulli, log, thm, value, xlogx

v = Scope()
n, N = v.count("n", "training examples, i.i.d."), v.count("N", "number of hypotheses")
P = v.array("P", N, "prior, fixed before the data", lo=0, lo_open=True)
Q = v.array("Q", N, "posterior, any law", lo=0)
q = v.array("q", N, "empirical risk of a hypothesis, loss in [0, 1]", lo=0, hi=1)
p = v.array("p", N, "true risk of a hypothesis", lo=0, hi=1, lo_open=True, hi_open=True)
s = v.let("s", v.sum(lambda j: Q[j] * q[j], N), "empirical risk of the posterior", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
dlt, xi = (
    v.prob("dlt", "failure probability", open=True, latex=r"\delta"),
    v.pos("xi", "exponential moment", latex=r"\xi"),
)


def mean(x):
    return v.sum(lambda j: Q[j] * x(j), N)


def kl(j):
    return kl_bernoulli(q[j], p[j])


D = v.let("D", v.sum(lambda j: xlogx(Q[j]) - Q[j] * log(P[j]), N), "KL(Q || P)", unit="nat")
prior_mean = v.sum(lambda j: P[j] * exp(n * kl(j)), N)
change = thm("information.donsker_varadhan", 1, n=N, P=P, Q=Q, f=lambda j: n * kl(j))
jensen = thm("information.kl_jensen", x=r, z=s * (1 - r) / (r * (1 - s)))

theorem = v.theorem(
    title="Chain of the PAC-Bayes kl bound",
    cite=("maurer2004", "proof of Theorem 5"),
    given=[Eq(v.sum(lambda j: Q[j], N), 1), Eq(r, mean(lambda j: p[j])),
           s > 0, s < 1, log(prior_mean) <= log(xi / dlt)],
    claim=n * kl_bernoulli(s, r) <= D + log(xi / dlt),
    proof=derive(n * kl_bernoulli(s, r))
    .le(n * mean(kl), "Jensen", by=jensen)
    .eq(mean(lambda j: n * kl(j)), "linear")
    .le(D + log(prior_mean), "change of measure", by=change)
    .le(D + log(xi / dlt), "the event", hint="z3"),
    kind="upper bound",
    outputs={"prior_mean": prior_mean},
    values=[
        value("1.0000000000000", "empirical risks equal to the true ones, computed here", of="prior_mean", n=12, N=2,
              P=["1/2", "1/2"], q=["3/20", "2/5"], p=["3/20", "2/5"]),
    ],
)  # fmt: skip
