r"""Softmax attention is one-sided entropic optimal transport.

Fix the row sums $a$ of a transport plan and leave its column sums free. Minimising transport cost minus entropy
then splits into one Gibbs problem per query, so the unique optimal plan is $a_i$ times the row softmax of
$-C/\varepsilon$. With $C = -QK^\top$ and $\varepsilon = \sqrt d$ the plan divided by $a$ is standard attention. A
column constraint would couple the rows: that problem is Sinkhorn attention, not this one. Entropies use $0\log 0 =
0$.

Kernels compute the plan divided by $a$, applied to values, with $-C/\varepsilon$ made of scores over a temperature, a
log prior, and a slope times the distance. A row that sees no key has output 0 and entropy 0.
"""

from sympy import oo

from dltsym import Eq, Gap, Operator, Optimum, Scope, abs_, cases_, derive, exp, log, thm, value, xlogx
from dltsym.relations import softmax_average

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps, C = v.pos("eps", "temperature", latex=r"\varepsilon"), v.array("C", (n, m), "transport cost, minus scores")
a, P = v.array("a", n, "mass of each query", lo=0, lo_open=True), v.array("P", (n, m), "transport plan", lo=0)
d, dv = v.count("d", "length of a query"), v.count("dv", "length of a value")
i, j, c = v.index("i", n), v.index("j", m), v.index("c", dv)
q, k, u = v.array("q", (n, d), "queries"), v.array("k", (m, d), "keys"), v.array("v", (m, dv), "values")
tau, lp, slope = v.pos("tau", "temperature"), v.array("lp", m, "log prior, -oo hides"), v.nonneg("slope", "per place")


def part(r):
    return v.sum(lambda c: exp(-C[r, c] / eps), m)


def plan(r, c):
    return a[r] * exp(-C[r, c] / eps) / part(r)


def potential(r):
    return eps * log(a[r]) - eps * log(part(r))


def row(r):
    return v.sum(lambda c: xlogx(P[r, c]) - P[r, c] * log(plan(r, c)), m)


def mass(s, causal):
    x = v.sum(lambda e: q[i, e] * k[s, e], d) / tau + lp[s] - slope * abs_(i + m - n - s)
    return cases_((lp[s] <= -oo, 0), *[(s > i + m - n, 0)] * causal, exp(x))


def kernel(causal=False):
    Z = v.sum(lambda s: mass(s, causal), m)
    o = v.sum(lambda s: mass(s, causal) * u[s, c], m) / Z
    return {"o": o, "lse": log(Z), "entropy": -v.sum(lambda s: xlogx(mass(s, causal) / Z), m)}


rows = Eq(a[i], v.sum(lambda c: P[i, c], m))
aim = v.sum(lambda r, c: C[r, c] * P[r, c], n, m) + eps * v.sum(lambda r, c: xlogx(P[r, c]) - P[r, c], n, m)
optimum = v.sum(lambda r: a[r] * potential(r), n) - eps * v.sum(lambda r: a[r], n)
G = v.let("G", v.sum(row, n), "KL(P || optimal plan)", unit="nat")
dual = v.sum(lambda r: potential(r) * a[r], n) - eps * v.sum(plan, n, m)
costs = [[f"-sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)]
fixture = {"n": 4, "m": 6, "eps": 1, "C": costs, "a": ["1/4"] * 4, "i": 1, "j": 1}

theorem = v.theorem(
    title="Softmax attention is one-sided entropic optimal transport",
    cite=("litman2025", "abstract: one-sided entropic optimal transport; theorem number not confirmed"),
    given=rows, claim=[
        Optimum("min", aim, over=(P,), at={P: plan}, value=optimum, proof=Gap(eps * G, by="gap"), subject_to=rows),
        Eq(C[i, j] + eps * log(plan(i, j)), potential(i)), Eq(dual, optimum),
    ],
    proof=[
        derive(row(i))
        .ge(v.sum(lambda c: P[i, c], m) - v.sum(lambda c: plan(i, c), m), "Gibbs' inequality in one row",
            by=thm("information.gibbs_inequality", p=lambda c: P[i, c], w=lambda c: plan(i, c)))
        .eq(0, "both rows have mass a").named("row"),
        derive(G).ge(v.sum(lambda r: 0, n), "row by row", by="row", hint="termwise").eq(0, "equal terms").named("gap"),
    ],
    operator=Operator(
        kernel, axes={"o": "i c", "lse": "i", "entropy": "i"}, modes={"causal": (False, True)},
        absent={"lp": 0, "slope": 0}, grads=("q", "k", "v", "tau", "lp", "slope"),
        relations=softmax_average("q", "k", "v", "tau", "lp", "slope", ("o", "lse", "entropy")),
    ),
    outputs={"attention": exp(-C[i, j] / eps) / part(i), "potential": potential(i), "optimum": optimum},
    also=[("sander2022", "softmax as the first half-iteration of Sinkhorn")],
    values=[value(x, "scores sin((i+1)(j+2))", of=name, **{**fixture, "eps": t, "j": c}) for name, t, c, x in (
        ("attention", 1, 1, "0.346157950530416"), ("attention", 1, 2, "0.160568036559963"),
        ("attention", 1, 6, "0.268965830456303"), ("attention", "1/2", 1, "0.507294837435672"),
        ("optimum", 1, 1, "-4.42378623264895"), ("optimum", "1/2", 1, "-2.51477032903099"))],
)  # fmt: skip
