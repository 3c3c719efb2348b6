r"""The iteration count of the Sinkformers code counts half iterations, and its plan has mass 1.

One pass of the published loop is one row or one column step: `n_it = 1` is softmax, `n_it = 3` ends on a row step.
Its marginals are $1/n$, so the returned matrix must be multiplied by $n$ to be attention weights. The marginals are
squeezed, which breaks batches of one; the test for an early stop uses an error that is stale on odd steps; a figure
script normalises columns. These three are read, not run.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
column = v.real("column", "first column sum after n_it = 1, times n")
row = v.real("row", "first row sum after n_it = 1")
gap = v.real("gap", "difference to softmax over n, largest entry")


def fixture(m):
    """Run the loop once, marginals 1/4, on S_ij = sin((i+1)(j+2)), four by four."""
    size = range(4)
    S = [[m.sin(m.number((i + 1) * (j + 2))) for j in size] for i in size]
    u = [m.log(Fraction(1, 4)) - m.logsumexp(S[i]) for i in size]
    P = [[m.exp(S[i][j] + u[i]) for j in size] for i in size]
    soft = [[m.exp(S[i][j] - m.logsumexp(S[i])) / 4 for j in size] for i in size]
    return {
        "column": 4 * m.sum(P[i][0] for i in size),
        "row": m.sum(P[0]),
        "gap": m.max([abs(P[i][j] - soft[i][j]) for i in size for j in size]),
    }


audit = v.audit(
    title="One iteration of the Sinkformers code is softmax over n",
    source=("sander2022", "published code, argument n_it"),
    prints="n_it iterations of Sinkhorn's algorithm give a doubly stochastic attention matrix",
    claim=(column - 1) ** 2 + (row - 1) ** 2 <= Fraction(1, 10**4),
    at={},
    fixture=fixture,
    verdict="holds with correction",
    corrected="n_it counts half iterations, and the matrix has mass 1: multiply it by n.",
    outputs={"column": column, "row": row, "gap": gap},
    values=[
        value("0.25", "a row of mass 1/n", of="row", digits=12),
        value("0", "softmax", of="gap", digits=12),
    ],
    see=("attention.sinkhorn", "attention.one_sided_eot"),
)
