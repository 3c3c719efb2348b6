r"""The smoothing weight with the exact range of the loss.

Below one nat per token the weight $\alpha = C$ on the exact range $\log(1 + (1-\alpha)V/\alpha)$ costs the binary
entropy of $C$ besides $C\log V$, up to $C^2/((1-C)V)$. That is less than the $h_2(C)$ of
`llm_bounds.smoothing_optimum`. For $C \ge 1$ this weight does not exist.
"""

from dltsym import Scope, binary_entropy, derive, log, value

v = Scope()
C = v.prob("C", "complexity per token, in nats, below 1", open=True)
V = v.integer("V", "vocabulary size", lo=2)
cost = (1 + C) * log(1 + C) - C * log(C)
exact = C * log(1 + (1 - C) * V / C) - log(1 - C)
entropy = -C * log(C) - (1 - C) * log(1 - C)
total = C * log(V) + entropy + C**2 / ((1 - C) * V)

theorem = v.theorem(
    title="Smoothing weight on the exact range",
    cite=("finzi2025", "smoothing term of the compute-optimal bound; this form is derived here"),
    claim=[exact <= total, entropy < cost],
    proof=[
        derive(exact)
        .eq(C * log(V) + entropy + C * log(1 + C / ((1 - C) * V)), "take out the leading term")
        .le(total, "log(1 + x) <= x"),
        derive(cost - entropy)
        .eq((1 + C) * log(1 + C) + (1 - C) * log(1 - C), "C log C cancels")
        .gt(0, "ladder", hint="C @ 0")
        .named("convex"),
        derive(entropy).lt(cost, "the difference is positive", by="convex"),
    ],
    outputs={"entropy": binary_entropy(C), "exact": exact, "loose": C * log(V) + cost},
    values=[
        value("0.348832095843", "C = 1/9", of="entropy", C="1/9"),
        value("1.55102996078", "exact range", of="exact", C="1/9", V=50000),
        value("1.56340089092", "range log(V/alpha)", of="loose", C="1/9", V=50000),
    ],
)
