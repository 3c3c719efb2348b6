r"""McAllester's bound of 1999, with the constants $\frac52 \log n + 8$.

The first PAC-Bayes bound for all posteriors. Its constants come from a cruder moment bound; from $n = 4$ on it
follows from the form with $\log n$ (`pac_bayes.mcallester_finite`), whose event is the premise here, because $\log n
\le \frac52\log n + 8$. The constants are quoted from memory of the paper. Probability at least $1 - \delta$ over the
i.i.d. sample, all posteriors at once, losses in $[0, 1]$, a prior fixed before the data. The value can exceed 1: clip
last.
"""

from dltsym import Bound, Scope, derive, log, premise, sqrt, value

v = Scope()
n = v.count("n", "training examples, i.i.d.", lo=4)
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
F = v.let("F", (D + log(1 / dlt) + log(n)) / (2 * n - 1), "squared radius of the finer form", unit="nat")
B = v.let("B", (D + log(1 / dlt) + 5 * log(n) / 2 + 8) / (2 * n - 1), "squared radius", unit="nat")

certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
    events=(("finer form", "dlt"),), risk="r", emp_risk="s", complexity="D",
    family="McAllester", variant="1999: 5/2 ln n + 8, over 2n - 1",
)  # fmt: skip
theorem = v.theorem(
    title="McAllester's bound of 1999",
    cite=("mcallester1999", "main theorem; number and constants not confirmed"),
    given=premise(
        "finer form",
        r <= s + sqrt(F),
        ("mcallester2003", "main theorem; number not confirmed"),
        "pac_bayes.mcallester_finite: with probability at least 1 - delta, for all posteriors",
    ),
    claim=r <= s + sqrt(B),
    proof=[
        derive(F).le(B, "log n is not negative").named("radii"),
        derive(r).le(s + sqrt(F), "the finer form", by="finer form").le(s + sqrt(B), "a larger radius", by="radii"),
    ],
    kind="upper bound",
    outputs={"bound": s + sqrt(B)},
    bound=certificate,
    values=[
        value("0.46061556470852", "unit-test point of a public code", n=30000, D=1724, dlt="0.05", s="0.289307"),
        value("0.058747355027787", "zero empirical risk", n=10000, D=35, dlt="0.05", s=0),
        value("0.39351588243413", "large model", n=50000, D=8000, dlt="0.05", s="0.11"),
    ],
)
