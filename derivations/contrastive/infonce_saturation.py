r"""InfoNCE saturates: even the perfect critic learns no more than the batch can show.

Let $x = y$ be one of $M$ equally likely symbols: $I = \log M$. The perfect critic sees which symbols of the batch are
equal to its own, so a term is $\log(K/s)$ with $s = 1 + \mathrm{Bin}(K - 1, 1/M)$ equal symbols. The mean is at most
$\log K$, near it when $M$ is much larger than $K$, and at most $\log(M(1 - (1 - 1/M)^K)) < \log M$ by Jensen's
inequality, since $E[K/s] = M(1 - (1 - 1/M)^K)$. A finite critic gives less.
"""

from dltsym import Eq, Scope, binomial, derive, log, premise, thm, value

v = Scope()
K, M = v.count("K", "batch size"), v.integer("M", "number of symbols", lo=2)
s = v.integer("s", "symbols of the batch equal to the own one, itself included", lo=1, hi=K)
i = v.index("i", K)
p = v.array("p", K, "law of the number of equal symbols", lo=0)
t = v.prob("t", "probability that another symbol is equal to the own one", open=True)


def weight(j):
    return binomial(K - 1, j - 1) * t ** (j - 1) * (1 - t) ** (K - j)


exact = v.sum(lambda j: weight(j) * log(K / j), K)
mean = v.sum(lambda j: p[j] * log(K / j), K)
ratio = v.sum(lambda j: p[j] * (K / j), K)
all_of = v.sum(lambda j: binomial(K, j) * t**j * (1 - t) ** (K - j), K)
info = log(1 / t)
jensen = thm("information.jensen_log", n=K, p=lambda j: p[j], x=lambda j: K / j)

theorem = v.theorem(
    title="Saturation of InfoNCE for the perfect critic",
    cite=("poole2019", "Section 2.3, saturation at log K; the exact mean is derived here"),
    given=[
        Eq(p[i], weight(i)),
        premise("others", Eq(v.sum(lambda j: p[j], K), 1), ("dlmf", "Section 1.2(i)"), "the binomial theorem"),
        premise("all", Eq(all_of, 1 - (1 - t) ** K), ("dlmf", "Section 1.2(i)"), "the same, without the first term"),
    ],
    claim=[
        Eq(log(M / (M * s / K)), log(K / s)),
        mean <= log(K),
        mean <= log((1 - (1 - t) ** K) / t),
        log((1 - (1 - t) ** K) / t) < info,
    ],
    proof=[
        derive(mean)
        .le(v.sum(lambda j: p[j] * log(K), K), "at least the own symbol", hint="termwise")
        .eq(log(K), "mass 1", by="others"),
        derive(binomial(K - 1, i - 1) * (K / i)).eq(binomial(K, i), "absorb the quotient").named("absorb"),
        derive(ratio)
        .eq(v.sum(lambda j: weight(j) * (K / j), K), "the law")
        .eq(v.sum(lambda j: binomial(K, j) * t ** (j - 1) * (1 - t) ** (K - j), K), "term by term", by="absorb")
        .eq(all_of / t, "common factor")
        .eq((1 - (1 - t) ** K) / t, "binomial theorem", by="all")
        .named("ratio"),
        derive(mean)
        .le(log(ratio), "Jensen", by=(jensen, "others", "ratio"))
        .eq(log((1 - (1 - t) ** K) / t), "mean of the ratio", by="ratio"),
    ],
    outputs={"mean": exact, "info": info, "cap": log(K)},
    values=[
        value(number, "exact", of="mean", K=size, t=f"1/{symbols}")
        for symbols, size, number in [
            (1024, 512, "5.92495674744"), (16, 512, "2.75785668854"),
            (16, 8, "1.79839737997"), (2, 2, "0.346573590280"),
        ]
    ],
)  # fmt: skip
