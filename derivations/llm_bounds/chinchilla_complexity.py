r"""The complexity of a model along the compute-optimal frontier.

With $b$ bits per parameter a code gives the model the prior $2^{-bN}$, hence $\log(1/P) = bN\log 2$ nats, and per
token $C \approx (N/D)\,b\log 2$; sweeps and $\log(1/\delta)$ add a term that vanishes with scale. On the frontier $D
= \rho N$ this is $b\log2/\rho$: more compute moves neither $C$ nor the leading term $C\log V$ of
`llm_bounds.compute_optimal`, only the variation of the losses and the cost of quantisation. So compute alone decides
nothing about generalisation.
"""

from dltsym import Break, Eq, Rate, Scope, log, sqrt, value

v = Scope()
N, D = v.pos("N", "parameters"), v.pos("D", "training tokens")
b, rho = v.pos("b", "bits per parameter"), v.pos("rho", "tokens per parameter", latex=r"\rho")
V = v.integer("V", "vocabulary size", lo=2)
F = v.pos("F", "training compute", unit="FLOP")
L = v.pos("L", "sweep and confidence cost", unit="nat")
M = v.pos("M", "tokens on the frontier, as a function of compute")
C = v.let("C", N * b * log(2) / D, "complexity per token", unit="nat")
h = (1 + C) * log(1 + C) - C * log(C)
size = sqrt(F / (6 * rho))

theorem = v.theorem(
    title="Complexity per token at a fixed number of tokens per parameter",
    cite=("hoffmann2022", "compute-optimal frontier, tokens proportional to parameters; C = 6 N D in FLOP"),
    given=[Eq(D, rho * N)],
    claim=[
        Eq(log(1 / 2 ** (-b * N)), b * N * log(2)),
        Eq(C, b * log(2) / rho),
        Eq(6 * size * (rho * size), F),
        Rate(size * b * log(2) / (rho * size) * log(V), F, 0),
        (N * b * log(2) + L) / D > b * log(2) / rho,
    ],
    outputs={"C": C, "inverse": 1 / C, "range": C * log(V), "usual": sqrt(2 * C), "smoothing": h},
    values=[
        value(number, "3 bits, 20 tokens per parameter", of=name, N=1, D=20, rho=20, b=3, V=50000)
        for name, number in [
            ("C", "0.103972077084"), ("inverse", "9.6179669"), ("range", "1.124954822"), ("usual", "0.4560089409"),
            ("smoothing", "0.3445536321"),
        ]
    ],
    breaks=[Break({"N": 1, "D": 10, "rho": 20, "b": 3}, "tokens not proportional to parameters", part=1)],
)  # fmt: skip
