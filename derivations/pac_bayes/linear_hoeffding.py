r"""The linear PAC-Bayes bound: change of measure with the difference of the risks.

With $\lambda(r - \hat r)$ in the exponent the moment of one hypothesis is at most $e^{\lambda^2/(8n)}$ by Hoeffding's
lemma for each of the $n$ independent losses in $[0, 1]$. Change of measure and Markov's inequality
(`pac_bayes.general_delta`) give the event below, with probability at least $1 - \delta$, for all posteriors at once
and one $\lambda$ that was fixed before the data. At the best $\lambda = \sqrt{8n(D + \log(1/\delta))}$ the bound
would be $\hat r + \sqrt{(D + \log(1/\delta))/(2n)}$; but that $\lambda$ depends on the posterior, and using it
without paying is no bound.
"""

from dltsym import Bound, Break, Eq, Scope, derive, exp, log, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
lam = v.pos("lam", "inverse temperature, fixed before the data", latex=r"\lambda")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s, r = v.prob("s", "empirical risk of the posterior", latex=r"\hat r"), v.prob("r", "true risk of the posterior")
m, h = v.count("m", "number of values of the loss"), v.pos("h", "lambda over n")
w, y = v.array("w", m, "probabilities of the values", lo=0), v.array("y", m, "values of the loss", lo=0, hi=1)
K = v.pos("K", "complexity", unit="nat")


def bound(K):
    return s + lam / (8 * n) + K / lam


certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors",
    before=("prior", "loss", "lam"), events=(("event", "dlt"),), risk="r", emp_risk="s", complexity="D",
)  # fmt: skip
radius = D + log(1 / dlt)
lemma = thm("concentration.hoeffding_finite", p=w, y=lambda j: h * y[j], A=0, R=h)
A = {"n": 30000, "D": 1724, "dlt": "0.05", "s": "0.289307"}
theorem = v.theorem(
    title="Linear PAC-Bayes bound",
    cite=("alquier2021", "Catoni's bound of 2003; number not confirmed"),
    given=[
        Eq(v.sum(lambda j: w[j], m), 1),
        Eq(K, radius),
        premise(
            "event",
            lam * (r - s) <= lam**2 / (8 * n) + K,
            ("alquier2021", "change of measure and Markov; number not confirmed"),
            "with probability at least 1 - delta over the sample, for all posteriors at once",
        ),
    ],
    claim=[
        v.sum(lambda j: w[j] * exp(-(h * y[j])), m) <= exp(h**2 / 8 - v.sum(lambda j: w[j] * (h * y[j]), m)),
        Eq(n * (lam / n) ** 2 / 8, lam**2 / (8 * n)),
        r <= bound(K),
        bound(K) >= s + sqrt(K / (2 * n)),
    ],
    proof=[
        derive(v.sum(lambda j: w[j] * exp(-(h * y[j])), m)).le(
            exp(h**2 / 8 - v.sum(lambda j: w[j] * (h * y[j]), m)), "Hoeffding's lemma", by=lemma
        ),
        derive(r).le(bound(K), "divide by lambda", by="event"),
        derive(bound(K)).ge(s + sqrt(K / (2 * n)), "weighted means", by=thm("concentration.am_gm", 1)),
    ],
    kind="upper bound",
    outputs={"bound": bound(radius), "illegal": s + sqrt(radius / (2 * n))},
    bound=certificate,
    breaks=[Break({"m": 2, "w": ["1/2", "1/2"], "y": [0, 2], "h": 2}, "a loss of 2")],
    values=[
        value("0.45896330611492", "lambda tuned to a public test point, not a bound", of="illegal", **A),
        value(
            "0.45896330611492", "the same, from the tuned lambda", of="bound", lam="sqrt(240000*(1724 + log(20)))", **A
        ),
    ],
)
