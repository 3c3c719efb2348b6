r"""PAC-Bayes for contrastive learning from independent tuples.

A tuple is an anchor, its positive and its negatives; the 0-1 contrastive risk asks whether the positive scores
highest. With i.i.d. tuples this is `pac_bayes.catoni_uniform` with the cost $u$ of a union over prior variances
added: it holds for all $\lambda > 0$ at once, because $\log(2\sqrt m)$ has been paid, and its minimum over $\lambda$
is the inverse of kl, attained at the log odds. They are written with the radius in place of $1 - p$, which underflows.
For tuples that share examples the authors have a form with a $\chi^2$ divergence in place of $D$ and
$\sqrt{1/\delta}$ (cited, not stated here). The printed .437 has averages of three seeds as inputs and is not
reproduced, .439 is; the sample size of the last value is not confirmed.
"""

from dltsym import Bound, Eq, Scope, derive, exp, kl_bernoulli, kl_upper, log, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "tuples, i.i.d.", latex="m")
C = v.pos("C", "lambda / m, any", latex=r"\lambda/m")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
u = v.nonneg("u", "cost of a union over prior variances", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical contrastive risk of the posterior", latex=r"\hat r")
r = v.prob("r", "contrastive risk of the posterior", open=True)
c = (D + u + log(2 * sqrt(n) / dlt)) / n
B = v.pos("B", "radius", unit="nat")
each = (1 - exp(-C * s - B)) / (1 - exp(-C))
w = v.prob("w", "an empirical risk above 0", open=True)
best = kl_upper(w, c)
lam = n * (c + log(best / w)) / (1 - w)
p = v.prob("p", "the value of the bound there", open=True)

catoni = thm("pac_bayes.catoni_uniform", 1, C=C, s=s, r=r, n=n, D=D + u, B=B, q="1/4", p="1/2")

theorem = v.theorem(
    title="PAC-Bayes bound for the contrastive risk",
    cite=("nozawa2020", "the bound for i.i.d. tuples; number not confirmed"),
    given=[
        Eq(B, c),
        premise(
            "kl bound",
            kl_bernoulli(s, r) <= B,
            ("maurer2004", "Theorem 5, with a union over prior variances"),
            "with probability at least 1 - delta, for all posteriors at once",
        ),
        Eq(kl_bernoulli(w, p), B),
    ],
    claim=[r <= kl_upper(s, B), r <= each, Eq(log(p * (1 - w) / (w * (1 - p))), (B + log(p / w)) / (1 - w))],
    proof=[
        derive(r).le(kl_upper(s, B), "definition of the inverse", by="kl bound"),
        derive(r).le(each, "Catoni", by=(catoni, "kl bound")),
        derive(B).eq(kl_bernoulli(w, p), "p is the inverse")
        .eq(w * log(w / p) + (1 - w) * log((1 - w) / (1 - p)), "definition")
        .eq((1 - w) * log(p * (1 - w) / (w * (1 - p))) - log(p / w), "collect the logarithms").named("odds"),
        derive(log(p * (1 - w) / (w * (1 - p)))).eq((B + log(p / w)) / (1 - w), "without 1 - p", by="odds"),
    ],
    kind="upper bound",
    outputs={"bound": kl_upper(s, c), "best": lam},
    bound=Bound(
        units={"n": "i.i.d. tuple"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
        events=(("kl bound", "dlt"),), risk="r", emp_risk="s", complexity="D", rises=("u",),
    ),
    values=[
        value("0.733707152319", "CIFAR-100, printed .733", of="bound", s="0.172", D=32756, n=47500, u=0, dlt="0.05"),
        value("122789", "CIFAR-100, printed 122781", of="best", w="0.172", D=32756, n=47500, u=0, dlt="0.05"),
        value("0.439261674113", "CIFAR-100, printed .437", of="bound", s="0.323", D=1333, n=47500, u=0, dlt="0.05"),
        value("0.4187", "AUSLAN, printed .419", of="bound", digits=4, s="0.199", D=9769, n=89900, u=0, dlt="0.05"),
    ],
)  # fmt: skip
