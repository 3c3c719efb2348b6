r"""Tokens as data: a bound without independence, about the next token only.

Fix the model, let $Z_i$ be the smoothed code length of token $i$ given the tokens before it, and let it lie in an
interval of width $\Delta_i$ that is known before the token is drawn (the widths fixed, as with smoothing, where all
of them are $\Delta$). Azuma's inequality for predictable intervals and a union over the prior bound the mean of
$E[Z_i \mid x_{<i}]$. The left side draws each token anew *on the contexts that were seen*. It is not a risk on fresh
documents, and every use of this record has to say so. The printed values are from memory; what is left of them after
the reconstructed term, 3.1 to 3.2 bits per token and 40 to 37 % errors, is what such models have on their training
data.
"""

from dltsym import Bound, Eq, Scope, derive, exp, log, premise, sqrt, thm, value

v = Scope()
n, N = v.count("n", "tokens, a martingale"), v.count("N", "models that the code can name")
K, V = v.count("K", "subsampled tokens"), v.integer("V", "vocabulary size", lo=2)
b, M = v.pos("b", "bits per parameter"), v.pos("M", "parameters")
w = v.array("w", n, "widths of the loss ranges, fixed", unit="bit", lo=0, lo_open=True, latex=r"\Delta")
al = v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
rho = v.prob("rho", "share of it for the tokens", open=True, latex=r"\rho")
P = v.array("P", N, "prior weights, fixed before the data", lo=0, lo_open=True, hi=1)
tail = v.array("T", N, "probability that the context risk of model h exceeds its bound", lo=0)
fail = v.prob("U", "probability that the context risk of some model exceeds its bound")
D = v.nonneg("D", "cost of the model used, log(1/P)", unit="nat")
s, h = v.real("s", "mean loss on the tokens", unit="bit", latex=r"\hat r"), v.index("h", N)
W = v.let("W", log(1 + (1 - al) * V / al) / log(2), "width of the smoothed loss", unit="bit", latex=r"\Delta")
squares, union = v.sum(lambda i: w[i] ** 2, n), thm("llm_bounds.prior_union", T=tail, U=fail)


def radius(width, cost):
    return width * sqrt((cost + log(1 / dlt)) / (2 * n))


def share(j):
    return exp(-2 * (n * radius(sqrt(squares / n), log(1 / P[j]))) ** 2 / squares)


reached = sqrt((b * M * log(2) + log(1 / (rho * dlt))) / (2 * n)) + sqrt(log(1 / ((1 - rho) * dlt)) / (2 * K))
given = {"n": 1200000000000, "K": 10000, "b": 2, "dlt": "0.05", "V": 32000, "rho": "10000/1200000010000"}

theorem = v.theorem(
    title="Token bound for compressed language models",
    cite=("lotfi2024tokens", "Theorem 3.1; number and wording from memory"),
    given=[
        v.sum(lambda j: P[j], N) <= 1,
        premise("Azuma", tail[h] <= share(h), ("hoeffding1963", "Section 2, martingales"), "predictable intervals"),
        premise("union", fail <= v.sum(lambda j: tail[j], N), ("boole1854", "union bound")),
    ],
    claim=[fail <= dlt, Eq(sqrt(v.sum(lambda i: W**2, n) / n), W)],
    proof=[
        derive(tail[h]).le(share(h), "Azuma", by="Azuma").eq(P[h] * dlt, "the radius inverts the tail").named("one"),
        derive(fail).le(dlt, "union over the prior", by=(union, "one", "union")),
    ],
    kind="upper bound",
    outputs={"bound": s + radius(W, D), "cost": b * M * log(2), "factor": reached, "additive": W * reached,
             "seen": s - W * reached, "errors": s - reached},
    bound=Bound(
        units={"n": "martingale token"}, about="context risk", holds_for="all hypotheses", emp_risk="s", complexity="D",
        before=("prior", "code", "loss", "al"), events=(("Azuma", "dlt"),), baseline="log(V)/log(2)",
        loss=("-log(1 - al + al/V)/log(2)", "log(V/al)/log(2)"),
    ),
    values=[
        value("9704060528", "2 bits per parameter, 7e9 parameters", of="cost", b=2, M=7000000000, digits=10),
        value("0.0758261430048", "7e9 parameters", of="factor", M=7000000000, **given),
        value("0.213319776394", "70e9 parameters", of="factor", M=70000000000, **given),
        *(value(number, "bits per token", of="additive", al=weight, M=size, **given)
          for number, weight, size in [("1.134801118", "0.5", 7000000000), ("1.254980432", "0.25", 7000000000),
                                       ("1.375161266", "0.1", 7000000000), ("1.637476277", "0.01", 7000000000),
                                       ("3.192507374", "0.5", 70000000000)]),
        *(value(number, f"printed {printed} less the term", of="seen", al="0.5", M=size, s=printed, digits=4, **given)
          for number, printed, size in [("3.145", "4.28", 7000000000), ("3.030", "4.51", 13000000000),
                                        ("3.197", "6.39", 70000000000)]),
        *(value(number, f"printed error {printed} less the term", of="errors", M=size, s=printed, digits=4, **given)
          for number, printed, size in [("0.3997", "0.4755", 7000000000), ("0.3796", "0.4785", 13000000000),
                                        ("0.3693", "0.5826", 70000000000)]),
    ],
)  # fmt: skip
