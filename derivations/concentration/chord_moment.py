r"""A loss in $[0, 1]$ has at most the exponential moments of the Bernoulli law with its mean.

Between 0 and 1 the exponential $e^{-Cx}$ lies below its chord, and the mean of a chord depends on the mean only. This
is the step by which every kl bound for 0-1 losses becomes one for losses in $[0, 1]$.
"""

from dltsym import Break, Eq, Scope, derive, exp, value

v = Scope()
m = v.count("m", "number of values")
p = v.array("p", m, "law", lo=0)
y = v.array("y", m, "values", lo=0, hi=1)
r = v.prob("r", "mean")
C = v.pos("C", "exponent")
moment = v.sum(lambda j: p[j] * exp(-C * y[j]), m)

theorem = v.theorem(
    title="Moments of a loss in the unit interval",
    cite=("hoeffding1963", "proof of Theorem 1; number not confirmed"),
    given=[Eq(v.sum(lambda j: p[j], m), 1), Eq(v.sum(lambda j: p[j] * y[j], m), r)],
    claim=moment <= 1 - r * (1 - exp(-C)),
    proof=derive(moment)
    .le(v.sum(lambda j: p[j] * (1 - y[j] * (1 - exp(-C))), m), "the chord of the exponential", hint="termwise")
    .eq(1 - r * (1 - exp(-C)), "the mean is r"),
    outputs={"moment": moment, "bound": 1 - r * (1 - exp(-C))},
    values=[value("0.606530659712633", "exp(-1/2)", of="moment", m=1, p=[1], y=["1/2"], C=1)],
    breaks=[Break({"m": 1, "p": [1], "y": [2], "r": 2, "C": 1}, "a loss of 2")],
)
