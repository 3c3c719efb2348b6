r"""A random sign is sub-Gaussian with the best constant.

$\log\cosh x$ is the cumulant generating function of a uniform sign. Value and slope agree with those of $x^2/2$ at 0,
and the second derivatives differ by $\tanh^2 x$. It is the case of equal odds of Hoeffding's lemma, and the reason why
averages of signs concentrate as Gaussians of variance 1 do.
"""

from dltsym import Scope, cosh, derive, log, value

v = Scope()
x = v.real("x", "exponent")

theorem = v.theorem(
    title="Log-cosh bound",
    cite=("boucheron2013", "Section 2.3, Rademacher variables; number not confirmed"),
    claim=log(cosh(x)) <= x**2 / 2,
    proof=derive(log(cosh(x))).le(x**2 / 2, "second derivative at most 1", hint="x @ 0"),
    kind="upper bound",
    tight={x: 0},
    outputs={"log_cosh": log(cosh(x)), "bound": x**2 / 2},
    values=[
        value("0.433780830483027", "log((e + 1/e)/2)", of="log_cosh", x=1),
        value("0.5", "1/2, against log cosh 1 = 0.434", of="bound", x=1),
    ],
)
