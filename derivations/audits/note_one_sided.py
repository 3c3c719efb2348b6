r"""Softmax attention solves the one-sided transport problem, and no other.

The note says that self-attention is strictly the solution of a semi-relaxed entropic transport problem and leaves the
formula blank. It is true for the problem with rows fixed and columns free. It is false for the balanced problem: on
the $4 \times 6$ scores $\sin((i+1)(j+2))$ at $\varepsilon = 1$ the two matrices differ in their first entry, and the
columns of softmax miss their target $n/m = 2/3$. The balanced entry is enclosed by the contraction of Sinkhorn's map.
"Semi-relaxed" also names the problem with a finite price on the columns: say which.
"""

from fractions import Fraction

from dltsym import Eq, Scope, value

v = Scope()
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
soft, balanced = (
    v.real("soft", "first entry of softmax attention"),
    v.real("balanced", "first entry of the balanced one"),
)
column = v.real("column", "first column sum of softmax attention")


def fixture(m, eps):
    """Evaluate both attentions on the fixed scores; rows of both sum to 1, balanced columns to 4/6."""
    K = [[m.exp(m.sin(m.number((i + 1) * (j + 2))) / eps) for j in range(6)] for i in range(4)]
    columns = [list(c) for c in zip(*K, strict=True)]

    def half(rows, x, target):
        return [target / m.sum(k * y for k, y in zip(row, x, strict=True)) for row in rows]

    w = [m.number(1)] * 6
    for _ in range(60):
        w = [m.middle(x) for x in half(columns, half(K, w, 1), Fraction(2, 3))]
    moved = half(columns, half(K, w, 1), Fraction(2, 3))
    ratios = [m.log(a / b) for a, b in zip(moved, w, strict=True)]
    pairs = [(r, s) for r in K for s in K]
    odds = [[m.log(a / b) for a, b in zip(r, s, strict=True)] for r, s in pairs]
    kappa2 = m.tanh(m.max([m.max(x) - m.min(x) for x in odds]) / 4) ** 2
    factor = m.exp(m.widen(0, kappa2 * (m.max(ratios) - m.min(ratios)) / (1 - kappa2)))
    plain = [m.sum(row) for row in K]
    return {
        "soft": K[0][0] / plain[0],
        "column": m.sum(row[0] / z for row, z in zip(K, plain, strict=True)),
        "balanced": half(K, moved, 1)[0] * K[0][0] * moved[0] * factor,
    }


audit = v.audit(
    title="Softmax attention is one-sided transport, not balanced transport",
    source=("note000", "section 1"),
    prints="self-attention is strictly the solution of a semi-relaxed entropic transport problem (formula left blank)",
    claim=Eq(soft, balanced),
    at={"eps": 1},
    fixture=fixture,
    verdict="holds with correction",
    corrected="It solves the one-sided problem: rows fixed, columns free. With a column constraint, or a finite price "
    "on the columns, the solution is another matrix.",
    outputs={"soft": soft, "balanced": balanced, "column": column},
    values=[
        value("0.346157950530416", "softmax", of="soft"),
        value("0.270475515568858", "balanced", of="balanced"),
    ],
    see=("attention.one_sided_eot", "attention.sinkhorn"),
)
