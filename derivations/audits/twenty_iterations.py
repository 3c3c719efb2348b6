r"""Twenty iterations on four by four matrices guarantee nothing uniform.

Several training libraries make a $4 \times 4$ matrix doubly stochastic by twenty Sinkhorn iterations. With logits
$\pm 16$, two rows that share one column, the row error is one half after twenty steps, and it would be after any
number of them.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
c = v.pos("c", "size of the logits")
T = v.count("T", "full iterations")
error, mild = v.real("error", "largest row error"), v.real("mild", "the same for logits of size 1")


def fixture(m, c, T):
    """Iterate on logits c for the first column and the last two rows, -c elsewhere."""

    def run(c):
        K = [[m.exp(-c if i < 2 and j else c) for j in range(4)] for i in range(4)]
        w = [m.number(1)] * 4
        for _ in range(int(T)):
            u = [1 / m.sum(x * y for x, y in zip(row, w, strict=True)) for row in K]
            w = [1 / m.sum(x * y for x, y in zip(column, u, strict=True)) for column in zip(*K, strict=True)]
        rows = [x * m.sum(y * z for y, z in zip(row, w, strict=True)) for x, row in zip(u, K, strict=True)]
        return m.max([abs(x - 1) for x in rows])

    return {"error": run(c), "mild": run(m.number(1))}


audit = v.audit(
    title="Twenty iterations are not a certificate",
    source=("xie2025", "4 by 4 matrices with 20 iterations, as shipped in training libraries"),
    prints="twenty iterations make the matrix doubly stochastic to working accuracy",
    claim=error <= Fraction(1, 20),
    at={"c": 16, "T": 20},
    fixture=fixture,
    verdict="refuted",
    corrected="Return the measured error with the matrix; logits of order 1 are safe, of order 8 they are not.",
    outputs={"error": error, "mild": mild},
    values=[value("0.499867563515262", "logits 16", of="error")],
    see=("attention.finite_sinkhorn_error",),
)
