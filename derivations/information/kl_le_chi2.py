r"""Relative entropy is at most the chi-square divergence, with the logarithm of one plus it between.

For Bernoulli laws the chi-square divergence is $(p-q)^2/(p(1-p))$: a lower bound of how far a kl bound can reach. In
general Jensen's inequality bounds relative entropy by $\log(1 + \chi^2)$, and the tangent of the logarithm that by
$\chi^2$, which is easier to estimate from importance weights and a warning about heavy ones: it can be infinite when
relative entropy is not. The order matters: a bound with $\chi^2$ may not be evaluated with relative entropy.
"""

from dltsym import Break, Eq, Scope, derive, kl_bernoulli, log, thm, value

v = Scope()
q, p = v.prob("q", "first mean"), v.prob("p", "second mean", open=True)
n = v.count("n", "number of outcomes")
P = v.array("P", n, "probabilities", lo=0, lo_open=True)
Q = v.array("Q", n, "reference probabilities", lo=0, lo_open=True)
kl = v.sum(lambda i: P[i] * log(P[i] / Q[i]), n)
chi2 = v.sum(lambda i: (P[i] - Q[i]) ** 2 / Q[i], n)
ratio = v.sum(lambda i: P[i] * (P[i] / Q[i]), n)

theorem = v.theorem(
    title="Relative entropy and chi-square divergence",
    cite=("cover2006", "Chapter 11, bounds between divergences; number not confirmed"),
    given=[Eq(v.sum(lambda i: P[i], n), 1), Eq(v.sum(lambda i: Q[i], n), 1)],
    claim=[kl_bernoulli(q, p) <= (p - q) ** 2 / (p * (1 - p)), kl <= log(1 + chi2), log(1 + chi2) <= chi2],
    proof=[
        derive(kl_bernoulli(q, p)).le((p - q) ** 2 / (p * (1 - p)), "ladder from the contact p = q", hint="p @ q"),
        derive(ratio).eq(1 + chi2, "expand the square").named("second moment"),
        derive(kl)
        .le(log(ratio), "Jensen", by=thm("information.jensen_log", p=P, x=lambda i: P[i] / Q[i]))
        .eq(log(1 + chi2), "expand the square", by="second moment"),
        derive(log(1 + chi2)).le(chi2, "tangent", by=thm("information.log_bound", t=1 + chi2)),
    ],
    kind="upper bound",
    aliases=["information.kl_chi2"],
    tight={P: lambda i: Q[i], q: p},
    outputs={"kl": kl, "chi2": chi2, "bernoulli": (p - q) ** 2 / (p * (1 - p))},
    values=[
        value("0.143841036225890", "log(4/3)/2", of="kl", n=2, P=["1/2", "1/2"], Q=["1/4", "3/4"]),
        value("1/3", "the same laws", of="chi2", n=2, P=["1/2", "1/2"], Q=["1/4", "3/4"]),
        value("1/3", "the same laws", of="bernoulli", q="1/2", p="1/4"),
    ],
    breaks=[Break({"n": 1, "P": [2], "Q": [1], "q": 0, "p": "1/2"}, "a mass of 2", 1)],
)
