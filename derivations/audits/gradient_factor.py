r"""The unnormalised dynamics is n times the gradient of the energy.

Secondary notes write $X' = \nabla E$. In the product metric of the sphere each token's gradient of $E =
\frac{1}{2\beta n^2}\sum_{ij} e^{\beta\langle x_i, x_j\rangle}$ carries $1/n^2$ and the drift $1/n$: the factor is
$n$. On five tokens in three dimensions the ratio is 5.
"""

from fractions import Fraction

from dltsym import Eq, Scope, value

v = Scope()
be = v.pos("be", "inverse temperature", latex=r"\beta")
ratio = v.real("ratio", "drift over gradient, first token, first coordinate")
rise = v.real("rise", "rise of the energy along the printed flow over that along the drift")
drift = v.real("drift", "drift of the first token, first coordinate")


def fixture(m, be):
    """Evaluate drift and Riemannian gradient on X_ik = sin((i+1)(k+2)), five unit tokens in three dimensions."""
    n, size = 5, range(3)
    raw = [[m.sin(m.number((i + 1) * (k + 2))) for k in size] for i in range(n)]
    X = [[x / m.sqrt(m.sum(y * y for y in row)) for x in row] for row in raw]
    inner = [[m.sum(a * b for a, b in zip(x, y, strict=True)) for y in X] for x in X]
    W = [[m.exp(be * g) for g in row] for row in inner]

    def tangent(i, scale):
        pull = [scale * m.sum(W[i][j] * X[j][c] for j in range(n)) for c in size]
        along = m.sum(a * b for a, b in zip(pull, X[i], strict=True))
        return [a - along * b for a, b in zip(pull, X[i], strict=True)]

    drift = [tangent(i, Fraction(1, n)) for i in range(n)]
    gradient = [tangent(i, 2 * be / (2 * be * n**2)) for i in range(n)]  # each pair of tokens occurs twice in E
    along = m.sum(a * b for x, y in zip(gradient, drift, strict=True) for a, b in zip(x, y, strict=True))
    square = m.sum(a * a for x in gradient for a in x)
    return {"ratio": drift[0][0] / gradient[0][0], "rise": square / along, "drift": drift[0][0]}


audit = v.audit(
    title="The gradient flow has a factor n",
    source=("geshkovski2025", "secondary notes on Remark 3.8, not the paper"),
    prints="X' = grad E",
    claim=Eq(ratio, 1),
    at={"be": 2},
    fixture=fixture,
    verdict="holds with correction",
    corrected="X' = n grad E (unnormalised model); n^2 grad E in the weighted metric (normalised model).",
    outputs={"ratio": ratio, "rise": rise, "drift": drift},
    values=[
        value("5", "five tokens", of="ratio", digits=12),
        value("0.2", "five tokens", of="rise", digits=12),
        value("0.0766050116603612", "first coordinate", of="drift"),
    ],
    see=("particles.gradient_structure",),
)
