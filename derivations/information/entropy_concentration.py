r"""The entropy of a law that is nearly concentrated on one outcome (Fano's form).

Keep any one outcome, of probability $1 - q$; the entropy is that of the split plus $q$ times the entropy of the rest,
and the rest is spread over $l = m - 1$ outcomes. The gap is the relative entropy of the rest to the uniform law on
them, so there is equality when the rest is uniform. The bound increases up to $q = l/(l + 1)$ and not beyond, so that
a bound of $q$, such as the one of `attention.gap_law`, bounds the entropy. At $q = 0$ both sides are 0.
"""

from dltsym import Break, Eq, Scope, binary_entropy, derive, diff, log, thm, value, xlogx

v = Scope()
l = v.count("l", "number of other outcomes, m - 1")
p = v.array("p", l, "probabilities of the other outcomes", lo=0)
x = v.prob("x", "a bound of their sum", open=True)
q = v.let("q", v.sum(lambda j: p[j], l), "probability of the others")
H = v.let("H", -xlogx(1 - q) - v.sum(lambda j: xlogx(p[j]), l), "entropy", unit="nat")
kl = v.sum(lambda j: xlogx(p[j]) - p[j] * log(q / l), l)
split = -q * log(q) - xlogx(1 - q)
bound = split + q * log(l)
odds = " + ".join(f"exp(-{g}/3)" for g in (8, 11, 24, 20))
weights = [f"exp(-{g}/3)/(1 + {odds})" for g in (8, 11, 24, 20)]

theorem = v.theorem(
    title="Entropy under concentration",
    cite=("cover2006", "Section 2.10, Fano's inequality"),
    given=[q > 0, q <= 1, x <= l / (l + 1)],
    claim=[
        bound >= H,
        Eq(H, bound - kl),
        Eq(diff(binary_entropy(x) + x * log(l), x), log((1 - x) * l / x)),
        log((1 - x) * l / x) >= 0,
    ],
    proof=[
        derive(kl)
        .ge(q - v.sum(lambda j: q / l, l), "Gibbs", by=thm("information.gibbs_inequality", m=l, w=lambda j: q / l))
        .eq(0, "equal masses")
        .named("gibbs"),
        derive(H).eq(bound - kl, "split the logarithm").named("split"),
        derive(H).eq(bound - kl, "split the logarithm", by="split"),
        derive(H)
        .eq(bound - kl, "split the logarithm", by="split")
        .le(bound, "relative entropy to uniform", by="gibbs"),
        derive((1 - x) * l / x).ge(1, "x is at most l/(l + 1)").named("odds"),
        derive(log((1 - x) * l / x)).ge(0, "logarithm", by="odds"),
    ],
    outputs={"entropy": H, "bound": bound},
    values=[
        value(number, "scores 2, 1.2, 0.9, -0.4, 0 at temperature 0.3", of=name, digits=14, l=4, p=weights)
        for name, number in (("entropy", "0.356870498357899"), ("bound", "0.420381090957182"))
    ],
    breaks=[Break({"l": 1, "p": ["1/2"], "x": "3/4"}, "past the maximum", part=3)],
)
