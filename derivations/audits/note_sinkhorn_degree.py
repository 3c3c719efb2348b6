r"""The printed Sinkhorn loop squares the scale of its own state.

The update is $b \leftarrow b\,v$ with $v = 1/(K^\top u)$ and $u = 1/(K b)$. Sinkhorn's map sends $cb$ to $c$ times
its image; the printed map has degree 2 and sends it to $c^2$ times. So a wrong scale is squared at every step: after
ten steps $b$ is below $10^{-60}$ at $\varepsilon = 1$ and of the order $10^{16}$ to $10^{37}$ at $\varepsilon =
1/10$.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
printed = v.real("printed", "image of 2b over image of b, printed update")
right = v.real("right", "the same for Sinkhorn's update")
low, high = v.real("low", "smallest b after ten steps, eps = 1"), v.real("high", "largest b after ten steps, eps = 1")
cold = v.real("cold", "largest b after ten steps, eps = 1/10")


def fixture(m):
    """Apply both updates, without and with the printed guard, to Q_ik = sin(1+i+2k), K_jk = cos(j+3k)."""
    size = range(4)
    score = [
        [sum(m.sin(m.number(1 + i + 2 * k)) * m.cos(m.number(j + 3 * k)) for k in size) / 2 for j in size] for i in size
    ]

    def ones(b, eps, guard):
        K = [[m.exp(s / eps) for s in row] for row in score]
        u = [1 / (sum(K[i][j] * b[j] for j in size) + guard) for i in size]
        return [1 / (sum(K[i][j] * u[i] for i in size) + guard) for j in size]

    def ten(eps):
        b = [m.number(Fraction(1, 4))] * 4
        for _ in range(10):
            b = [x * y for x, y in zip(b, ones(b, eps, m.number(1e-8)), strict=True)]
        return b

    one, two = ones([1] * 4, 1, 0), ones([2] * 4, 1, 0)
    warm = ten(m.number(1))
    cold = m.max(ten(m.number(Fraction(1, 10))))
    return {
        "printed": 2 * two[0] / one[0],
        "right": two[0] / one[0],
        "low": m.min(warm),
        "high": m.max(warm),
        "cold": cold,
    }


audit = v.audit(
    title="The printed Sinkhorn update has degree two",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="b <- b * v, with u = 1/(K b) and v = 1/(K^T u)",
    claim=(printed - 2) ** 2 <= Fraction(1, 10**6),
    at={},
    fixture=fixture,
    verdict="refuted",
    corrected="The scaling is b <- 1/(K^T (1/(K b))), times its target; it must not be multiplied into b again.",
    outputs={"printed": printed, "right": right, "low": low, "high": high, "cold": cold},
    values=[
        value("4", "doubling b", of="printed", digits=12),
        value("2", "doubling b", of="right", digits=12),
        value("4e-63", "ten steps", of="low", digits=1),
        value("5e-61", "ten steps", of="high", digits=1),
        value("8.4e36", "ten steps, eps = 1/10", of="cold", digits=2),
    ],
    see=("attention.sinkhorn", "audits.note_sinkhorn_code"),
)
