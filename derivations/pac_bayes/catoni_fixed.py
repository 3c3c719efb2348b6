r"""Catoni's bound for one inverse temperature, fixed before the data.

With $\Delta(q, p) = -\log(1 - p(1 - e^{-C})) - Cq$ the exponential moment is at most 1: on $[0, 1]$ the exponential
lies below its chord, so $E e^{-CX} \le 1 - \mu(1 - e^{-C})$ for a loss of mean $\mu$, with equality for losses 0 and
1, and independent examples multiply. $\Delta$ is linear in $q$ and convex in $p$. Change of measure, Jensen and
Markov (`pac_bayes.general_delta`) give the event below for all posteriors at once, with no $\log n$. Here $C =
\lambda/n$. To minimise over $C$ after seeing the data without paying for it gives the inverse of kl at radius $(D +
\log(1/\delta))/n$, which is no bound for a general posterior; for a point mass the same number is legal, see
`pac_bayes.occam_kl`.
"""

from dltsym import Bound, Break, Eq, Scope, derive, diff, exp, log, premise, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
C = v.pos("C", "inverse temperature per example, fixed before the data")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r, p = v.prob("r", "true risk of the posterior"), v.prob("p", "true risk of one hypothesis", open=True)
m = v.count("m", "number of values of the loss")
w, y = v.array("w", m, "probabilities of the values", lo=0), v.array("y", m, "values of the loss", lo=0, hi=1)
x = v.real("x", "corrected risk")
z = v.pos("z", "exp(-C)")
mean, moment = v.prob("mu", "mean loss", latex=r"\mu"), v.pos("M", "moment of one loss")
c = v.pos("c", "radius", unit="nat")


def base(p):
    return 1 - p * (1 - exp(-C))


CHOICES = {1: (1, 1), 2: (1, 2, 1), 3: (1, 3, 3, 1), 5: (1, 5, 10, 10, 5, 1)}


def bernoulli(n):
    """Return the moment over n losses 0 or 1."""
    return sum(CHOICES[n][k] * p**k * (1 - p) ** (n - k) * z**k for k in range(n + 1))


curvature = (exp(C) - 1) ** 2 / (p * exp(C) - p - exp(C)) ** 2


def risk_bound(c=c):
    return (1 - exp(-C * s - c)) / (1 - exp(-C))


radius = (D + log(1 / dlt)) / n
inside = log(base(r)) + C * s + c
A = {"n": 30000, "D": 1724, "s": "0.289307"}
certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss", "C"),
    events=(("event", "dlt"),), risk="r", emp_risk="s", complexity="D",
)  # fmt: skip
theorem = v.theorem(
    title="Catoni's bound", cite=("catoni2007", "Theorem 1.2.6; number second-hand"),
    given=[Eq(c, radius), Eq(v.sum(lambda j: w[j], m), 1), Eq(mean, v.sum(lambda j: w[j] * y[j], m)),
        Eq(moment, v.sum(lambda j: w[j] * exp(-C * y[j]), m)), premise("event", -log(base(r)) - C * s <= c,
        ("germain2009", "general theorem with this function; number not confirmed"),
        "with probability at least 1 - delta over the sample, for all posteriors at once")],
    claim=[(moment / base(mean)) ** n <= 1, *[Eq(bernoulli(k), (1 - p * (1 - z)) ** k) for k in (1, 2, 3, 5)],
        diff(-log(base(p)), p, 2) >= 0, r <= risk_bound()],
    proof=[derive(moment).eq(v.sum(lambda j: w[j] * exp(-C * y[j]), m), "its definition")
        .le(v.sum(lambda j: w[j] * base(y[j]), m), "the chord of the exponential", hint="termwise")
        .eq(v.sum(lambda j: w[j], m) - (1 - exp(-C)) * v.sum(lambda j: w[j] * y[j], m), "a chord is linear")
        .eq(base(mean), "mass and mean").named("chord"), derive(moment / base(mean)).le(1, "divide", by="chord")
        .named("ratio"), derive((moment / base(mean)) ** n).le(1, "independent examples multiply", by="ratio"),
        derive(diff(-log(base(p)), p, 2)).eq(curvature, "quotient rule").ge(0, "squares"),
        derive(base(r) * exp(C * s + c)).eq(exp(inside), "exponential of the logarithm")
        .ge(1 + inside, "tangent", by=thm("information.exp_bound", u=inside)).ge(1, "the event", by="event")
        .named("solved"), derive(r).le(risk_bound(), "solve for the risk", by="solved")], kind="upper bound",
    outputs={"bound": risk_bound(radius), "scaled": (1 - exp(-C * x)) / (1 - exp(-C))}, bound=certificate,
    breaks=[Break({"m": 1, "w": [1], "y": [2], "mu": 2, "C": "1/2", "M": "exp(-1)", "n": 1}, "a loss of 2")],
    values=[value("0.46368571370406", "test point of a public code", of="bound", C=1, dlt="0.05", **A),
        value("0.0059994314844041", "zero empirical risk", of="bound", C=1, n=10000, D=35, dlt="0.05", s=0),
        value("0.37440048199563", "large model", of="bound", C=1, n=50000, D=8000, dlt="0.05", s="0.11"),
        value("0.41001953772647", "x = 0.3, a test of a public code", of="scaled", C=1, x="0.3")],
)  # fmt: skip
