r"""Pinsker's inequality for laws on finitely many outcomes, with a free weight.

With $e_j$ in $[-1, 1]$ and $D = \sum_j e_j(p_j - w_j)$, relative entropy is at least $2\lambda D - 2\lambda^2$ for
every real $\lambda$. The best choice $\lambda = D/2$ gives $D^2/2$, and the signs of the differences make $D$ the sum
of their absolute values. So relative entropy is 0 for equal laws only, and an optimum whose gap is a relative entropy
is unique. Term by term: the quadratic lower bound of relative entropy against its own tangent, a square. The two laws
need equal masses.
"""

from dltsym import Break, Eq, Scope, derive, thm, value, xlogx

v = Scope()
m = v.count("m", "number of outcomes")
p = v.array("p", m, "a law", lo=0)
w = v.array("w", m, "a law with positive weights", lo=0, lo_open=True)
lam = v.real("lam", "any weight", latex=r"\lambda")
i = v.index("i", m)
K = v.let("K", v.sum(lambda j: w[j] * xlogx(p[j] / w[j]), m), "KL(p || w)", unit="nat")
e = v.array("e", m, "signs, or anything between", lo=-1, hi=1)
D = v.let("D", v.sum(lambda j: e[j] * (p[j] - w[j]), m), "at most twice the total variation")


def share(j):
    return w[j] * xlogx(p[j] / w[j]) - p[j] + w[j]


def tangent(j, x):
    return 2 * lam * x - lam**2 * (2 * p[j] + 4 * w[j]) / 3


ratio = thm("information.pinsker_ratio", u=p[i] / w[i])
theorem = v.theorem(
    title="Pinsker's inequality (finitely many outcomes), with a free weight",
    cite=("cover2006", "Lemma 11.6.1"),
    given=[Eq(v.sum(lambda j: p[j], m), 1), Eq(v.sum(lambda j: w[j], m), 1)],
    claim=2 * lam * D - 2 * lam**2 <= K,
    proof=[
        derive(share(i) / w[i])
        .eq(xlogx(p[i] / w[i]) - p[i] / w[i] + 1, "divide")
        .ge(3 * (p[i] / w[i] - 1) ** 2 / (2 * p[i] / w[i] + 4), "one term", by=ratio)
        .named("ratio"),
        derive(share(i))
        .ge(w[i] * (3 * (p[i] / w[i] - 1) ** 2 / (2 * p[i] / w[i] + 4)), "times w", by="ratio")
        .eq(3 * (p[i] - w[i]) ** 2 / (2 * p[i] + 4 * w[i]), "divide")
        .named("quadratic"),
        derive(tangent(i, e[i] * (p[i] - w[i]))).le(3 * (p[i] - w[i]) ** 2 / (2 * p[i] + 4 * w[i]), "a square")
        .named("square"),
        derive(share(i)).ge(3 * (p[i] - w[i]) ** 2 / (2 * p[i] + 4 * w[i]), "the chain above", by="quadratic")
        .ge(tangent(i, e[i] * (p[i] - w[i])), "a square", by="square").named("point"),
        derive(K)
        .eq(v.sum(share, m), "equal masses")
        .ge(v.sum(lambda j: tangent(j, e[j] * (p[j] - w[j])), m), "term by term", by="point", hint="termwise")
        .eq(2 * lam * D - 2 * lam**2, "masses 1"),
    ],
    outputs={"kl": K, "bound": D**2 / 2},
    values=[
        value("0.338919144154881", "laws 0.3 and 0.7", of="kl", m=2, p=["0.3", "0.7"], w=["0.7", "0.3"], e=[-1, 1]),
        value("0.32", "the same", of="bound", m=2, p=["0.3", "0.7"], w=["0.7", "0.3"], e=[-1, 1]),
    ],
    breaks=[Break({"m": 1, "p": ["1/2"], "w": [1], "lam": 0, "e": [0]}, "masses 1/2 and 1")],
)  # fmt: skip
