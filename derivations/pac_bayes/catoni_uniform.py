r"""Catoni's bound for all inverse temperatures at once.

The price of $\log(2\sqrt n)$ in the kl bound buys a free choice of $C$, even after seeing the data: on the event of
the kl bound, which holds for all posteriors at once with probability at least $1 - \delta$, the inequality below
holds for every $C > 0$, because Catoni's function is below relative entropy for each $C$. The best $C$ is
$\log\frac{r(1 - s)}{s(1 - r)}$ at the inverse $r$ of kl, and there nothing is lost: the infimum over $C$ is the kl
bound itself. Losses in $[0, 1]$, i.i.d. sample, a prior fixed before the data.
"""

from dltsym import Bound, Eq, Scope, derive, exp, kl_bernoulli, log, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
C = v.pos("C", "inverse temperature per example, any")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
q, p = v.prob("q", "an empirical risk", open=True), v.prob("p", "a larger risk", open=True)
B = v.pos("B", "radius", unit="nat")


def bound(C, s, c):
    return (1 - exp(-C * s - c)) / (1 - exp(-C))


best = log(p * (1 - q) / (q * (1 - p)))
base = 1 - r * (1 - exp(-C))
inside, radius = log(base) + C * s + B, (D + log(2 * sqrt(n) / dlt)) / n
dual = -C * s - log(base)
certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
    events=(("kl bound", "dlt"),), risk="r", emp_risk="s", complexity="D", free=("C",),
)  # fmt: skip


def infimum(m, n, D, dlt, s):
    """Evaluate the bound at the best C, which the inverse of kl gives."""
    radius = (D + m.log(2 * m.sqrt(n) / dlt)) / n
    p = m.kl_upper(s, radius)
    C = m.log(p * (1 - s) / (s * (1 - p)))
    return {"infimum": (1 - m.exp(-C * s - radius)) / (1 - m.exp(-C))}


theorem = v.theorem(
    title="Catoni's bound, uniform in the inverse temperature",
    cite=("letarte2019", "the form with all C at once; number not confirmed"),
    given=[q < p, Eq(B, radius), premise("kl bound", kl_bernoulli(s, r) <= B, ("maurer2004", "Theorem 5"),
        "with probability at least 1 - delta, for all posteriors")],
    claim=[kl_bernoulli(s, r) >= dual, r <= bound(C, s, B), Eq(bound(best, q, kl_bernoulli(q, p)), p)],
    proof=[derive(kl_bernoulli(s, r))
        .ge(dual, "the tilted law is closest", hint="s @ r*exp(-C)/(1 - r*(1 - exp(-C)))").named("dual"),
        derive(kl_bernoulli(s, r)).ge(dual, by="dual"), derive(base * exp(C * s + B))
        .eq(exp(inside), "exponential of the logarithm").ge(1 + inside, "tangent",
        by=thm("information.exp_bound", u=inside)).ge(1, "the kl bound", by=("dual", "kl bound")).named("solved"),
        derive(r).le(bound(C, s, B), "solve for the risk", by="solved"), derive(bound(best, q, kl_bernoulli(q, p)))
        .eq(p, "at the best C nothing is lost")], kind="upper bound",
    outputs={"bound": bound(C, s, radius), "best": best}, bound=certificate, algorithm=infimum, computes=("infimum",),
    values=[value("0.71772341822244", "the best C of a public test point", of="best", q="0.289307",
        p="0.45486601037176", digits=12), value("0.45515770784482", "test point of a public code", of="infimum",
        n=30000, D=1724, dlt="0.05", s="0.289307"), value("0.35733605855025", "large model", of="infimum", n=50000,
        D=8000, dlt="0.05", s="0.11")],
)  # fmt: skip
