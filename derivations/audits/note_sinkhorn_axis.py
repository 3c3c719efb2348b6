r"""After ten steps the printed Sinkhorn attention is a softmax over the wrong axis.

Its state $b$ has become so small that only the guard $10^{-8}$ is left in $u = 1/(Kb + 10^{-8})$: all rows get the
same weight, and the last step normalises columns. What is returned is the column softmax, to 16 digits; its columns
are exact and its rows are not, since the loop ends on a column scaling.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
column = v.real("column", "largest difference to the column softmax")
row = v.real("row", "largest difference to the row softmax")
short = v.real("short", "largest error of a row sum")


def fixture(m):
    """Run the printed loop for ten iterations at eps = 1 on Q_ik = sin(1+i+2k), K_jk = cos(j+3k)."""
    size, guard = range(4), m.number(1e-8)
    pairs = [(i, j) for i in size for j in size]
    score = [
        [sum(m.sin(m.number(1 + i + 2 * k)) * m.cos(m.number(j + 3 * k)) for k in size) / 2 for j in size] for i in size
    ]
    K = [[m.exp(s) for s in line] for line in score]
    b = [m.number(Fraction(1, 4))] * 4
    u = w = b
    for _ in range(10):
        u = [1 / (sum(K[i][j] * b[j] for j in size) + guard) for i in size]
        w = [1 / (sum(K[i][j] * u[i] for i in size) + guard) for j in size]
        b = [x * y for x, y in zip(b, w, strict=True)]
    P = [[u[i] * K[i][j] * w[j] for j in size] for i in size]
    down = [sum(K[i][j] for i in size) for j in size]
    return {
        "column": m.max([abs(P[i][j] - K[i][j] / down[j]) for i, j in pairs]),
        "row": m.max([abs(P[i][j] - K[i][j] / sum(K[i])) for i, j in pairs]),
        "short": m.max([abs(sum(line) - 1) for line in P]),
    }


audit = v.audit(
    title="The printed Sinkhorn attention normalises over queries",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="the function returns attention weights whose rows average the values",
    claim=short <= Fraction(1, 100),
    at={},
    fixture=fixture,
    verdict="refuted",
    corrected="Attention normalises over the keys; a loop whose rows must be exact ends on a row step.",
    outputs={"column": column, "row": row, "short": short},
    values=[value("0.122636832112", "1 - 0.877363167888", of="short", digits=6)],
    see=("attention.one_sided_eot", "attention.output_contraction"),
)
