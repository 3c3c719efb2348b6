r"""Hoeffding's lemma for a Bernoulli variable.

The centred cumulant generating function of a Bernoulli variable is at most $h^2/8$. Its value and slope vanish at
$h = 0$ and its second derivative is the variance of a tilted Bernoulli law, at most $1/4$. A variable in $[a, b]$
follows by convexity of the exponential between its ends, see `information.tilting`. The second form has no logarithm.
"""

from dltsym import Scope, derive, exp, log, value

v = Scope()
h = v.real("h", "exponent of the moment generating function")
p = v.prob("p", "mean")
psi = log(1 - p + p * exp(h)) - p * h

theorem = v.theorem(
    title="Hoeffding's lemma (Bernoulli form)",
    cite=("hoeffding1963", "the lemma behind Theorems 1 and 2; equation number not confirmed"),
    claim=[psi <= h**2 / 8, 1 - p + p * exp(h) <= exp(p * h + h**2 / 8)],
    proof=[
        derive(psi).le(h**2 / 8, "second derivative at most 1/4", hint="h @ 0").named("log form"),
        derive(1 - p + p * exp(h))
        .eq(exp(psi + p * h), "exponential of the logarithm")
        .le(exp(p * h + h**2 / 8), "exp increases", by="log form"),
        derive(psi).le(h**2 / 8, "the first chain", by="log form"),
    ],
    tight={h: 0},
    outputs={"cumulant": psi, "bound": h**2 / 8},
    values=[value("0.120114506958278", "log cosh(1/2), p = 1/2", of="cumulant", h=1, p="1/2")],
)
