r"""A fixed number of Sinkhorn iterations guarantees nothing uniform.

Stop after a column step, with columns exact and equal to 1. If the rows of a set $I$ have their mass in the columns
of $N$ up to a leak $\ell$, they share at most $|N| + \ell$ between them: together they are short by at least $|I| -
|N| - \ell$, and one of them, since a weighted sum of shortages is at most $|I|$ times the largest, by $1 - (|N| +
\ell)/|I|$. Equality holds when no other row uses $N$. For a mask with fewer allowed columns than rows (Hall's
condition fails) $\ell = 0$, and that holds after every number of iterations. Finite logits $\pm c$ come as close as
one likes: at $T$ iterations the leak vanishes as $c$ grows. Masks that are feasible without total support, such as
triangular ones, have errors like $(n-1)/(2T)$. So a count such as 20 on $4 \times 4$ is no certificate; the measured
error is, and belongs beside the matrix.
"""

from dltsym import Eq, Scope, derive, value

v = Scope()
n, m = v.count("n", "number of rows"), v.count("m", "number of columns")
A = v.array("A", (n, m), "matrix after a column step", lo=0)
r = v.array("r", n, "1 for the rows of the set I, else 0", lo=0, hi=1)
c = v.array("c", m, "1 for the columns of N, else 0", lo=0, hi=1)
h = v.array("h", n, "shortage of each row, 1 minus its sum")
E = v.real("E", "largest shortage of a row")
i, j = v.index("i", n), v.index("j", m)
S, T = v.array("S", (n, m), "logits"), v.count("T", "full iterations, row step then column step")
rows = v.let("R", v.sum(lambda i: r[i], n), "number of rows in I", latex="|I|")
columns = v.let("N", v.sum(lambda j: c[j], m), "number of columns in N", latex="|N|")
leak = v.sum(lambda i, j: r[i] * (1 - c[j]) * A[i, j], n, m)
slack = v.sum(lambda i, j: (1 - r[i]) * c[j] * A[i, j], n, m)
short = v.sum(lambda i: r[i] * (1 - v.sum(lambda j: A[i, j], m)), n)
held = v.sum(lambda i: r[i] * h[i], n)


def run(m, S, T):
    """Apply T row and column steps to exp(S); return the largest row error."""
    K = [[m.exp(s) for s in row] for row in S]
    w = [m.number(1) for _ in K[0]]
    for _ in range(T):
        u = [1 / m.sum(x * y for x, y in zip(row, w, strict=True)) for row in K]
        w = [1 / m.sum(x * y for x, y in zip(column, u, strict=True)) for column in zip(*K, strict=True)]
    rows = [x * m.sum(y * z for y, z in zip(row, w, strict=True)) for x, row in zip(u, K, strict=True)]
    return {"error": m.max([abs(x - 1) for x in rows])}


theorem = v.theorem(
    title="Row error after a column step: a lower bound for every iteration count",
    cite=("xie2025", "4 by 4 matrices with 20 iterations; the bound is Hall's condition with a leak, derived here"),
    given=[Eq(v.sum(lambda i: A[i, j], n), 1), h[i] <= E],
    claim=[Eq(short, rows - columns - leak + slack), short >= rows - columns - leak, held <= E * rows],
    proof=[
        derive(slack).ge(0, "no negative terms", hint="termwise").named("slack"),
        derive(short)
        .eq(rows - columns - leak + slack, "columns sum to 1")
        .ge(rows - columns - leak, "mass of other rows in N", by="slack"),
        derive(held).le(v.sum(lambda i: r[i] * E, n), "row by row", hint="termwise").eq(E * rows, "E is common"),
    ],
    outputs={"bound": (rows - columns - leak) / rows},
    algorithm=run,
    computes=("error",),
    values=[
        value("1/2", "two rows, one column", of="bound", n=2, m=1, r=[1, 1], c=[1], A=[["1/2"], ["1/2"]]),
        *(
            value(number, what, of="error", S=[[entry(i, j) for j in range(4)] for i in range(4)], T=count)
            for what, number, count, entry in [
                ("triangular, 16", "0.0654169202159499", 20, lambda i, j: 16 if j <= i else -16),
                ("triangular, 16", "0.0143355424623359", 100, lambda i, j: 16 if j <= i else -16),
                ("triangular, 8", "0.0651233208106693", 20, lambda i, j: 8 if j <= i else -8),
                ("two rows, one column", "0.499867563515262", 20, lambda i, j: -16 if i < 2 and j else 16),
                ("sines", "0.00826951197793105", 20, lambda i, j: f"4*sin({(i + 1) * (j + 2)})"),
            ]
        ),
    ],
)
