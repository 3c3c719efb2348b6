r"""Bounds for a compressed language model from independent documents.

The loss of a document is the mean smoothed code length of its tokens, in bits: its range has the width $\Delta$ of
`llm_bounds.prediction_smoothing`. Model $h$ gets the radius at which its tail is $P_h\delta$, so that a union over
all models that the code can name costs $\delta$ in all. The prior, hence the code, the initial weights and the random
projection, is fixed before the documents; $\log(1/P_h)$ is in nats although the loss is in bits. With the kl form of
the tail (Chernoff) the bound is $\mathrm{lo} + \Delta\,\mathrm{kl}^+$, never worse (`pac_bayes.occam_kl`). A weight
$\alpha$ chosen among $G$ costs $\log G$. Documents that share text are not independent; above $\log_2 V$ the bound
says nothing.
"""

from dltsym import Bound, Eq, Scope, derive, exp, kl_bernoulli, kl_upper, log, premise, sqrt, thm, value

v = Scope()
n, N = v.count("n", "documents, i.i.d."), v.count("N", "models that the code can name")
V, G = v.integer("V", "vocabulary size", lo=2), v.count("G", "smoothing weights tried")
al = v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
P = v.array("P", N, "prior weights, fixed before the data", lo=0, lo_open=True, hi=1)
tail = v.array("T", N, "probability that the risk of model h exceeds its bound", lo=0)
kl_tail, kl_fail = v.array("X", N, "the same for the kl form", lo=0), v.prob("Y", "some model, kl form")
fail = v.prob("U", "probability that the risk of some model exceeds its bound")
D = v.nonneg("D", "cost of the model used, log(1/P)", unit="nat")
s = v.real("s", "mean loss on the documents, inside its range", unit="bit", latex=r"\hat r")
q, p = v.prob("q", "mean loss as a part of its range"), v.prob("p", "risk as a part of its range", open=True)
h = v.index("h", N)
W = v.let("W", log(1 + (1 - al) * V / al) / log(2), "width of the loss range", unit="bit", latex=r"\Delta")
c, lo = v.nonneg("c", "complexity per document", unit="nat"), -log(1 - al + al / V) / log(2)


def per_document(cost):
    return (cost + log(1 / dlt)) / n


cost, inv = log(1 / P[h]), kl_upper(q, c)
share = exp(-2 * n * (W * sqrt(per_document(cost) / 2)) ** 2 / W**2)
kl_share = exp(-n * per_document(cost))
range_of = ("-log(1 - al + al/V)/log(2)", "log(V/al)/log(2)")
uses = {
    "units": {"n": "i.i.d. document"}, "about": "hypothesis", "holds_for": "all hypotheses", "emp_risk": "s",
    "before": ("prior", "code", "loss", "al"), "complexity": "D", "loss": range_of, "baseline": "log(V)/log(2)",
}  # fmt: skip
boole, union = ("boole1854", "union bound"), thm("llm_bounds.prior_union")

theorem = v.theorem(
    title="Document bound for compressed language models",
    cite=("lotfi2024", "Section 3; theorem number not confirmed"),
    given=[
        v.sum(lambda j: P[j], N) <= 1, q <= p, kl_bernoulli(q, p) <= c,
        premise("Hoeffding", tail[h] <= share, ("hoeffding1963", "Theorem 2"), "tail at the radius"),
        premise("Chernoff", kl_tail[h] <= kl_share, ("hoeffding1963", "Theorem 1"), "kl form"),
        premise("union", fail <= v.sum(lambda j: tail[j], N), boole),
        premise("kl union", kl_fail <= v.sum(lambda j: kl_tail[j], N), boole),
    ],
    claim=[fail <= dlt, kl_fail <= dlt, W * (p - q) <= W * sqrt(c / 2), Eq(log(G / P[h]), cost + log(G)), p <= inv],
    proof=[
        derive(p).le(inv, "definition of the inverse"),
        derive(tail[h]).le(share, by="Hoeffding").eq(P[h] * dlt, "the radius inverts the tail").named("one"),
        derive(kl_tail[h]).le(kl_share, by="Chernoff").eq(P[h] * dlt, "the radius inverts the tail").named("kl"),
        derive(fail).le(dlt, "union over the prior", by=(union(T=tail, U=fail), "one", "union")),
        derive(kl_fail).le(dlt, "the same", by=(union(T=kl_tail, U=kl_fail), "kl", "kl union")),
        derive(p).le(q + sqrt(kl_bernoulli(q, p) / 2), "Pinsker", by=thm("information.pinsker", q="q", p="p"))
        .le(q + sqrt(c / 2), "the radius", hint="z3").named("Pinsker"),
        derive(W * (p - q)).le(W * sqrt(c / 2), "stretch to the range", by="Pinsker"),
    ],
    kind="upper bound",
    outputs={
        "bound": s + W * sqrt(per_document(D) / 2), "radius": per_document(D),
        "tight": lo + W * kl_upper((s - lo) / W, per_document(D)),
    },
    bound=[Bound(**uses, events=(("Hoeffding", "dlt"),)), Bound(**uses, events=(("Chernoff", "dlt"),), of="tight")],
    values=[
        value(number, "computed here", of=name, V=50257, al="0.1", n=8009762, D=10000, dlt="0.05", s="3.5")
        for name, number in [("bound", "3.96945813294"), ("tight", "3.86921672374")]
    ],
)  # fmt: skip
