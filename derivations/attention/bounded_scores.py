r"""Bounded scores move attention only so far from its prior.

With $|s_j| \le B$ every weight is within the factor $e^{2B/\varepsilon}$ of its prior $\pi_j$, whatever the prior is,
and the relative entropy to the prior is at most $2B/\varepsilon$ and at most $B^2/2\varepsilon^2$ (Hoeffding). Keys
of prior 0 keep weight 0. With constant scores attention is its prior.
"""

from dltsym import Break, Eq, Scope, derive, exp, log, thm, value

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
B = v.pos("B", "bound on the size of the scores", latex="B_{\\max}")
s = v.array("s", m, "scores", lo=-B, hi=B)
w = v.array("w", m, "prior", lo=0, lo_open=True, latex=r"\pi")
i = v.index("i", m)
Z = v.let("Z", v.sum(lambda j: w[j] * exp(s[j] / eps), m), "normaliser")


def p(j):
    return w[j] * exp(s[j] / eps) / Z


mean = v.let("mu", v.sum(lambda j: p(j) * s[j], m), "mean score", latex=r"\mu")
kl = v.let("K", mean / eps - log(Z), "KL(attention || prior)", unit="nat")


def total(c):
    return v.sum(lambda j: w[j] * exp(c / eps), m)


hoeffding = thm("concentration.hoeffding_finite", p=p, y=lambda j: s[j] / eps, A=-B / eps, R=2 * B / eps)
logarithm = thm("information.log_order", x=1 / Z, y=B**2 / (2 * eps**2) - mean / eps)
theorem = v.theorem(
    title="Attention with bounded scores stays close to its prior",
    cite=("hoeffding1963", "the lemma behind Theorems 1 and 2; bounds derived here"),
    given=Eq(v.sum(lambda j: w[j], m), 1),
    claim=[p(i) <= exp(2 * B / eps) * w[i], p(i) >= exp(-2 * B / eps) * w[i], kl <= 2 * B / eps,
           kl <= B**2 / (2 * eps**2)],
    proof=[
        derive(Z).ge(total(-B), "term by term", hint="termwise").eq(exp(-B / eps), "mass 1").named("low"),
        derive(Z).le(total(B), "term by term", hint="termwise").eq(exp(B / eps), "mass 1").named("high"),
        derive(p(i)).le(w[i] * exp(s[i] / eps) / exp(-B / eps), "the normaliser", by="low")
        .le(exp(2 * B / eps) * w[i], "s <= B"),
        derive(p(i)).ge(w[i] * exp(s[i] / eps) / exp(B / eps), "the normaliser", by="high")
        .ge(exp(-2 * B / eps) * w[i], "s >= -B"),
        derive(v.sum(p, m)).eq(1, "attention sums to 1").named("one"),
        derive(mean).le(v.sum(lambda j: p(j) * B, m), "term by term", hint="termwise").eq(B, "mass 1").named("mean"),
        derive(log(Z)).ge(-B / eps, "logarithm", by="low").named("log"),
        derive(mean / eps).le(B / eps, "divide", by="mean", hint="termwise").named("mean over eps"),
        derive(kl).le(B / eps - log(Z), "largest mean", by="mean over eps")
        .le(2 * B / eps, "smallest normaliser", by="log"),
        derive(1 / Z).eq(v.sum(lambda j: p(j) * exp(-(s[j] / eps)), m), "the prior has mass 1")
        .le(exp((2 * B / eps) ** 2 / 8 - v.sum(lambda j: p(j) * (s[j] / eps), m)), "Hoeffding", by=(hoeffding, "one"))
        .eq(exp(B**2 / (2 * eps**2) - mean / eps), "collect").named("hoeffding"),
        derive(log(1 / Z)).le(B**2 / (2 * eps**2) - mean / eps, "logarithm", by=(logarithm, "hoeffding")).named("free"),
        derive(kl).eq(mean / eps + log(1 / Z), "logarithm of a quotient")
        .le(mean / eps + (B**2 / (2 * eps**2) - mean / eps), "Hoeffding", by="free")
        .eq(B**2 / (2 * eps**2), "cancel"),
    ],
    outputs={"p": p(i), "kl": kl, "kl_bound": B**2 / (2 * eps**2)},
    values=[value("0.591961573817476", "scores 0.3, -1.2, 2, 0.7, prior 0.1, 0.2, 0.3, 0.4", of="kl",
                  m=4, eps="0.7", s=["0.3", "-1.2", 2, "0.7"], w=["0.1", "0.2", "0.3", "0.4"], B=2)],
    breaks=[Break({"m": 2, "eps": 1, "B": "1/10", "s": [3, 0], "w": ["1/2", "1/2"], "i": 1}, "a score is too large")],
)  # fmt: skip
