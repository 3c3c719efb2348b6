r"""Replacing the empirical risk of a randomised classifier by an average over draws.

The empirical risk $\hat r$ of a posterior is itself a mean over hypotheses. From $m$ independent draws, each
evaluated on all of the sample, Chernoff's bound gives $\mathrm{kl}(\bar r\|\hat r) \le \log(2/\delta')/m$ for their
mean $\bar r$ (with $1/\delta'$ if only the upper side is used). Both inequalities are then composed: relative entropy
falls in its first argument up to the second, so a larger first argument keeps the true risk inside the radius. The
failure probabilities add up. Draws that were used to select the posterior are not covered, nor is the mean network.
At $\delta' = 0.01$ the usual $m$ is 150000.
"""

from dltsym import Bound, Break, Scope, derive, kl_bernoulli, kl_upper, log, premise, sqrt, value

v = Scope()
n, m = v.count("n", "training examples, i.i.d."), v.count("m", "independent draws from the posterior")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability of the bound", open=True, latex=r"\delta")
dlt2 = v.prob("dlt2", "failure probability of the draws", open=True, latex=r"\delta'")
s = v.prob("s", "mean empirical risk of the draws", latex=r"\bar r")
u = v.prob("u", "empirical risk of the posterior", open=True, latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
t = v.prob("t", "a larger value in place of the empirical risk", open=True)
fail = v.prob("U", "probability that one of both fails")
E, B = log(2 / dlt2) / m, (D + log(2 * sqrt(n) / dlt)) / n
certificate = Bound(
    units={"n": "i.i.d. example", "m": "posterior draw"}, about="posterior average", holds_for="all posteriors",
    before=("prior", "loss"), delta=("dlt", "dlt2"), events=(("kl bound", "dlt"), ("draws", "dlt2")), risk="r",
    emp_risk="s", complexity="D",
)  # fmt: skip
theorem = v.theorem(
    title="Monte Carlo layer of a PAC-Bayes bound",
    cite=("langford2005", "Section on the stochastic bound; number not confirmed"),
    also=[("perezortiz2021", "the certificate, with these constants"), ("dziugaite2017", "the same two steps")],
    given=[
        premise("draws", kl_bernoulli(s, u) <= E, ("langford2005", "Chernoff's bound"), "fails with probability dlt2"),
        premise("kl bound", kl_bernoulli(u, r) <= B, ("maurer2004", "Theorem 5"), "fails with probability dlt"),
        premise("union", fail <= dlt + dlt2, ("boole1854", "union bound")),
        u <= t,
        t <= r,
    ],
    claim=[
        u <= kl_upper(s, E),
        kl_bernoulli(t, r) <= kl_bernoulli(u, r),
        r <= kl_upper(t, B),
        1 - fail >= 1 - dlt - dlt2,
    ],
    proof=[
        derive(log(2 / dlt2)).ge(0, "2 > dlt2").named("E"),
        derive(E).ge(0, "a quotient", by="E").named("E >= 0"),
        derive(log(2 * sqrt(n) / dlt)).ge(0, "2 sqrt(n) > dlt").named("B"),
        derive(B).ge(0, "a quotient", by="B").named("B >= 0"),
        derive(u).le(kl_upper(s, E), "definition of the inverse", by=("draws", "E >= 0")),
        derive(kl_bernoulli(u, r)).ge(kl_bernoulli(t, r), "it falls up to r", hint="t @ u").named("falls"),
        derive(kl_bernoulli(t, r)).le(kl_bernoulli(u, r), by="falls"),
        derive(kl_bernoulli(t, r)).le(kl_bernoulli(u, r), by="falls").le(B, "kl bound", by="kl bound").named("moved"),
        derive(r).le(kl_upper(t, B), "definition of the inverse", by=("moved", "B >= 0")),
        derive(1 - fail).ge(1 - dlt - dlt2, "both hold", by="union"),
    ],
    outputs={"empirical": kl_upper(s, E), "bound": kl_upper(kl_upper(s, E), B)},
    bound=certificate,
    breaks=[Break({"u": "3/10", "t": "1/10", "r": "1/2"}, "an end below the risk it bounds", part=1)],
    values=[
        value("0.029408890728873", "paper: 150000 draws", of="empirical", s="0.028", m=150000, dlt2="0.01"),
        value("0.037935021715672", "demonstration: 1000 draws", of="empirical", s="0.02", m=1000, dlt2="0.01"),
    ],
)
