r"""A union bound that a prior pays for.

When the tail of model $h$ is at most $P_h\delta$ and the weights sum to at most 1, some model misleads with
probability at most $\delta$, however many models there are. The weights are fixed before the data.
"""

from dltsym import Break, Scope, derive, value

v = Scope()
N = v.count("N", "models that the code can name")
dlt = v.prob("dlt", "failure probability", latex=r"\delta")
P = v.array("P", N, "prior weights, fixed before the data", lo=0, hi=1)
tail = v.array("T", N, "probability that model h misleads", lo=0)
fail = v.nonneg("U", "probability that some model misleads, or a bound of it")
h = v.index("h", N)

theorem = v.theorem(
    title="Union bound with a prior",
    cite=("shalev2014", "Theorem 7.7, its proof"),
    given=[
        v.sum(lambda j: P[j], N) <= 1,
        tail[h] <= P[h] * dlt,
        fail <= v.sum(lambda j: tail[j], N),
    ],
    claim=fail <= dlt,
    proof=derive(fail)
    .le(v.sum(lambda j: tail[j], N), "union bound")
    .le(v.sum(lambda j: P[j] * dlt, N), "term by term", hint="termwise")
    .eq(dlt * v.sum(lambda j: P[j], N), "common factor")
    .le(dlt, "the prior sums to at most 1"),
    kind="upper bound",
    outputs={"paid": dlt * v.sum(lambda j: P[j], N)},
    values=[value("0.05", "weights of mass 1", of="paid", N=2, P=["1/4", "3/4"], dlt="0.05")],
    breaks=[Break({"N": 2, "P": [1, 1], "dlt": "0.05", "T": ["0.05", "0.05"], "U": "0.1"}, "weights of mass 2")],
)
