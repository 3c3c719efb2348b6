r"""A bound of kl type for tokens: Catoni's form for martingales.

Losses $X_k \in [0, 1]$ with conditional means $\mu_k$ given the past. On $[0, 1]$ the exponential lies below its
chord, so $E[e^{-CX_k} \mid F_{k-1}] \le 1 - \mu_k(1 - e^{-C})$ and the product of $e^{-CX_k}/(1 - \mu_k(1 - e^{-C}))$
is a supermartingale; Markov's inequality and a union over the prior give the cited event. The logarithm is concave,
so the event bounds the mean $\bar\mu$ of the conditional means. $C$ is fixed in advance: $\mathrm{kl}^+$ itself is
not available since $\bar\mu$ is random (`llm_bounds.token_supermartingale` shows what the best $C$ would give); a
grid of $C$ costs its logarithm. Derived here. As with `llm_bounds.token_bound` this is the risk of the next token on
the contexts seen.
"""

from dltsym import Bound, Eq, Scope, derive, exp, log, premise, thm, value

v = Scope()
n = v.count("n", "tokens, a martingale")
C = v.pos("C", "inverse temperature per token, fixed before the data")
X = v.array("X", n, "losses", lo=0, hi=1)
mu = v.array("mu", n, "conditional means of the losses", lo=0, hi=1, latex=r"\mu")
D, c = v.nonneg("D", "cost of the model used, log(1/P)", unit="nat"), v.pos("c", "complexity per token", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "mean loss", latex=r"\hat r")
mean = v.prob("bar", "mean of the conditional means", latex=r"\bar\mu")


def base(p):
    return 1 - p * (1 - exp(-C))


def upper(c):
    return (1 - exp(-C * s - c)) / (1 - exp(-C))


radius = (D + log(1 / dlt)) / n
logs = v.sum(lambda i: 1 / n * log(base(mu[i])), n)
inside = log(base(mean)) + C * s + c
jensen = thm("information.jensen_log", p=lambda i: 1 / n, x=lambda i: base(mu[i]))
theorem = v.theorem(
    title="Catoni's bound for tokens",
    cite=("catoni2007", "the bound for independent data; the martingale form is derived here"),
    given=[
        Eq(n * s, v.sum(lambda i: X[i], n)),
        Eq(n * mean, v.sum(lambda i: mu[i], n)),
        premise(
            "event", v.sum(lambda i: -C * X[i] - log(base(mu[i])), n) <= n * c,
            ("catoni2007", "supermartingale, Markov's inequality and a union over the prior, with c the radius"),
            "with probability at least 1 - delta, for all models at once",
        ),
    ],
    claim=mean <= upper(c),
    proof=[
        derive(v.sum(lambda i: 1 / n, n)).eq(1, "equal weights").named("mass"),
        derive(v.sum(lambda i: 1 / n * base(mu[i]), n)).eq(base(mean), "a chord is linear")
        .gt(0, "mean at most 1").named("positive"),
        derive(logs)
        .le(log(v.sum(lambda i: 1 / n * base(mu[i]), n)), "Jensen", by=[jensen, "mass", "positive"])
        .eq(log(base(mean)), "a chord is linear", by="positive").named("Jensen"),
        derive(-logs - C * s)
        .eq(v.sum(lambda i: -C * X[i] - log(base(mu[i])), n) / n, "collect")
        .le(c, "the event", by="event").named("average"),
        derive(base(mean) * exp(C * s + c))
        .eq(exp(inside), "exponential of the logarithm")
        .ge(1 + inside, "tangent", by=thm("information.exp_bound", u=inside))
        .ge(1, "the event", by=["Jensen", "average"]).named("solved"),
        derive(mean).le(upper(c), "solve for the mean", by="solved"),
    ],
    kind="upper bound",
    outputs={"bound": upper(radius)},
    bound=Bound(
        units={"n": "martingale token"}, about="context risk", holds_for="all hypotheses", emp_risk="s", complexity="D",
        before=("prior", "code", "loss", "C"), events=(("event", "dlt"),),
    ),
    values=[
        value("0.02354591381630", "computed here", of="bound", C=1, s=0, n=1000, D=12, dlt="0.05"),
    ],
)  # fmt: skip
