r"""One tilt bounds the Bernoulli relative entropy from below, with its exact gap.

For every real $C$ the number $-Cq - \log(1 - p + pe^{-C})$ is at most $\mathrm{kl}(q\|p)$. What is missing is
$\mathrm{kl}(q\|p_C)$ for the tilted mean $p_C = pe^{-C}/(1 - p + pe^{-C})$, so nothing is missing at the tilt from
$p$ to $q$.
"""

from dltsym import Eq, Scope, derive, exp, kl_bernoulli, log, thm, value

v = Scope()
q, p = v.prob("q", "first mean", open=True), v.prob("p", "second mean", open=True)
C = v.real("C", "tilt")
Z = v.let("Z", 1 - p + p * exp(-C), "moment of a Bernoulli law")
tilted = p * exp(-C) / Z
dual = -C * q - log(Z)

theorem = v.theorem(
    title="Lower bound of the Bernoulli relative entropy by one tilt",
    cite=("catoni2007", "Section 1.2; number not confirmed"),
    claim=[
        Eq(kl_bernoulli(q, p) - dual, kl_bernoulli(q, tilted)),
        kl_bernoulli(q, tilted) >= 0,
        dual <= kl_bernoulli(q, p),
    ],
    proof=[
        derive(tilted).gt(0, "positive terms").named("above 0"),
        derive(tilted).lt(1, "p < 1").named("below 1"),
        derive(kl_bernoulli(q, tilted))
        .ge(2 * (tilted - q) ** 2, "Pinsker", by=(thm("information.pinsker", q=q, p=tilted, w=q), "above 0", "below 1"))
        .ge(0, "a square")
        .named("gap"),
        derive(kl_bernoulli(q, tilted)).ge(0, "the chain above", by="gap"),
        derive(dual)
        .eq(kl_bernoulli(q, p) - kl_bernoulli(q, tilted), "the gap")
        .le(kl_bernoulli(q, p), "it is not negative", by="gap"),
    ],
    kind="lower bound",
    outputs={"dual": dual},
    values=[value("0.179885493041722", "q = 0.2, p = 0.5, C = 1, computed here", q="0.2", p="0.5", C=1)],
)
