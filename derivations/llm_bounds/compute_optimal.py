r"""The compute-optimal bound for language models, with the exact smoothing term.

A quantised model of prior probability $P(h)$ has complexity $C = (\log(1/P(h)) + \log(|K|/\delta))/D$ nats per
token over $D$ tokens. The fully empirical Freedman-type bound with range $\log(V/\alpha)$ controls the smoothed
risk, smoothing itself costs $-\log(1-\alpha)$, and the weight $\alpha = C/(1+C)$ makes the sum smallest.
Non-vacuous means below $\log V$.
"""

from dltsym import Scope, derive, log, premise, sqrt, value

v = Scope()
V = v.integer("V", "vocabulary size", lo=2)
C = v.pos("C", "complexity per token", unit="nat")
S = v.nonneg("S", "empirical variation of the losses", unit="nat", latex=r"\Sigma")
R = v.real("R", "true risk of the smoothed model", unit="nat")
t = v.real("t", "empirical risk of the smoothed model", unit="nat", latex=r"\hat r_\alpha")
s = v.nonneg("s", "empirical risk of the model", unit="nat", latex=r"\hat r")
al = v.let("al", C / (1 + C), "smoothing weight", latex=r"\alpha")
h = (1 + C) * log(1 + C) - C * log(C)

theorem = v.theorem(
    title="Compute-optimal generalisation bound for language models",
    cite=("finzi2025", "main bound; its square-root smoothing term replaced by the exact minimum"),
    given=[
        premise(
            "Freedman", R - t <= C * log(V / al) + S * sqrt(C), ("finzi2025", "fully empirical Freedman-type theorem")
        ),
        premise(
            "smoothing",
            t <= s - log(1 - al),
            ("lotfi2024", "Section 3, prediction smoothing"),
            "average over tokens of the cost of smoothing",
        ),
    ],
    claim=s + C * log(V) + S * sqrt(C) + h >= R,
    proof=derive(R)
    .le(t + C * log(V / al) + S * sqrt(C), "concentration", by="Freedman")
    .le(s - log(1 - al) + C * log(V / al) + S * sqrt(C), "cost of smoothing", by="smoothing")
    .eq(s + C * log(V) + S * sqrt(C) + h, "insert the weight"),
    kind="upper bound",
    outputs={"gap": C * log(V) + S * sqrt(C) + h, "range": C * log(V)},
    values=[
        value("1.124954822", "3 bits per parameter, 20 tokens per parameter", of="range", V=50000, C="0.103972077084"),
        value("1.2021976", "quoted decomposition", of="range", V=50000, C="1/9"),
    ],
)
