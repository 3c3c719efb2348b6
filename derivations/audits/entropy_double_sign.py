r"""Two signs and one axis: a restatement of the transport problem that softmax does not solve.

With $H = \sum p\log p$ and a penalty $-\varepsilon H$ the objective rewards concentration; and the constraint $P^\top
1 = 1$ fixes columns while the solution offered is a softmax over rows. On two queries and two keys with scores $((1,
0), (0, 0))$ the row softmax has first column sum 1.23.
"""

from dltsym import Eq, Scope, exp, value, xlogx

v = Scope()
s = v.pos("s", "first score, the others are 0")
p = v.let("p", exp(s) / (exp(s) + 1), "first weight of the first row")
column = v.let("c", p + exp(0 * s) / 2, "first column sum of the row softmax")

audit = v.audit(
    title="A row softmax does not satisfy a column constraint",
    source=("litman2025", "secondary restatements of the paper, not the paper"),
    prints="min <C, P> - eps H(P), H = sum p log p, subject to P^T 1 = 1, is solved by the row softmax",
    claim=Eq(column, 1),
    at={"s": 1},
    verdict="holds with correction",
    corrected="min <C, P> + eps sum p log p subject to P 1 = 1: rows are fixed, columns free.",
    outputs={"column": column, "softmax": -p * s - xlogx(p) - xlogx(1 - p), "vertex": -s},
    values=[
        value("1.23105857863000", "first column", of="column", s=1),
        value("-0.148855469741787", "printed objective of softmax", of="softmax", s=1),
        value("-1", "printed objective of the vertex: lower", of="vertex", s=1),
    ],
    see=("information.gibbs_identity", "attention.one_sided_eot"),
)
