r"""Derivative of the balanced plan in the scores, without differentiating an iteration.

The plan is $P_{ij} = \exp((f_i + g_j + S_{ij})/\varepsilon)$ with fixed row sums $a$ and column sums $b$. When the
scores move by $dS$ the potentials move by some $x$, $y$, and $dP = P\,(dS + x + y)/\varepsilon$ entry by entry. Both
marginals stay, which is a linear system for $(x, y)$ with a symmetric matrix. Its quadratic form is $\sum_{ij}
P_{ij}(x_i + y_j)^2$: never negative, and zero, when all $P_{ij} > 0$, only for $x = -y = $ const, the gauge. So fix
one entry, or use conjugate gradients. The right side is orthogonal to the gauge, hence there is a solution. Scores
that move by a function of the row plus one of the column leave the plan alone. The value of the problem has
derivative $\langle P, dC\rangle$ in the cost $C = -S$ (envelope). A truncated iteration has another derivative, and
one with a potential detached a wrong one (see the audit).
"""

from dltsym import Eq, Scope, derive, diff, exp

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps, t = v.pos("eps", "temperature", latex=r"\varepsilon"), v.real("t", "position on the line")
S, D = v.array("S", (n, m), "scores"), v.array("D", (n, m), "direction of the scores", latex="dS")
P = v.array("P", (n, m), "balanced plan", lo=0)
a, b = v.array("a", n, "row sums of the plan"), v.array("b", m, "column sums of the plan")
f, g = v.array("f", n, "potential of the rows"), v.array("g", m, "potential of the columns")
x, y = v.array("x", n, "derivative of f"), v.array("y", m, "derivative of g")
i, j = v.index("i", n), v.index("j", m)


def moved(i, j):
    """Return the plan at scores S + t dS with potentials f + t x and g + t y."""
    return exp((f[i] + t * x[i] + g[j] + t * y[j] + S[i, j] + t * D[i, j]) / eps)


def row(i, body):
    """Return the sum over keys of P times a function of the key."""
    return v.sum(lambda s: P[i, s] * body(s), m)


def column(j, body):
    """Return the sum over queries of P times a function of the query."""
    return v.sum(lambda r: P[r, j] * body(r), n)


def form(r, s):
    """Return one term of the quadratic form of the system."""
    return P[r, s] * (x[r] + y[s]) ** 2


quadratic = v.sum(lambda r, s: form(r, s), n, m)
system = (
    v.sum(lambda r: x[r] * (a[r] * x[r] + row(r, lambda s: y[s])), n)
    + v.sum(lambda s: y[s] * (column(s, lambda r: x[r]) + b[s] * y[s]), m)
)  # fmt: skip
dual = v.sum(lambda r: a[r] * (f[r] + t * x[r]), n) + v.sum(lambda s: b[s] * (g[s] + t * y[s]), m)
dual -= eps * v.sum(lambda r, s: moved(r, s), n, m)
gain = v.sum(lambda r: a[r] * x[r], n) + v.sum(lambda s: b[s] * y[s], m)

theorem = v.theorem(
    title="Implicit derivative of the balanced plan",
    cite=("sander2022", "balanced attention; the derivative is derived here (implicit function theorem)"),
    given=[Eq(row(i, lambda s: 1), a[i]), Eq(column(j, lambda r: 1), b[j])],
    claim=[
        Eq(diff(moved(i, j), t), moved(i, j) * (D[i, j] + x[i] + y[j]) / eps),
        Eq(
            row(i, lambda s: D[i, s] + x[i] + y[s]),
            a[i] * x[i] + row(i, lambda s: y[s]) + row(i, lambda s: D[i, s]),
        ),
        Eq(
            column(j, lambda r: D[r, j] + x[r] + y[j]),
            column(j, lambda r: x[r]) + b[j] * y[j] + column(j, lambda r: D[r, j]),
        ),
        Eq(system, quadratic),
        quadratic >= 0,
        Eq(v.sum(lambda r: row(r, lambda s: D[r, s]), n) - v.sum(lambda s: column(s, lambda r: D[r, s]), m), 0),
        Eq(
            diff(dual, t),
            gain - v.sum(lambda r, s: moved(r, s) * (D[r, s] + x[r] + y[s]), n, m),
        ),
        Eq(
            gain - v.sum(lambda r, s: P[r, s] * (D[r, s] + x[r] + y[s]), n, m),
            -v.sum(lambda r, s: P[r, s] * D[r, s], n, m),
        ),
    ],
    proof=derive(quadratic).ge(0, "no negative terms", hint="termwise"),
    outputs={"form": quadratic},
)
