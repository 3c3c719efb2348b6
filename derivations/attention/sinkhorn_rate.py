r"""Local linear rate of Sinkhorn's iteration: the square of the second singular value of the scaled plan.

The derivative of a row step is minus $\mathrm{diag}(a)^{-1}P$, that of a column step minus
$\mathrm{diag}(b)^{-1}P^\top$, so a full iteration is, after scaling by $\sqrt b$, the matrix $D^\top D$ with $D =
\mathrm{diag}(a)^{-1/2}P \,\mathrm{diag}(b)^{-1/2}$. Its largest singular value is 1 with the pair $(\sqrt a, \sqrt
b)$: that is the shift of potentials, which the plan does not see. The next one gives the factor $\sigma_2^2$ of the
error per full iteration (local convergence at a smooth fixed point is classical). It is 0 exactly when the plan is
$ab^\top$, a kernel of rank one, and tends to 1 where a mask forces zeros.

The number below is the largest eigenvalue of $DD^\top - \sqrt a\sqrt a^\top$: sixty times squared, its trace is that
eigenvalue's power within a factor $n$, so a root of order $2^{60}$ is certain to 18 digits.
"""

from dltsym import Eq, Scope, diff, exp, log, sqrt, value

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
S, g, f = v.array("S", (n, m), "scores"), v.array("g", m, "potential of columns"), v.array("f", n, "potential of rows")
P = v.array("P", (n, m), "plan", lo=0, lo_open=True)
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
i, j, l = v.index("i", n), v.index("j", m), v.index("l", m)


def row(i):
    return v.sum(lambda s: b[s] * exp((g[s] + S[i, s]) / eps), m)


def column(j):
    return v.sum(lambda r: a[r] * exp((f[r] + S[r, j]) / eps), n)


def D(i, j):
    return P[i, j] / sqrt(a[i] * b[j])


def iteration(j, l):
    return v.sum(lambda r: P[r, j] * P[r, l] / (b[j] * a[r]), n)


def second(m, S, a, b, eps):
    """Return the square of the second singular value at the certified limit plan."""
    rows, cols, last = range(len(a)), range(len(b)), None
    t = [[m.log(b[j]) + S[i][j] / eps for j in cols] for i in rows]
    x = [m.number(0) for _ in b]
    size = m.max([t[i][j] + t[k][l] - t[k][j] - t[i][l] for i in rows for k in rows for j in cols for l in cols])
    for _ in range(2000):
        u = [-m.logsumexp([t[i][j] + x[j] for j in cols]) for i in rows]
        r = [x[j] - m.log(b[j]) + m.logsumexp([m.log(a[i]) + t[i][j] + u[i] for i in rows]) for j in cols]
        now = m.upper(m.max(r) - m.min(r))
        if last is not None and now >= last:
            break
        last, w, y = now, u, x
        x = [m.middle(x[j] - r[j]) for j in cols]
    off = m.exp(last * m.cosh(size / 4) ** 2) - 1
    P = [[a[i] * m.exp(t[i][j] + y[j] + w[i]) for j in cols] for i in rows]
    P = [[m.widen(z, z * off) for z in line] for line in P]
    d = [[m.sum([P[i][j] * P[k][j] / b[j] for j in cols]) for k in rows] for i in rows]
    B = [[d[i][k] / m.sqrt(a[i] * a[k]) - m.sqrt(a[i] * a[k]) for k in rows] for i in rows]
    found = m.number(0)
    for k in range(60):
        trace = m.sum([B[i][i] for i in rows])
        B = [[m.sum([B[i][k] * B[k][j] for k in rows]) / trace**2 for j in rows] for i in rows]
        found = found + m.log(trace) / 2**k
    return {"factor": m.exp(m.widen(found, m.log(m.number(len(a) + 1)) / 2**59))}


sines = {"S": [[f"sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)], "a": ["1/4"] * 4, "b": ["1/6"] * 6}

theorem = v.theorem(
    title="Local rate of Sinkhorn's iteration",
    cite=("franklin1989", "scaling of matrices; number not confirmed, derived here"),
    given=[Eq(a[i], v.sum(lambda s: P[i, s], m)), Eq(b[j], v.sum(lambda r: P[r, j], n))],
    claim=[
        Eq(diff(-eps * log(row(i)), g[j]), -b[j] * exp((g[j] + S[i, j]) / eps) / row(i)),
        Eq(diff(-eps * log(column(j)), f[i]), -a[i] * exp((f[i] + S[i, j]) / eps) / column(j)),
        Eq(sqrt(b[j]) * iteration(j, l) / sqrt(b[l]), v.sum(lambda r: D(r, j) * D(r, l), n)),
        Eq(v.sum(lambda s: P[i, s] / sqrt(a[i]), m), sqrt(a[i])),
        Eq(v.sum(lambda r: P[r, j] / sqrt(b[j]), n), sqrt(b[j])),
    ],
    outputs={"scaled": D(i, j)},
    algorithm=second, computes=("factor",),
    values=[value(number, "S(4, 6)", of="factor", eps=at, **sines)
        for at, number in [(1, "0.162118475117145"), ("0.5", "0.432416384881897"), ("0.1", "0.861465782188294")]
    ],
)  # fmt: skip
