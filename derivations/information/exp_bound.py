r"""The tangent of the exponential at 0 lies below it.

The twin of the tangent bound of the logarithm: it opens every exponential-moment argument, where a product of factors
$1 + sA$ is replaced by the exponential of a sum.
"""

from dltsym import Scope, exp, value

v = Scope()
u = v.real("u", "any exponent")

theorem = v.theorem(
    title="Tangent bound of the exponential",
    cite=("boyd2004", "Section 3.1.3, first-order condition for the exponential; number not confirmed"),
    claim=exp(u) >= 1 + u,
    kind="lower bound",
    tight={u: 0},
    outputs={"exp": exp(u), "bound": 1 + u},
    values=[value("2.71828182845905", "e against 2", of="exp", u=1)],
)
