r"""Softmax attention is one-sided entropic optimal transport.

Fix the row sums $a$ of a transport plan and leave its column sums free. Minimising transport cost minus entropy
then splits into one Gibbs problem per query, so the unique optimal plan is $a_i$ times the row softmax of
$-C/\varepsilon$. With $C = -QK^\top$ and $\varepsilon = \sqrt d$ the plan divided by $a$ is standard attention. A
column constraint would couple the rows: that problem is Sinkhorn attention, not this one. Entropies use $0\log 0 =
0$.
"""

from dltsym import Eq, Gap, Optimum, Scope, derive, exp, log, thm, value, xlogx

v = Scope()
n = v.count("n", "number of queries")
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
C = v.array("C", (n, m), "transport cost, minus the scores")
a = v.array("a", n, "mass of each query", lo=0, lo_open=True)
P = v.array("P", (n, m), "transport plan", lo=0)
i = v.index("i", n)
j = v.index("j", m)


def part(r):
    return v.sum(lambda c: exp(-C[r, c] / eps), m)


def plan(r, c):
    return a[r] * exp(-C[r, c] / eps) / part(r)


def potential(r):
    return eps * log(a[r]) - eps * log(part(r))


def row(r):
    return v.sum(lambda c: xlogx(P[r, c]) - P[r, c] * log(plan(r, c)), m)


rows = Eq(a[i], v.sum(lambda c: P[i, c], m))
objective = v.sum(lambda r, c: C[r, c] * P[r, c], n, m) + eps * v.sum(lambda r, c: xlogx(P[r, c]) - P[r, c], n, m)
optimum = v.sum(lambda r: a[r] * potential(r), n) - eps * v.sum(lambda r: a[r], n)
G = v.let("G", v.sum(row, n), "KL(P || optimal plan)", unit="nat")
dual = v.sum(lambda r: potential(r) * a[r], n) - eps * v.sum(plan, n, m)
costs = [[f"-sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)]
fixture = {"n": 4, "m": 6, "eps": 1, "C": costs, "a": ["1/4"] * 4, "i": 1, "j": 1}

theorem = v.theorem(
    title="Softmax attention is one-sided entropic optimal transport",
    cite=("litman2025", "abstract: one-sided entropic optimal transport; theorem number not confirmed"),
    given=rows,
    claim=[
        Optimum(
            "min", objective, over=(P,), at={P: plan}, value=optimum, proof=Gap(eps * G, by="gap"), subject_to=rows
        ),
        Eq(C[i, j] + eps * log(plan(i, j)), potential(i)),
        Eq(dual, optimum),
    ],
    proof=[
        derive(row(i))
        .ge(
            v.sum(lambda c: P[i, c], m) - v.sum(lambda c: plan(i, c), m),
            "Gibbs' inequality in one row",
            by=thm("information.gibbs_inequality", p=lambda c: P[i, c], w=lambda c: plan(i, c)),
        )
        .eq(0, "both rows have mass a")
        .named("row"),
        derive(G).ge(v.sum(lambda r: 0, n), "row by row", by="row", hint="termwise").eq(0, "equal terms").named("gap"),
    ],
    outputs={"attention": exp(-C[i, j] / eps) / part(i), "potential": potential(i), "optimum": optimum},
    also=[("sander2022", "softmax as the first half-iteration of Sinkhorn")],
    values=[
        value("0.346157950530416", "4 queries, 6 keys, scores sin((i+1)(j+2))", of="attention", **fixture),
        value("-4.42378623264895", "the same, primal and dual value", of="optimum", **fixture),
    ],
)
