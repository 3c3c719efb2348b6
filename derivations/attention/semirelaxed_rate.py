r"""How fast semi-relaxed attention converges, and why the sup norm of its potential misleads.

One iteration contracts the sup norm of the potential by exactly $\tau = \rho/(\rho+\varepsilon)$
(`attention.semirelaxed_contraction`): its linear part is minus $\tau$ times an average over rows after minus an average
over columns, and a constant shift comes back as $\tau$ times itself. But the row step absorbs that shift: the plan does
not see it and converges like $\tau\sigma_2^2$, with $\sigma_2$ the second singular value of
$\mathrm{diag}(a)^{-1/2}P\,\mathrm{diag}(c)^{-1/2}$ and $c$ the column sums of $P$ (local convergence at a smooth fixed
point is classical). Stop on the oscillation of the change, or shift the potential so that $\sum_j b_je^{-g_j/\rho} =
1$, which holds at the optimum. For $\rho = \infty$ the shift never dies out, and need not.

The factor below is the largest eigenvalue of a matrix whose powers are taken by squaring (`attention.sinkhorn_rate`).
"""

from dltsym import Eq, Scope, diff, exp, log, value

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
rho = v.pos("rho", "price of leaving the column marginal", latex=r"\rho")
S, g = v.array("S", (n, m), "scores"), v.array("g", m, "potential")
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
f, i, j = v.array("f", n, "potential of rows"), v.index("i", n), v.index("j", m)
tau = v.let("tau", rho / (rho + eps), "damping of the column step", latex=r"\tau")


def mass(i):
    """Return the normaliser of row i."""
    return v.sum(lambda s: b[s] * exp((g[s] + S[i, s]) / eps), m)


def part(j):
    """Return the normaliser of column j."""
    return v.sum(lambda r: a[r] * exp((f[r] + S[r, j]) / eps), n)


def weight(i, j):
    return b[j] * exp((g[j] + S[i, j]) / eps) / mass(i)


def share(r, j):
    return a[r] * exp((f[r] + S[r, j]) / eps) / part(j)


def second(m, S, a, b, eps, rho):
    """Return the factor of the plan at the solution, certified by the contraction of the sup norm."""
    rows, cols, last, tau = range(len(a)), range(len(b)), None, rho / (rho + eps)
    t = [[m.log(b[j]) + S[i][j] / eps for j in cols] for i in rows]
    x = [m.number(0) for _ in b]
    for k in range(2000):
        u = [-m.logsumexp([t[i][j] + x[j] for j in cols]) for i in rows]
        y = [-tau * (m.logsumexp([m.log(a[i]) + t[i][j] + u[i] for i in rows]) - m.log(b[j])) for j in cols]
        now = m.upper(m.max([abs(y[j] - x[j]) for j in cols]))
        if last is not None and k > 40 and now >= last:
            break
        last, w, z = now, u, x
        low = rho / eps * m.logsumexp([m.log(b[j]) - y[j] * eps / rho for j in cols])
        x = [m.middle(y[j] + low) for j in cols]
    off = m.exp(2 * last / (1 - tau)) - 1
    P = [[m.widen(p, p * off) for p in [a[i] * m.exp(t[i][j] + z[j] + w[i]) for j in cols]] for i in rows]
    c = [m.sum([P[i][j] for i in rows]) for j in cols]
    r, found = [m.sqrt(x) for x in a], m.number(0)
    B = [[m.sum([P[i][j] * P[k][j] / c[j] for j in cols]) / (r[i] * r[k]) - r[i] * r[k] for k in rows] for i in rows]
    for k in range(60):
        trace = m.sum(B[i][i] for i in rows)
        B = [[m.sum([B[i][k] * B[k][j] for k in rows]) / trace**2 for j in rows] for i in rows]
        found = found + m.log(trace) / 2**k
    return {"factor": tau * m.exp(m.widen(found, m.log(m.number(len(a) + 1)) / 2**59))}


sines = {"S": [[f"sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)], "a": ["1/4"] * 4, "b": ["1/6"] * 6}

theorem = v.theorem(
    title="Convergence of semi-relaxed Sinkhorn attention", cite=("chizat2018", "scaling; factors derived here"),
    claim=[
        Eq(diff(-eps * log(mass(i)), g[j]), -weight(i, j)),
        Eq(diff(-tau * eps * log(part(j)), f[i]), -tau * share(i, j)),
        Eq(v.sum(lambda s: weight(i, s), m), 1),
        Eq(v.sum(lambda r: share(r, j), n), 1),
        Eq(v.sum(lambda s: b[s] * exp(-(g[s] + rho * log(v.sum(lambda t: b[t] * exp(-g[t] / rho), m))) / rho), m), 1),
    ],
    outputs={"shifted": g[j] + rho * log(v.sum(lambda s: b[s] * exp(-g[s] / rho), m))},
    algorithm=second, computes=("factor",),
    values=[value(number, "S(4, 6)", of="factor", digits=d, rho=at, eps="0.5", **sines)
        for number, d, at in [("0.300679661124665", 15, 1), ("0.43225", 5, 1000)]
    ],
)  # fmt: skip
