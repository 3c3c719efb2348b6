r"""Markov's inequality for the prior mean of exponentials: where the prior must not see the data.

On a finite class and a finite probability space of samples. $f_{wj}$ compares the risks of hypothesis $j$ on sample
$w$, and $J$ bounds its exponential moment for each $j$. A prior that does not depend on $w$ may be pulled out of the
mean over samples, so the prior mean $Z_w = \sum_j P_j e^{f_{wj}}$ has mean at most $J$; a prior tuned to the sample
breaks exactly this line. $b$ marks samples with $Z_w \ge J/\delta$, and has probability at most $\delta$. Every
PAC-Bayes bound holds outside such an event.
"""

from dltsym import Break, Eq, Scope, derive, exp, value

v = Scope()
N, M = v.count("N", "number of hypotheses"), v.count("M", "number of samples")
P = v.array("P", N, "prior, fixed before the data", lo=0)
mu = v.array("mu", M, "probabilities of the samples", lo=0, latex=r"\mu")
f = v.array("f", (M, N), "comparison of the risks, times the sample size")
b = v.array("b", M, "1 on samples with a large mean, else 0", lo=0, hi=1)
J, dlt = v.pos("J", "bound of the moments"), v.prob("dlt", "failure probability", open=True, latex=r"\delta")
w, j = v.index("w", M), v.index("j", N)


def prior_mean(w):
    return v.sum(lambda j: P[j] * exp(f[w, j]), N)


def moment(j):
    return v.sum(lambda w: mu[w] * exp(f[w, j]), M)


failure = v.sum(lambda w: mu[w] * b[w], M)
theorem = v.theorem(
    title="Prior mean of exponentials",
    cite=("germain2009", "proof of the general theorem; number not confirmed"),
    given=[Eq(v.sum(lambda j: P[j], N), 1), moment(j) <= J, b[w] * (J / dlt) <= prior_mean(w)],
    claim=[
        Eq(v.sum(lambda w: mu[w] * prior_mean(w), M), v.sum(lambda j: P[j] * moment(j), N)),
        failure <= dlt,
    ],
    proof=derive(failure)
    .le(v.sum(lambda w: mu[w] * (dlt / J * prior_mean(w)), M), "Markov", hint="termwise")
    .eq(v.sum(lambda j: P[j] * (dlt / J) * moment(j), N), "the prior does not depend on the sample")
    .le(v.sum(lambda j: P[j] * dlt, N), "moments are at most J", hint="termwise")
    .eq(dlt, "the prior has mass 1"),
    outputs={"failure": failure},
    values=[value("0.3", "two samples, one of them bad", of="failure", M=2, mu=["0.3", "0.7"], b=[1, 0])],
    breaks=[
        Break({"N": 1, "M": 1, "P": [1], "mu": [1], "f": [[0]], "J": 1, "dlt": "1/2", "b": [1]}, "a wrong mark", 1),
    ],
)
