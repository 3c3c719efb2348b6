r"""Semi-relaxed attention: one price between softmax and Sinkhorn.

The row marginal is exact, the column one may be missed at a price $\rho$ per unit of relative entropy. By the exact
duality gap (`attention.semirelaxed_duality`) the plan of product form is the only optimal one when its rows are right
and $g_j = -\rho\log(\mathrm{col}_j/b_j)$; both derivatives of the dual vanish there, and solving the second for $g$
damps the column step by $\tau = \rho/(\rho + \varepsilon)$. At $\rho = 0$ that is softmax attention with prior $b$,
for $\rho \to \infty$ Sinkhorn attention. One iteration contracts the sup norm of $g$ by $\tau$
(`attention.semirelaxed_contraction`), so what it still moves over $1 - \tau$ bounds the error of the numbers below.
Other names: POT `reg_m` is $(\infty, \rho)$ with `reg_type="kl"`, OTT `tau_b` is $\tau$, GeomLoss `reach` to a power is
$\rho$.
"""

from dltsym import Eq, Scope, diff, exp, value

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
rho = v.pos("rho", "price of leaving the column marginal", latex=r"\rho")
S, f, g = v.array("S", (n, m), "scores"), v.array("f", n, "potential of rows"), v.array("g", m, "potential of columns")
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
i, j, L = v.index("i", n), v.index("j", m), v.real("L", "log of a column sum over its target, before the column step")


def plan(r, s):
    return a[r] * b[s] * exp((f[r] + g[s] + S[r, s]) / eps)


held = rho * v.sum(lambda s: b[s] * (exp(-g[s] / rho) - 1), m) + eps * v.sum(
    lambda r, s: plan(r, s) - a[r] * b[s], n, m
)
dual = v.sum(lambda r: f[r] * a[r], n) - held


def solve(m, S, a, b, eps, rho):
    """Return attention, objective and column potential, certified by the contraction of the sup norm."""
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
        low = m.middle(m.logsumexp([m.log(b[j]) - y[j] * eps / rho for j in cols]))
        x = [m.middle(y[j] + low * rho / eps) for j in cols]
    off = last / (1 - tau)
    A = [[m.exp(t[i][j] + z[j] + w[i]) for j in cols] for i in rows]
    A = [[m.widen(p, p * (m.exp(2 * off) - 1)) for p in line] for line in A]
    c = [m.sum([a[i] * A[i][j] for i in rows]) for j in cols]
    inner = m.sum([a[i] * A[i][j] * (m.log(A[i][j] / b[j]) - S[i][j] / eps) for i in rows for j in cols])
    far = m.max([abs(A[i][j] - m.exp(t[i][j] - m.logsumexp(t[i]))) for i in rows for j in cols])
    cost = eps * inner + rho * m.sum([c[j] * m.log(c[j] / b[j]) for j in cols])
    return {"A": A, "objective": cost, "g": m.widen([eps * p for p in z], eps * off), "departure": far}


sines = {"S": [[f"sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)], "a": ["1/4"] * 4, "b": ["1/6"] * 6}

theorem = v.theorem(
    title="Semi-relaxed attention",
    cite=("chizat2018", "scaling algorithms; number not confirmed, the gap is derived here"),
    claim=[
        Eq(diff(dual, f[i]), a[i] - v.sum(lambda s: plan(i, s), m)),
        Eq(diff(dual, g[j]), b[j] * exp(-g[j] / rho) - v.sum(lambda r: plan(r, j), n)),
        Eq(-rho * (L - rho / (rho + eps) * L), -rho / (rho + eps) * eps * L),
    ],
    outputs={"plan": plan(i, j)},
    algorithm=solve, computes=("A", "objective", "g", "departure"),
    values=[value(number, "S(4, 6)", of=of, eps="0.5", rho=price, **sines)
        for of, price, number in [
            *((f"A[1,{k}]", 1, x) for k, x in enumerate((
                "0.394995779443932", "0.178813931821595", "0.0228017566837104",
                "0.0119265672986477", "0.181097527522816", "0.210364437229299"), 1)),
            ("objective", 1, "-0.342847768291127"), ("g[1]", 1, "-0.206796624985139"),
            ("A[1,1]", "0.5", "0.434546285260900"), ("objective", "0.5", "-0.367030303982090"),
            ("g[1]", "0.5", "-0.140372950828448"),
            ("departure", "0.01", "0.00464612945354"), ("departure", "0.001", "0.000472563441085"),
        ]],
)  # fmt: skip
