r"""Catoni's function $L(a, x) = (1 - e^{-ax})/(1 - e^{-a})$ rises in both arguments.

In $x$ always; in $a$ for $0 \le x \le 1$, because $e^{ax} \le 1 - x + xe^a$ by convexity. So a larger corrected risk
gives a larger bound, and so does a larger inverse temperature per example with the same corrected risk, as long as
that is at most 1; beyond 1 the bound exceeds 1 and says nothing. Moving between grid points rests on this
(`pac_bayes.catoni_grid`).
"""

from dltsym import Break, Eq, Scope, derive, diff, exp, value

v = Scope()
x, t = v.prob("x", "a corrected risk"), v.pos("t", "an inverse temperature per example")


def L(a, x):
    return (1 - exp(-a * x)) / (1 - exp(-a))


theorem = v.theorem(
    title="Catoni's function is monotone",
    cite=("zhou2019", "used for the grid; number not confirmed"),
    claim=[
        Eq(diff(L(t, x), x), t * exp(-t * x) / (1 - exp(-t))),
        Eq(diff(L(t, x), t), exp(-t) * exp(-t * x) * (x * (exp(t) - 1) - (exp(t * x) - 1)) / (1 - exp(-t)) ** 2),
        x * (exp(t) - 1) >= exp(t * x) - 1,
    ],
    proof=derive(x * (exp(t) - 1)).ge(exp(t * x) - 1, "the exponential is convex", hint="t @ 0"),
    outputs={"L": L(t, x)},
    breaks=[Break({"t": 1, "x": 2}, "an argument above 1", part=2)],
    values=[value("0.41001953772647", "a unit test of a public code", of="L", t=1, x="0.3")],
)
