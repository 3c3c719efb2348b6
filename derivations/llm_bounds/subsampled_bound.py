r"""The document bound when the empirical risk itself is only sampled.

Evaluating a large model on all $n$ documents costs too much, so its risk is measured on $K$ of them, drawn with
replacement after the model is fixed. Two events may fail: the bound on all documents gets the share $\rho$ of
$\delta$, Hoeffding's inequality for the indices, given the data, the rest. Indices used to choose the model would
need a union in the second term too. The public code takes $\rho = K/(K + n)$: almost everything goes to the small
sample, which is right (`llm_bounds.subsample_split`). Exchanging the two shares costs 0.0098
times the range.
"""

from dltsym import Bound, Eq, Scope, derive, exp, log, premise, sqrt, thm, value

v = Scope()
n, K = v.count("n", "documents, i.i.d."), v.count("K", "indices drawn with replacement, given the documents")
N, V = v.count("N", "models that the code can name"), v.integer("V", "vocabulary size", lo=2)
al = v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
rho = v.prob("rho", "share of it for the documents", open=True, latex=r"\rho")
P = v.array("P", N, "prior weights, fixed before the data", lo=0, lo_open=True, hi=1)
tail = v.array("T", N, "probability that the documents mislead about model h", lo=0)
few = v.prob("X", "probability that the subsample misleads about the chosen model")
fail = v.prob("U", "probability of any of these")
D = v.nonneg("D", "cost of the model used, log(1/P)", unit="nat")
s = v.real("s", "mean loss on the subsample", unit="bit", latex=r"\hat r")
t, r = v.real("t", "mean loss on all documents", unit="bit"), v.real("r", "true risk", unit="bit")
h = v.index("h", N)
W = v.let("W", log(1 + (1 - al) * V / al) / log(2), "width of the loss range", unit="bit", latex=r"\Delta")


def large(cost):
    return sqrt((cost + log(1 / (rho * dlt))) / (2 * n))


share = exp(-2 * n * large(log(1 / P[h])) ** 2)
tails = v.sum(lambda j: tail[j], N)
small = v.let("e", sqrt(log(1 / ((1 - rho) * dlt)) / (2 * K)), "radius of the subsample")

union = thm("llm_bounds.prior_union", T=tail, U=tails, dlt=rho * dlt)

theorem = v.theorem(
    title="Document bound with a subsampled empirical risk",
    cite=("lotfi2024", "subsampled bound; theorem number not confirmed"),
    given=[
        v.sum(lambda j: P[j], N) <= 1,
        premise("documents", tail[h] <= share, ("hoeffding1963", "Theorem 2"), "tail at the radius"),
        premise("subsample", few <= exp(-2 * K * small**2), ("hoeffding1963", "Theorem 2"), "given the documents"),
        premise("union", fail <= tails + few, ("boole1854", "union bound")),
        r <= t + W * large(D), t <= s + W * small,
    ],
    claim=[Eq(rho * dlt + (1 - rho) * dlt, dlt), fail <= dlt, r <= s + W * (large(D) + small)],
    proof=[
        derive(few).le((1 - rho) * dlt, "the radius inverts the tail", by="subsample", hint="direct").named("few"),
        derive(tail[h]).le(share, "Hoeffding", by="documents")
        .eq(P[h] * (rho * dlt), "the radius inverts the tail").named("one"),
        derive(tails).le(rho * dlt, "union over the prior", by=(union, "one")).named("many"),
        derive(fail).le(tails + few, "union bound", by="union")
        .le(rho * dlt + (1 - rho) * dlt, "both shares", by=["many", "few"]).eq(dlt, "the ledger"),
        derive(r).le(t + W * large(D), "outside one").le(s + W * (large(D) + small), "outside both", hint="z3"),
    ],
    kind="upper bound", outputs={"bound": s + W * (large(D) + small), "factor": large(D) + small},
    bound=Bound(
        units={"n": "i.i.d. document", "K": "subsample index"}, about="hypothesis", holds_for="all hypotheses",
        before=("prior", "code", "loss", "subsample", "al"), emp_risk="s", complexity="D", baseline="log(V)/log(2)",
        events=(("documents", "rho*dlt"), ("subsample", "(1 - rho)*dlt")),
        loss=("-log(1 - al + al/V)/log(2)", "log(V/al)/log(2)"),
    ),
    values=[
        value(number, what, of="factor", n=size, K=10000, D=cost, dlt="0.05", rho=part)
        for number, what, size, cost, part in [
            ("0.037238136583824", "shipped constants", 8009762, 10000, "10000/8019762"),
            ("0.046991698800634", "shares exchanged", 8009762, 10000, "8009762/8019762"),
            ("0.26209010036771", "a million nats", 8009762, 1000000, "10000/8019762"),
            ("0.036057066087237", "sequences", 8823811, 10000, "10000/8833811"),
        ]
    ],
)  # fmt: skip
