r"""McAllester's bound from the kl form, by Pinsker's inequality.

The kl form bounds the true risk $r$ only implicitly. Pinsker trades tightness for a closed form; the loss is
largest when the empirical risk is near 0, where relative entropy is linear rather than quadratic in $r - s$. The
premise holds for all posteriors at once with probability at least $1 - \delta$ over i.i.d. samples, for losses in
$[0, 1]$ and a prior fixed before the data. Maurer prints it with $2\sqrt n$ for $n \ge 8$; his moment bound holds
for every $n \ge 1$, the small cases by enumeration. The true risk is taken strictly between 0 and 1, where relative
entropy is finite.
"""

from dltsym import Bound, Scope, derive, kl_bernoulli, log, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
B = v.let("B", (D + log(2 * sqrt(n) / dlt)) / n, "radius", unit="nat")

bound = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
    events=(("kl bound", "dlt"),), risk="r", emp_risk="s", complexity="D",
    family="McAllester", variant="ln(2 sqrt n), divided by 2n",
)  # fmt: skip

theorem = v.theorem(
    title="PAC-Bayes bound of McAllester type with Maurer's constant",
    cite=("maurer2004", "Theorem 5 with Pinsker's inequality"),
    given=premise(
        "kl bound",
        kl_bernoulli(s, r) <= B,
        ("maurer2004", "Theorem 5"),
        "with probability at least 1 - delta, for all posteriors; printed for n >= 8, true for n >= 1",
    ),
    claim=r <= s + sqrt(B / 2),
    proof=derive(r)
    .le(s + sqrt(kl_bernoulli(s, r) / 2), "Pinsker", by=thm("information.pinsker", q="s", p="r"))
    .le(s + sqrt(B / 2), "the kl bound", by="kl bound"),
    kind="upper bound",
    outputs={"bound": s + sqrt(B / 2), "radius": B},
    bound=bound,
    values=[
        value(
            "0.45925029229601",
            "unit-test point of a public code",
            of="bound",
            n=30000,
            D=1724,
            dlt="0.05",
            s="0.289307",
        ),
        value(
            "0.057761445192815",
            "unit-test point of a public code",
            of="radius",
            n=30000,
            D=1724,
            dlt="0.05",
            s="0.289307",
        ),
        value("0.046526363300876", "zero empirical risk", of="bound", n=10000, D=35, dlt="0.05", s=0),
        value("0.39300351179087", "large model", of="bound", n=50000, D=8000, dlt="0.05", s="0.11"),
    ],
)
