r"""The entropy of a law whose probability off one outcome has a known bound.

If all outcomes but one have probability $q \le x \le l/(l + 1)$ together, the entropy is at most the largest one at
$q = x$, which has the rest spread evenly. It is at most the cross entropy to that law, which is linear in $q$ with a
slope that is not negative. With $x$ from `attention.gap_law` the entropy of attention falls like the odds of the
runner-up times $1/\varepsilon$. Beyond $l/(l + 1)$ the right side decreases in $x$ and bounds nothing.
"""

from dltsym import Break, Scope, binary_entropy, derive, log, thm, value, xlogx

v = Scope()
l = v.count("l", "number of other outcomes, m - 1")
p = v.array("p", l, "probabilities of the other outcomes", lo=0)
x = v.prob("x", "a bound of their sum", open=True)
q = v.let("q", v.sum(lambda j: p[j], l), "probability of the others")
H = v.let("H", -xlogx(1 - q) - v.sum(lambda j: xlogx(p[j]), l), "entropy", unit="nat")
kept = xlogx(1 - q) - (1 - q) * log(1 - x)
others = v.sum(lambda j: xlogx(p[j]) - p[j] * log(x / l), l)
slope = log((1 - x) * l / x)
gibbs = thm("information.gibbs_inequality", m=1, p=lambda j: 1 - q, w=lambda j: 1 - x)
odds = " + ".join(f"exp(-{g}/3)" for g in (8, 11, 24, 20))

theorem = v.theorem(
    title="Entropy under a bounded tail",
    cite=("cover2006", "Section 2.10, Fano's inequality"),
    given=[q <= x, x <= l / (l + 1)],
    claim=binary_entropy(x) + x * log(l) >= H,
    proof=[
        derive(others)
        .ge(q - v.sum(lambda j: x / l, l), "Gibbs", by=thm("information.gibbs_inequality", m=l, w=lambda j: x / l))
        .eq(q - x, "equal terms")
        .named("others"),
        derive(kept)
        .eq(v.sum(lambda j: xlogx(1 - q) - (1 - q) * log(1 - x), 1), "one term")
        .ge(v.sum(lambda j: 1 - q, 1) - v.sum(lambda j: 1 - x, 1), "Gibbs", by=gibbs)
        .eq(x - q, "one term")
        .named("kept"),
        derive((1 - x) * l / x).ge(1, "x is at most l/(l + 1)").named("odds"),
        derive(slope).ge(0, "logarithm", by="odds").named("slope"),
        derive(H)
        .eq(-log(1 - x) + q * slope - kept - others, "cross entropy minus relative entropy")
        .le(-log(1 - x) + q * slope, "relative entropy", by=("kept", "others"))
        .le(-log(1 - x) + x * slope, "q <= x", by="slope")
        .eq(binary_entropy(x) + x * log(l), "split the logarithm"),
    ],
    outputs={"entropy": H, "bound": binary_entropy(x) + x * log(l)},
    values=[
        value("0.356870498357899", "scores 2, 1.2, 0.9, -0.4, 0 at temperature 0.3", of="entropy", digits=14, l=4,
              p=[f"exp(-{g}/3)/(1 + {odds})" for g in (8, 11, 24, 20)], x="1/4"),
    ],
    breaks=[Break({"l": 1, "p": ["1/2"], "x": "1/10"}, "a tail above its bound")],
)  # fmt: skip
