r"""Change of measure: the variational formula of Donsker and Varadhan, with its exact gap.

The mean of $f$ under $Q$ exceeds the log-moment under $P$ by at most $\mathrm{KL}(Q\|P)$. What is missing is again a
relative entropy, to the law $P_f$ that has the density $e^f/E_P e^f$ against $P$; so equality holds at $Q = P_f$
only, and the supremum over $Q$ of $E_Q f - \mathrm{KL}$ is the log-moment. Every PAC-Bayes bound opens with this
line: $P$ is fixed before the data, $Q$ is any posterior, and $f$ is the deviation that is to be bounded. Outcomes
that $P$ does not charge, $Q$ must not charge either: there relative entropy is infinite and the bound says nothing;
they are left out here.
"""

from dltsym import Break, Eq, Gap, Optimum, Scope, derive, exp, log, thm, value, xlogx

v = Scope()
n = v.count("n", "number of outcomes")
P = v.array("P", n, "prior, fixed before the data", lo=0, lo_open=True)
Q = v.array("Q", n, "posterior, any law", lo=0)
f = v.array("f", n, "a function of the outcome")
Z = v.let("Z", v.sum(lambda i: P[i] * exp(f[i]), n), "moment of f under the prior")
kl = v.let("K", v.sum(lambda i: xlogx(Q[i]) - Q[i] * log(P[i]), n), "KL(Q || P)", unit="nat")
gap = v.let("G", v.sum(lambda i: xlogx(Q[i]) - Q[i] * log(P[i] * exp(f[i]) / Z), n), "KL(Q || P_f)", unit="nat")
mean = v.sum(lambda i: Q[i] * f[i], n)
tilted = {"n": 3, "P": ["0.5", "0.25", "0.25"], "Q": ["0.2", "0.3", "0.5"], "f": [1, "-0.5", 2]}
single = {"n": 3, "P": ["0.25", "0.5", "0.25"], "Q": [1, 0, 0], "f": ["0.5", 1, -2]}

theorem = v.theorem(
    title="Change of measure (Donsker and Varadhan)",
    cite=("donsker1975", "variational formula; number not confirmed"),
    given=Eq(v.sum(lambda i: Q[i], n), 1),
    claim=[
        Eq(kl + log(Z) - mean, gap),
        mean <= kl + log(Z),
        Optimum(
            "max",
            mean - kl,
            over=(Q,),
            at={Q: lambda i: P[i] * exp(f[i]) / Z},
            value=log(Z),
            proof=Gap(gap, by="gap"),
            subject_to=Eq(v.sum(lambda i: Q[i], n), 1),
        ),
    ],
    proof=[
        derive(kl + log(Z) - mean).eq(gap, "the logarithm of the tilted law").named("identity"),
        derive(gap)
        .ge(
            v.sum(lambda i: Q[i], n) - v.sum(lambda i: P[i] * exp(f[i]) / Z, n),
            "Gibbs' inequality",
            by=thm("information.gibbs_inequality", m=n, p=Q, w=lambda i: P[i] * exp(f[i]) / Z),
        )
        .eq(0, "both are probability vectors")
        .named("gap"),
        derive(kl + log(Z) - mean).eq(gap, "the chain above", by="identity"),
        derive(mean)
        .eq(kl + log(Z) - gap, "the identity", by="identity", hint="sums")
        .le(kl + log(Z), "drop the gap", by="gap"),
    ],
    tight={Q: lambda i: P[i] * exp(f[i]) / Z},
    outputs={"mean": mean, "kl": kl, "log_moment": log(Z), "gap": gap},
    values=[
        value("1.05", "three outcomes", of="mean", **tilted),
        value("0.21801191094333", "three outcomes", of="kl", **tilted),
        value("1.2113567568923", "three outcomes", of="log_moment", **tilted),
        value("0.37936866783566", "three outcomes", of="gap", **tilted),
        value("1.38629436111989", "log 4, a point mass", of="kl", **single),
        value("1.4769408509958", "a point mass", of="gap", **single),
    ],
    breaks=[Break({**tilted, "Q": ["0.1", "0.1", "0.1"], "f": [-9, -9, -9]}, "a posterior of mass 0.3", 1)],
)
