r"""Semi-relaxed attention: the exact duality gap.

The row marginal is exact, the column one may be missed at a price $\rho$ per unit of relative entropy. For any
potentials the objective exceeds the dual value by $\varepsilon$ times the relative entropy of the plan to the plan
$P_{fg}$ of product form, plus $\rho$ times that of its column sums to $be^{-g/\rho}$. So $P_{fg}$ is the only optimal
plan when its rows are right and $g_j = -\rho\log(\mathrm{col}_j/b_j)$.
"""

from dltsym import Eq, Scope, exp, log, xlogx

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
rho = v.pos("rho", "price of leaving the column marginal", latex=r"\rho")
S, f, g = v.array("S", (n, m), "scores"), v.array("f", n, "potential of rows"), v.array("g", m, "potential of columns")
P = v.array("P", (n, m), "any plan with row sums a", lo=0)
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
i = v.index("i", n)


def plan(r, s):
    return a[r] * b[s] * exp((f[r] + g[s] + S[r, s]) / eps)


def kl(p, logq, q):
    return xlogx(p) - p * logq - p + q


def missed(h):
    """Return the relative entropy of the column sums to b times the exponential of h."""
    return v.sum(lambda s: kl(v.sum(lambda r: P[r, s], n), log(b[s]) + h(s), b[s] * exp(h(s))), m)


product = v.sum(lambda r, s: kl(P[r, s], log(a[r] * b[s]), a[r] * b[s]) - S[r, s] * P[r, s] / eps, n, m)
aim = eps * product + rho * missed(lambda s: 0)
held = rho * v.sum(lambda s: b[s] * (exp(-g[s] / rho) - 1), m) + eps * v.sum(
    lambda r, s: plan(r, s) - a[r] * b[s], n, m
)
dual = v.sum(lambda r: f[r] * a[r], n) - held
gap = eps * v.sum(lambda r, s: kl(P[r, s], log(plan(r, s)), plan(r, s)), n, m)


theorem = v.theorem(
    title="Duality gap of semi-relaxed attention",
    cite=("chizat2018", "scaling algorithms; number not confirmed, the gap is derived here"),
    given=[Eq(a[i], v.sum(lambda s: P[i, s], m))],
    claim=[Eq(aim, dual + gap + rho * missed(lambda s: -g[s] / rho))],
    outputs={
        "dual": dual,
        "value": aim,
        "gap": gap + rho * missed(lambda s: -g[s] / rho),
        "row": -eps * log(v.sum(lambda s: b[s] * exp((g[s] + S[i, s]) / eps), m)),
        "tau": rho / (rho + eps),
    },
)
