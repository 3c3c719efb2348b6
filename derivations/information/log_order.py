r"""The logarithm of what is below an exponential is below the exponent.

The last line of an exponential-moment argument, where the bound of a moment becomes the bound of its logarithm.
"""

from dltsym import Break, Scope, derive, exp, log, value

v = Scope()
x = v.pos("x", "any positive number")
y = v.real("y", "an exponent")

theorem = v.theorem(
    title="Logarithm against an exponent",
    cite=("boyd2004", "Section 3.1.5, the logarithm; number not confirmed"),
    given=x <= exp(y),
    claim=log(x) <= y,
    proof=derive(log(x)).le(log(exp(y)), "log increases").eq(y, "inverse functions"),
    tight={x: exp(y)},
    outputs={"log": log(x)},
    values=[value("0.693147180559945", "log 2", x=2)],
    breaks=[Break({"x": 3, "y": 1}, "more than the exponential")],
)
