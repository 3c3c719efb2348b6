r"""Softplus between its asymptote and its parabola at 0; the slope of the sigmoid is at most one quarter.

$\log(1 + e^x)$ lies above $x$ and below its second-order Taylor polynomial at 0. The curvature of the softplus is the
variance $\sigma(1 - \sigma)$ of a Bernoulli variable, at most $1/4$: this is the constant of smoothness of the logistic
loss, and the upper parabola is its descent lemma at 0.
"""

from dltsym import Scope, derive, log, sigmoid, softplus, value

v = Scope()
x = v.real("x", "logit")

theorem = v.theorem(
    title="Bounds of softplus and of the sigmoid's slope",
    cite=("boyd2004", "Section 9.1.2, bounds from the second derivative; number not confirmed"),
    claim=[
        softplus(x) >= x,
        softplus(x) <= log(2) + x / 2 + x**2 / 8,
        "sigmoid(x)*(1 - sigmoid(x)) <= 1/4",
    ],
    proof=[
        derive(softplus(x)).ge(x, "exp(-x) is positive"),
        derive(softplus(x)).le(log(2) + x / 2 + x**2 / 8, "curvature at most 1/4", hint="x @ 0"),
        derive(sigmoid(x) * (1 - sigmoid(x))).le("1/4", "largest at 1/2"),
    ],
    outputs={"softplus": softplus(x), "parabola": log(2) + x / 2 + x**2 / 8},
    values=[value("1.31326168751822", "log(1 + e)", of="softplus", x=1)],
)
