r"""The variational dual of the Bernoulli relative entropy (Catoni's form of the kl inverse).

For every $C$ the function $-Cq - \log(1 - p + pe^{-C})$ lies below $\mathrm{kl}(q\|p)$, see `information.tilted_kl`,
with equality at the $C^* \ge 0$ that tilts $p$ to $q$, which is finite for $q > 0$; for $q = 0$ the supremum is a
limit. So a bound $\mathrm{kl}(q\|p) \le c$ implies one bound for each $C > 0$ that is solved for $p$, with equality
at $C^*$ on the boundary: the kl inverse is the smallest of them. A fixed $C$ costs nothing; to choose it on the data
does. As $C \to 0$ the bound tends to infinity for $c > 0$.
"""

from dltsym import Break, Eq, Gap, Optimum, Scope, derive, exp, kl_bernoulli, log, thm, value

v = Scope()
q, p = v.prob("q", "smaller mean", open=True), v.prob("p", "larger mean", open=True)
C = v.real("C", "tilt")
c, D = v.nonneg("c", "radius", unit="nat"), v.pos("D", "a positive tilt, fixed in advance")
best = log(p * (1 - q) / (q * (1 - p)))
kl = kl_bernoulli(q, p)
gap = kl_bernoulli(q, p * exp(-C) / (1 - p + p * exp(-C)))


def dual(tilt):
    return -tilt * q - log(1 - p + p * exp(-tilt))


def catoni(tilt, radius):
    return (1 - exp(-tilt * q - radius)) / (1 - exp(-tilt))


def inverse(m, q, c):
    """Enclose the kl inverse, the best tilt there and the smallest of the bounds."""
    p = m.root(lambda x: m.kl_bernoulli(q, x) - c, q + (1 - q) / 10**6, 1 - (1 - q) * m.exp(-(c + 1) / (1 - q)) / 4)
    tilt = m.log(p * (1 - q) / (q * (1 - p)))
    return {"tilt": tilt, "infimum": (1 - m.exp(-tilt * q - c)) / (1 - m.exp(-tilt))}


at = {"q": "0.289307", "c": "(1724 + log(20))/30000"}

theorem = v.theorem(
    title="Variational dual of the Bernoulli relative entropy",
    cite=("catoni2007", "Section 1.2; number not confirmed"),
    given=[q < p, kl <= c],
    claim=[
        Optimum("max", dual(C), over=(C,), at={C: best}, value=kl, proof=Gap(gap, by="gap")),
        best > 0,
        p <= catoni(D, c),
        Eq(catoni(best, kl), p),
        "limit(-log(1 - p + p*exp(-C)), C, oo) = -log(1 - p)",
    ],
    proof=[
        derive(gap).ge(0, "relative entropy", by=thm("information.tilted_kl", 1, C=C)).named("gap"),
        derive(best).gt(0, "p(1 - q) > q(1 - p)"),
        derive(dual(D))
        .le(kl, "one tilt", by=thm("information.tilted_kl", 2, C=D))
        .le(c, "the radius")
        .named("one tilt"),
        derive((1 - p + p * exp(-D)) * exp(D * q + c))
        .eq(exp(c - dual(D)), "exp of log")
        .ge(1 + c - dual(D), "tangent of exp", by=thm("information.exp_bound", u=c - dual(D)))
        .ge(1, "one tilt", by="one tilt")
        .named("solved"),
        derive(p).le(catoni(D, c), "solve for p", by="solved"),
    ],
    algorithm=inverse,
    computes=("tilt", "infimum"),
    breaks=[Break({"q": "1/2", "p": "3/10", "c": 1, "C": 0, "D": 1}, "the first mean is larger", 1)],
    values=[
        value("0.71772341822244", "unit-test point of a public code", of="tilt", **at),
        value("0.45486601037176", "the same", of="infimum", **at),
    ],
)
