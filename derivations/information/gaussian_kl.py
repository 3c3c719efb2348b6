r"""Relative entropy of diagonal Gaussians, and the prior variance that makes it smallest.

The price of a Gaussian posterior over weights in a PAC-Bayes bound. Each coordinate costs $\frac12(r - \log r - 1)$
for the ratio $r = s^2/s_0^2$ of the variances and $(m - m_0)^2/(2s_0^2)$ for the distance of the means; it is 0 only
at the prior itself and grows without bound, but only like $\log(1/s)$, when the posterior narrows. The best variance
of a prior is the mean square of the posterior about the prior's mean; one variance for all coordinates should be the
mean of these. A prior variance chosen on the data has to be paid for by a union bound over a grid fixed before. In
floating point the three terms nearly cancel at $r \approx 1$: with $\rho = \log r$ the cost is $\frac12(e^\rho - 1 -
\rho)$. The formula is the mean of the log-ratio of the densities, for which the second moment $s^2 + (m - m_0)^2$ of
a Gaussian about $m_0$ is enough.
"""

from dltsym import Eq, Gap, Optimum, Scope, derive, exp, log, value

v = Scope()
d = v.count("d", "number of weights")
m, m0 = v.array("m", d, "means of the posterior"), v.array("m0", d, "means of the prior", latex="m_0")
s = v.array("s", d, "deviations of the posterior", lo=0, lo_open=True)
s0 = v.array("s0", d, "deviations of the prior", lo=0, lo_open=True, latex="s_0")
t = v.pos("t", "one variance for all coordinates of the prior")
u = v.array("u", d, "mean squares of the posterior about the prior's mean", lo=0, lo_open=True)
k = v.index("k", d)


def square(i):
    """Return the mean square of the posterior about the prior's mean."""
    return s[i] ** 2 + (m[i] - m0[i]) ** 2


def ratio(i):
    """Return the cost of the ratio of the deviations."""
    return exp(2 * log(s[i] / s0[i])) - 1 - 2 * log(s[i] / s0[i])


kl = v.sum(lambda i: (log(s0[i] ** 2 / s[i] ** 2) + square(i) / s0[i] ** 2 - 1) / 2, d)
stable = v.sum(lambda i: (ratio(i) + ((m[i] - m0[i]) / s0[i]) ** 2) / 2, d)
shared = v.sum(lambda i: (log(t / s[i] ** 2) + u[i] / t - 1) / 2, d)
best = v.let("B", v.sum(lambda i: u[i], d) / d, "best shared prior variance")
lowest = v.sum(lambda i: log(best / s[i] ** 2) / 2, d)
gap = d * (best / t - 1 - log(best / t)) / 2
ramp = {"d": 10, "m": [f"{k}/10" for k in range(10)], "s": [f"1/{1 + k}" for k in range(10)], "m0": [0] * 10}
near = ("9.99999966666669e-15", "s/s_0 = 1 + 1e-7, computed here")

theorem = v.theorem(
    title="Relative entropy of diagonal Gaussians and the best prior variance",
    cite=("dziugaite2017", "the objective of the Gaussian PAC-Bayes bound; number not confirmed"),
    given=Eq(u[k], square(k)),
    claim=[
        kl >= 0,
        Eq(kl, stable),
        Optimum("min", shared, over=(t,), at={t: best}, value=lowest, proof=Gap(gap, by="gap")),
    ],
    proof=[
        derive(kl)
        .ge(v.sum(lambda i: ((m[i] - m0[i]) / s0[i]) ** 2 / 2, d), "r - 1 >= log r, term by term", hint="termwise")
        .ge(0, "squares"),
        derive(gap).ge(0, "log r <= r - 1", hint="z3").named("gap"),
    ],
    kind="identity",
    tight={m: lambda i: m0[i], s: lambda i: s0[i], u: lambda i: s0[i] ** 2},
    outputs={"kl": stable, "best": v.sum(square, d) / d},
    values=[
        value("0.3631471805599453", "one weight", of="kl", d=1, m=["0.3"], s=["0.5"], m0=[0], s0=[1]),
        value("6.407755778982137", "a narrow posterior", of="kl", d=1, m=[0], s=["1e-3"], m0=[0], s0=[1]),
        value("12.30429643865879", "ten weights", of="kl", **ramp, s0=[1] * 10),
        value("0.4399767731166540690", "ten weights, computed here", of="best", **ramp),
        value(near[0], near[1], of="kl", d=1, m=[0], s=["1.0000001"], m0=[0], s0=[1]),
    ],
)
