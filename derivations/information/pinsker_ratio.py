r"""The inequality between numbers behind Pinsker's inequality.

A quadratic lower bound of $u\log u - u + 1$ with the right curvature at $u = 1$ and the right growth: the difference
of the two sides vanishes to third order at $u = 1$. Cases $u = 0$ and $u = 1$ are inside.
"""

from dltsym import Scope, derive, value, xlogx

v = Scope()
u = v.nonneg("u", "ratio of two probabilities")
share = xlogx(u) - u + 1

theorem = v.theorem(
    title="Quadratic lower bound of relative entropy, one term",
    cite=("boucheron2013", "Chapter 4, exercises on Pinsker's inequality; number not confirmed"),
    claim=3 * (u - 1) ** 2 <= (2 * u + 4) * share,
    proof=derive(3 * (u - 1) ** 2).le((2 * u + 4) * share, "contact of third order", hint="u @ 1"),
    tight={u: 1},
    outputs={"share": share, "bound": 3 * (u - 1) ** 2 / (2 * u + 4)},
    values=[
        value("0.386294361119891", "2 log 2 - 1", of="share", u=2),
        value("0.375", "3/8", of="bound", u=2),
    ],
)
