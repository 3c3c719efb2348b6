r"""Occam's bound for losses 0 and 1, by exact inversion of the binomial tail.

Let $F(k; r)$ be the probability of at most $k$ errors in $n$ examples at risk $r$. For a hypothesis with the risk $r$
the event $F(k; r) \le P_h\delta$ has probability at most $P_h\delta$, whatever $r$ is, and the union bound costs
$\delta$ in all. Outside it the risk is below the largest $r$ with $F(k; r) \ge P_h\delta$, since $F$ falls in $r$.
Nothing is lost but the union: for one hypothesis the bound is exact at every $n$. Chernoff's bound of the tail gives
`pac_bayes.occam_kl` back, so this is never worse. Losses between 0 and 1 are not covered. $k = n$ gives 1, and $k =
0$ gives $1 - (P_h\delta)^{1/n}$.
"""

from dltsym import Bound, Eq, Scope, derive, exp, kl_bernoulli, log, premise, value

v = Scope()
n, N = v.count("n", "training examples, i.i.d."), v.count("N", "number of hypotheses")
k = v.integer("k", "errors of the hypothesis used", lo=0, hi=n)
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
D = v.nonneg("D", "cost of the hypothesis used, log(1/P)", unit="nat")
P = v.array("P", N, "prior weights, fixed before the data", lo=0, lo_open=True, hi=1)
low = v.array("T", N, "probability that F is at most P delta, at the true risk of hypothesis h", lo=0)
fail = v.prob("U", "probability that this happens for some hypothesis")
r, x = v.prob("r", "true risk of the hypothesis used", open=True), v.prob("x", "risk bound in the kl form", open=True)
F, level = v.prob("F", "F at x"), v.let("L", exp(-D) * dlt, "level of the hypothesis used")
y = v.let("y", 1 - exp(log(level) / n), "the bound for no error")
h = v.index("h", N)


def inverse(m, n, k, D, dlt):
    """Find the largest risk at which at most k errors have a probability of at least the level."""
    return {"bound": m.binomial_upper(k, n, m.log(dlt) - D)}


certificate = Bound(
    units={"n": "i.i.d. example"}, about="hypothesis", holds_for="all hypotheses", before=("prior", "loss"),
    events=(("union", "dlt"),), complexity="D",
)  # fmt: skip
theorem = v.theorem(
    title="Occam bound by the binomial tail",
    cite=("langford2005", "Occam's razor bound with the binomial tail inversion; number not confirmed"),
    given=[
        v.sum(lambda j: P[j], N) <= 1,
        premise("level", low[h] <= P[h] * dlt, ("langford2005", "test set bound; number not confirmed"), "exact test"),
        premise("union", fail <= v.sum(lambda j: low[j], N), ("boole1854", "union bound")),
        premise("Chernoff", exp(-n * kl_bernoulli(k / n, x)) >= F, ("hoeffding1963", "Theorem 1"), "for x >= k/n"),
        Eq(kl_bernoulli(k / n, x), (D + log(1 / dlt)) / n),
    ],
    claim=[fail <= dlt, level >= F, Eq((1 - y) ** n, level)],
    proof=[
        derive(fail)
        .le(v.sum(lambda j: low[j], N), "union bound", by="union")
        .le(v.sum(lambda j: P[j] * dlt, N), "hypothesis by hypothesis", by="level", hint="termwise")
        .eq(dlt * v.sum(lambda j: P[j], N), "common factor")
        .le(dlt, "the prior sums to at most 1"),
        derive(F)
        .le(exp(-n * kl_bernoulli(k / n, x)), "Chernoff", by="Chernoff")
        .eq(exp(-(D + log(1 / dlt))), "the radius")
        .eq(level, "the level"),
    ],
    kind="upper bound",
    algorithm=inverse,
    computes=("bound",),
    bound=certificate,
    values=[
        value("0.454628049835", "1724 nats, 8679 errors", of="bound", n=30000, k=8679, D=1724, dlt="0.05"),
        value("0.10225337764327", "5 errors in 100, one hypothesis", of="bound", n=100, k=5, D=0, dlt="0.05"),
        value("0.029513049607040", "no error in 100: 1 - 0.05^(1/100)", of="bound", n=100, k=0, D=0, dlt="0.05"),
    ],
)
