r"""Two libraries, one regularisation, two costs.

One takes the cost $\lVert x - y\rVert^2$, the other half of it. The same number for $\varepsilon$ then means another
problem: half the cost at $\varepsilon$ has half the value of the full cost at $2\varepsilon$. For normal laws of
variances 1 and 2 at $\varepsilon = 1$ the values are 1.24 and 0.85.
"""

from dltsym import Eq, Scope, log, sqrt, value

v = Scope()
A, B = v.pos("A", "first variance"), v.pos("B", "second variance")
eps = v.pos("eps", "regularisation", latex=r"\varepsilon")


def full(e):
    """Return the transport value between the two normal laws for the full cost."""
    c = -e / 4 + sqrt(e**2 / 16 + A * B)
    return A + B - 2 * c - e / 2 * log(1 - c**2 / (A * B))


audit = v.audit(
    title="Squared distance or half of it",
    source=("flashsinkhorn2026", "cost of the library, beside that of GeomLoss"),
    prints="the same eps gives the same problem in both libraries",
    claim=Eq(full(eps), full(2 * eps) / 2),
    at={"A": 1, "B": 2, "eps": 1},
    verdict="refuted",
    corrected="Halving the cost is doubling eps and halving the value.",
    outputs={"full": full(eps), "half": full(2 * eps) / 2},
    values=[
        value("1.23551340966176", "full cost", of="full", A=1, B=2, eps=1),
        value("0.846573590279973", "half cost", of="half", A=1, B=2, eps=1),
    ],
    see=("attention.gaussian_eot", "attention.squared_cost"),
)
