r"""The limit of Sinkhorn's iteration, with a certificate.

One full iteration moves the column potential by the log column error $r_j$; it contracts oscillation by a factor
$\kappa^2$ (`attention.sinkhorn_birkhoff`), so the potential is within $\delta = \mathrm{osc}(r)/(1 - \kappa^2)$ of
the limit. Rows are normalised, so every entry of the plan is then right up to a factor $e^{\pm\delta}$: that step is
proved here. The code iterates until rounding stops it and widens what it has found. The value is the cost minus the
scores plus $\varepsilon$ times the relative entropy to $ab^\top$; `left` is the relative entropy of the limit to the
plan after the first row step, softmax attention.
"""

from dltsym import Eq, Scope, derive, exp, value

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
S = v.array("S", (n, m), "scores")
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
w, h = v.array("w", m, "limit weights of a row", lo=0, lo_open=True), v.array("h", m, "error of the log potential")
h0, de = v.real("h0", "smallest error"), v.nonneg("de", "bound on their oscillation", latex=r"\delta")
j = v.index("j", m)
Z = v.sum(lambda s: w[s] * exp(h[s]), m)
weight = w[j] * exp(h[j]) / Z


def limit(m, S, a, b, eps):
    """Return the limit of the iteration: attention, plan, value and distance to softmax attention."""
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
    A = [[P[i][j] / a[i] for j in cols] for i in rows]
    cost = m.sum([P[i][j] * eps * (m.log(A[i][j]) - t[i][j]) for i in rows for j in cols])
    left = m.sum([P[i][j] * (m.log(A[i][j]) - t[i][j] + m.logsumexp(t[i])) for i in rows for j in cols])
    return {"A": A, "plan": P, "value": cost, "left": left}


sines = {"S": [[f"sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)], "a": ["1/4"] * 4, "b": ["1/6"] * 6}
swap = {"S": [[0, -1], [-1, 0]], "a": ["1/2"] * 2, "b": ["1/2"] * 2}
row = "0.270475515568858 0.200394074117048 0.0752036477334844 0.0505462449488615 0.238540630639323 0.164839886992425"

theorem = v.theorem(
    title="Certified limit of Sinkhorn attention", cite=("sander2022", "Section 3; the certificate is ours"),
    given=[Eq(v.sum(lambda s: w[s], m), 1), h0 <= h[j], h[j] <= h0 + de],
    claim=[weight <= exp(de) * w[j], weight >= exp(-de) * w[j]],
    proof=[
        derive(Z).le(v.sum(lambda s: w[s] * exp(h0 + de), m), hint="termwise").eq(exp(h0 + de), "sum").named("high"),
        derive(Z).ge(v.sum(lambda s: w[s] * exp(h0), m), hint="termwise").eq(exp(h0), "sum").named("low"),
        derive(weight).le(w[j] * exp(h[j]) / exp(h0), by="low").le(w[j] * exp(h0 + de) / exp(h0)).eq(exp(de) * w[j]),
        derive(weight).ge(w[j] * exp(h[j]) / exp(h0 + de), by="high").ge(w[j] * exp(h0) / exp(h0 + de))
        .eq(exp(-de) * w[j]),
    ],
    algorithm=limit, computes=("A", "plan", "value", "left"),
    values=[
        *(value(x, "S(4, 6)", of=f"A[1,{k}]", eps=1, **sines) for k, x in enumerate(row.split(), 1)),
        *(value(x, "S(4, 6)", of=of, eps=at, **sines) for of, at, x in [
            ("A[1,1]", "0.5", "0.294665445337059"), ("A[1,1]", "0.1", "0.266610670938245"),
            ("value", 1, "-0.168354442490028"), ("value", "0.5", "-0.285638535120332"),
            ("left", 1, "0.0773779598109748"), ("left", "0.5", "0.280209757473368")]),
        value("0.365529289315002", "weights 1/2, costs 0 and 1", of="plan[1,1]", eps=1, **swap),
        value("0.134470710684998", "weights 1/2, costs 0 and 1", of="plan[1,2]", eps=1, **swap),
    ],
)  # fmt: skip
