r"""Pinsker's inequality with the variance of the larger mean, lower side.

For a second mean $p$ below the first mean $q$ the denominator is $2q$: the larger of the two again. It bounds a true
risk from below, and is the form that lower confidence bounds of small risks rest on. The second claim is the end $q =
1$; $q = 0$ leaves no smaller mean.
"""

from dltsym import Break, Scope, derive, kl_bernoulli, log, value

v = Scope()
q = v.prob("q", "larger mean", open=True)
p = v.prob("p", "smaller mean", open=True)

theorem = v.theorem(
    title="Refined Pinsker inequality, lower side",
    cite=("boucheron2013", "exercises of Chapter 2; number not confirmed"),
    given=p <= q,
    claim=[kl_bernoulli(q, p) >= (q - p) ** 2 / (2 * q), -log(p) >= (1 - p) ** 2 / 2],
    proof=derive(kl_bernoulli(q, p)).ge((q - p) ** 2 / (2 * q), "ladder from the contact p = q", hint="p @ q"),
    kind="lower bound",
    outputs={"kl": kl_bernoulli(q, p), "bound": (q - p) ** 2 / (2 * q)},
    values=[value("0.153663586804", "means 0.3 and 0.1", of="kl", q="0.3", p="0.1")],
    breaks=[Break({"q": "1/100", "p": "9/10"}, "p > q needs 2p in the denominator")],
)
