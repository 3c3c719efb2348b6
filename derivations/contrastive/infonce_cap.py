r"""InfoNCE can never exceed the logarithm of the batch size.

With the positive pair inside the denominator each term is the logarithm of $K$ times a softmax weight, and a
softmax weight is at most 1. The estimate is therefore capped at $\log K$ whatever the critic: a batch of $K$ cannot
certify more than $\log K$ nats of mutual information. If the positive is dropped from the denominator the cap
fails. The terms $e^{f_{rj}}/(\frac1K\sum_j e^{f_{rj}})$ of a row sum to $K$.
"""

from dltsym import Eq, Scope, derive, exp, log, value

v = Scope()
K = v.count("K", "batch size")
F = v.array("F", (K, K), "critic scores, row = anchor, diagonal = positive pair")
i = v.index("i", K)


def term(r):
    """Return the estimate of anchor r."""
    return log(exp(F[r, r]) / (v.sum(lambda j: exp(F[r, j]), K) / K))


estimate = v.let("I", v.sum(term, K) / K, "InfoNCE estimate", unit="nat", latex=r"I_{\mathrm{NCE}}")
loss = v.sum(lambda r: log(v.sum(lambda j: exp(F[r, j]), K)) - F[r, r], K) / K

theorem = v.theorem(
    title="InfoNCE is capped at log K",
    cite=("oord2018", "Section 2.3 and appendix"),
    claim=[
        estimate <= log(K),
        Eq(loss, log(K) - estimate),
        Eq(v.sum(lambda r: exp(F[i, r]) / (v.sum(lambda j: exp(F[i, j]), K) / K), K), K),
    ],
    proof=[
        derive(exp(F[i, i]))
        .le(v.sum(lambda j: exp(F[i, j]), K), "one term of a positive sum", hint="termwise")
        .named("one term"),
        derive(term(i)).le(log(K), "a softmax weight is at most 1", by="one term").named("each anchor"),
        derive(estimate)
        .le(v.sum(lambda r: log(K), K) / K, "term by term", by="each anchor", hint="termwise")
        .eq(log(K), "equal terms"),
    ],
    kind="upper bound",
    outputs={"estimate": estimate, "loss": loss},
    also=[("poole2019", "Section 2.3")],
    values=[
        value("0.3132616875182228", "two orthonormal pairs, temperature 1", of="loss", K=2, F=[[1, 0], [0, 1]]),
        value("0.1269280110429725", "two orthonormal pairs, temperature 1/2", of="loss", K=2, F=[[2, 0], [0, 2]]),
    ],
)
