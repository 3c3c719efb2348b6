r"""Hoeffding's lemma for a Bernoulli variable.

The centred cumulant generating function of a Bernoulli variable is at most $h^2/8$. Its value and slope vanish at
$h = 0$ and its second derivative is the variance of a tilted Bernoulli law, at most $1/4$. A variable in $[a, b]$
follows by convexity of the exponential between its ends.
"""

from dltsym import Scope, derive, exp, log, value

v = Scope()
h = v.real("h", "exponent of the moment generating function")
p = v.prob("p", "mean", open=True)
psi = log(1 - p + p * exp(h)) - p * h

theorem = v.theorem(
    title="Hoeffding's lemma (Bernoulli form)",
    cite=("hoeffding1963", "the lemma behind Theorems 1 and 2; equation number not confirmed"),
    claim=psi <= h**2 / 8,
    proof=derive(psi).le(h**2 / 8, "second derivative at most 1/4", hint="h @ 0"),
    tight={h: 0},
    outputs={"cumulant": psi, "bound": h**2 / 8},
    values=[value("0.120114506958278", "log cosh(1/2), p = 1/2", of="cumulant", h=1, p="1/2")],
)
