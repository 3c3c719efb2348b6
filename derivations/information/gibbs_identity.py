r"""Gibbs variational identity: free energy, entropy and the exact gap.

For scores $s$, temperature $\varepsilon$ and any probability vector $p$, the regularised score differs from the
log-sum-exp by exactly $\varepsilon$ times the relative entropy to the softmax. So softmax is the maximiser,
log-sum-exp the maximum, and the gap, which is 0 at softmax only (`information.pinsker_tangent`), is a certificate
that can be evaluated. A prior $\pi$ is the same identity with the scores $s_j + \varepsilon\log\pi_j$, see
`attention.kl_prior`. With $p$ of mass other than 1 the identity gets that mass as a factor of $L$; with the opposite
sign of the entropy the problem is not concave, and its optimum is a vertex. Entropies use $0 \log 0 = 0$.
"""

from dltsym import Break, Eq, Gap, Optimum, Scope, derive, exp, log, thm, value, xlogx

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
s, p = v.array("s", m, "scores"), v.array("p", m, "any probability vector", lo=0)
i = v.index("i", m)
Z = v.let("Z", v.sum(lambda j: exp(s[j] / eps), m), "partition function")
L = v.let("L", eps * log(Z), "log-sum-exp at temperature eps")
objective = v.sum(lambda j: s[j] * p[j], m) - eps * v.sum(lambda j: xlogx(p[j]), m)
K = v.let("K", v.sum(lambda j: xlogx(p[j]) - p[j] * log(exp(s[j] / eps) / Z), m), "KL(p || softmax)", unit="nat")
mass = v.sum(lambda j: p[j], m) - v.sum(lambda j: exp(s[j] / eps) / Z, m)

theorem = v.theorem(
    title="Gibbs variational identity",
    cite=("wainwright2008", "Theorem 3.4 and equation (3.45)"),
    given=Eq(v.sum(lambda j: p[j], m), 1),
    claim=[
        Eq(objective, L - eps * K),
        K >= 0,
        Optimum(
            "max",
            objective,
            over=(p,),
            at={p: lambda j: exp(s[j] / eps) / Z},
            value=L,
            proof=Gap(eps * K, by="entropy"),
            subject_to=Eq(v.sum(lambda j: p[j], m), 1),
        ),
    ],
    proof=[
        derive(objective).eq(L - eps * K, "log of softmax is (s - L)/eps, and p sums to 1"),
        derive(K)
        .ge(mass, "Gibbs' inequality", by=thm("information.gibbs_inequality", w=lambda j: exp(s[j] / eps) / Z))
        .eq(0, "both are probability vectors")
        .named("entropy"),
        derive(K).ge(0, "the chain above", by="entropy"),
    ],
    outputs={"gap": eps * K, "lse": L, "p": exp(s[i] / eps) / Z},
    values=[
        value("2.15878509687053", "four scores", of="lse", m=4, eps="0.7", s=["0.3", "-1.2", 2, "0.7"], p=[0, 0, 1, 0]),
        value(
            "0.592887138786958",
            "four scores",
            of="gap",
            m=4,
            eps="0.7",
            s=["0.3", "-1.2", 2, "0.7"],
            p=["0.1", "0.2", "0.3", "0.4"],
        ),
        *[
            value(number, "four scores", of="p", m=4, eps="0.7", i=k, s=["0.3", "-1.2", 2, "0.7"], p=[0, 0, 1, 0])
            for k, number in enumerate(
                ("0.070270213096517", "0.00824404280174868", "0.797051605443879", "0.124434138657855"), 1
            )
        ],
        value("0.738379044086602", "uniform p", of="gap", m=4, eps="0.7", s=["0.3", "-1.2", 2, "0.7"], p=["1/4"] * 4),
        value("0.566485492293509", "uniform p", of="gap", m=4, eps=1, s=["0.3", "-1.2", 2, "0.7"], p=["1/4"] * 4),
    ],
    breaks=[Break({"m": 2, "eps": 1, "s": [1, 0], "p": ["1/4", "1/4"]}, "a vector of mass 1/2")],
)
