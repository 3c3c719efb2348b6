r"""What temperature does to softmax: entropy, mean score and the winner.

Log-sum-exp is the free energy: mean score plus temperature times entropy. Its derivative in the temperature is the
entropy, the mean score falls at the rate of the variance over $\varepsilon^2$, and the entropy rises at the rate of
the variance over $\varepsilon^3$. The largest weight falls as well. Every derivative is 0 exactly when all scores are
equal: the variance is at least the weight of a key times the square of its distance from the mean. So the mean score
lies between the maximum minus $\varepsilon\log m$ and the maximum. With a prior, minus the relative entropy to it
takes the place of the entropy.
"""

from dltsym import Eq, Scope, delta, derive, diff, exp, log, thm, value, xlogx

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
s = v.array("s", m, "scores")
i, b = v.index("i", m), v.integer("b", "a key with the largest score", lo=1, hi=m)
Z = v.let("Z", v.sum(lambda j: exp(s[j] / eps), m), "partition function")


def p(j):
    return exp(s[j] / eps) / Z


L = v.let("L", eps * log(Z), "log-sum-exp, the free energy")
H = v.let("H", -v.sum(lambda j: p(j) * log(p(j)), m), "entropy of softmax", unit="nat")
mean = v.let("mu", v.sum(lambda j: p(j) * s[j], m), "mean score", latex=r"\mu")
var = v.let("Var", v.sum(lambda j: p(j) * (s[j] - mean) ** 2, m), "variance of the scores", latex=r"\mathrm{Var}")

theorem = v.theorem(
    title="Temperature derivatives of softmax",
    cite=("wainwright2008", "Section 3.6 for the variational form; the derivatives are classical"),
    given=s[i] <= s[b],
    claim=[
        Eq(L, mean + eps * H), Eq(diff(L, eps), H), Eq(diff(p(i), eps), -p(i) * (s[i] - mean) / eps**2),
        Eq(diff(mean, eps), -var / eps**2), Eq(diff(H, eps), var / eps**3), var >= p(i) * (s[i] - mean) ** 2,
        diff(p(b), eps) <= 0, mean <= s[b], mean >= s[b] - eps * log(m),
    ],
    proof=[
        derive(var)
        .ge(v.sum(lambda j: delta(i, j) * p(j) * (s[j] - mean) ** 2, m), "one of its terms", hint="termwise")
        .eq(p(i) * (s[i] - mean) ** 2, "key i alone"),
        derive(mean).le(v.sum(lambda j: p(j) * s[b], m), "no score is larger", hint="termwise")
        .eq(s[b], "softmax sums to 1").named("mean"),
        derive(mean).le(s[b], "the chain above", by="mean"),
        derive(v.sum(lambda j: xlogx(p(j)) - p(j) * log(1 / m), m))
        .ge(v.sum(p, m) - v.sum(lambda j: 1 / m, m), "Gibbs",
            by=thm("information.gibbs_inequality", p=p, w=lambda j: 1 / m))
        .eq(0, "both are laws").named("gibbs"),
        derive(H).eq(log(m) - v.sum(lambda j: xlogx(p(j)) - p(j) * log(1 / m), m), "split the logarithm")
        .le(log(m), "Gibbs", by="gibbs").named("entropy"),
        derive(exp(s[b] / eps)).le(Z, "one term of the sum", hint="termwise").named("term"),
        derive(s[b]).eq(eps * log(exp(s[b] / eps)), "logarithm").le(L, "log increases", by="term")
        .named("free energy"),
        derive(eps * H).le(eps * log(m), "times eps", by="entropy").named("eps H"),
        derive(mean).eq(L - eps * H, "free energy").ge(L - eps * log(m), "entropy", by="eps H")
        .ge(s[b] - eps * log(m), "one term of the sum", by="free energy"),
        derive(diff(p(b), eps)).eq(-p(b) * (s[b] - mean) / eps**2, "quotient rule")
        .le(0, "no score is larger", by="mean"),
    ],
    kind="identity",
    outputs={"entropy": H, "variance": var, "mean slope": -var / eps**2, "entropy slope": var / eps**3,
             "winner slope": -p(b) * (s[b] - mean) / eps**2},
    values=[
        value(number, "scores 0.3, -1.2, 2, 0.7", of=name, m=4, eps="0.7", s=["0.3", "-1.2", 2, "0.7"], b=3)
        for name, number in [
            ("entropy", "0.666271109079160"),
            ("variance", "0.403172969629616"),
            ("mean slope", "-0.822801978835951"),
            ("entropy slope", "1.17543139833707"),
        ]
    ],
)  # fmt: skip
