r"""Balanced attention: the exact duality gap, uniqueness, envelope.

For any potentials $f$, $g$ and any plan $P$ with marginals $a$ and $b$, the objective exceeds the dual value by
$\varepsilon$ times the generalised relative entropy of $P$ to the plan of product form $P_{fg}$, row by row at least
0. So a plan of product form with the right marginals is optimal, and the only one. The derivatives of the dual value
are the marginal errors, and by the cost it is the plan itself (at the optimum this is the envelope theorem: no step
of the iteration has to be differentiated). The first row step from $g = 0$ is softmax attention with prior $b$.
Existence and convergence for finite scores are classical.
"""

from dltsym import Eq, Scope, abs_, derive, diff, exp, log, thm, value, xlogx

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
S, f, g = v.array("S", (n, m), "scores"), v.array("f", n, "potential of rows"), v.array("g", m, "potential of columns")
P = v.array("P", (n, m), "any plan with marginals a and b", lo=0)
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
i, j = v.index("i", n), v.index("j", m)
x, y = v.pos("x", "entry of a plan"), v.pos("y", "entry of another plan")


def row(X, r):
    return v.sum(lambda s: X[r, s], m)


def col(X, s):
    return v.sum(lambda r: X[r, s], n)


def plan(r, s):
    return a[r] * b[s] * exp((f[r] + g[s] + S[r, s]) / eps)


def soft(r, s):
    return b[s] * exp(S[r, s] / eps) / v.sum(lambda t: b[t] * exp(S[r, t] / eps), m)


def kl_row(r):
    return v.sum(lambda s: xlogx(P[r, s]) - P[r, s] * log(plan(r, s)), m)


aim = v.sum(lambda r, s: eps * (xlogx(P[r, s]) - P[r, s] * log(a[r] * b[s])) - S[r, s] * P[r, s], n, m)
more = v.sum(lambda s: P[i, s], m) - v.sum(lambda s: plan(i, s), m)
kl = v.sum(kl_row, n) - v.sum(lambda r, s: P[r, s] - plan(r, s), n, m)
lost = eps * (v.sum(plan, n, m) - v.sum(lambda r: a[r], n))
dual = v.sum(lambda r: f[r] * a[r], n) + v.sum(lambda s: g[s] * b[s], m) - lost
first = -eps * log(v.sum(lambda s: b[s] * exp(S[i, s] / eps), m))
error = v.sum(lambda s: abs_(v.sum(lambda r: a[r] * soft(r, s), n) - b[s]), m)
gibbs = thm("information.gibbs_inequality", p=lambda s: P[i, s], w=lambda s: plan(i, s))


sines = {
    "n": 4, "m": 6, "S": [[f"sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)],
    "a": ["1/4"] * 4, "b": ["1/6"] * 6,
}  # fmt: skip

theorem = v.theorem(
    title="Sinkhorn attention: duality gap and envelope",
    cite=("sander2022", "Section 3; existence and convergence there, the certificate is ours"),
    given=[Eq(a[i], row(P, i)), Eq(b[j], col(P, j))],
    claim=[
        Eq(aim, dual + eps * kl),
        kl_row(i) >= more,
        x * log(x / y) - x + y >= 0,
        Eq(diff(dual, f[i]), a[i] - v.sum(lambda s: plan(i, s), m)),
        Eq(diff(dual, g[j]), b[j] - v.sum(lambda r: plan(r, j), n)),
        Eq(-diff(dual, S[i, j]), plan(i, j)),
        Eq(b[j] * exp((first + S[i, j]) / eps), soft(i, j)),
    ],
    proof=[
        derive(aim).eq(dual + eps * kl, "collect; P has the marginals a and b"),
        derive(kl_row(i)).ge(more, "Gibbs' inequality in one row", by=gibbs),
        derive(x * log(x / y) - x + y).ge(0, "tangent of the logarithm", hint="x @ y"),
    ],
    outputs={"error": error, "value": aim, "dual": dual, "gap": eps * kl},
    values=[
        value("0.299361340715486", "S(4, 6): L1 column error of softmax attention", of="error", eps=1, **sines),
        value("0.510084877823879", "S(4, 6): L1 column error of softmax attention", of="error", eps="0.5", **sines),
    ],
)
