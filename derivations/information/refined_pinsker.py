r"""Pinsker's inequality with the variance of the larger mean.

When risks are small the quadratic bound of Pinsker is wasteful: near $p = 0$ relative entropy grows like $(p -
q)^2/(2p)$. The sharpening holds on the side $p \ge q$ with $2p$ in the denominator; on the other side the
denominator is $2q$. With the wrong denominator it is false.
"""

from dltsym import Break, Scope, derive, kl_bernoulli, value

v = Scope()
q = v.prob("q", "smaller mean")
p = v.prob("p", "larger mean", open=True)

theorem = v.theorem(
    title="Refined Pinsker inequality, upper side",
    cite=("boucheron2013", "exercises of Chapter 2; number not confirmed"),
    given=q <= p,
    claim=kl_bernoulli(q, p) >= (p - q) ** 2 / (2 * p),
    proof=derive(kl_bernoulli(q, p)).ge((p - q) ** 2 / (2 * p), "ladder from the contact p = q", hint="p @ q"),
    tight={q: p},
    outputs={"kl": kl_bernoulli(q, p), "bound": (p - q) ** 2 / (2 * p)},
    values=[value("3.068528199400547e-10", "small risks", of="kl", q="1e-9", p="2e-9")],
    breaks=[Break({"q": "9/10", "p": "1/100"}, "p < q needs 2q in the denominator")],
)
