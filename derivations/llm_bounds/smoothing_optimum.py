r"""The best smoothing weight for a complexity of $C$ nats per token.

Smoothing with weight $\alpha$ costs $-\log(1-\alpha)$ and widens the loss range $\log(V/\alpha)$, which the bound
pays for with $C\log(1/\alpha)$. The sum has one minimum, at $\alpha = C/(1+C)$, and its value $h_2(C)$ is an
entropy-like function: $h_2(C) = C\,h_2(1/C)$. Above 1, at $C = 1/w^2$, the derivative of $h_2(C) - 2\log2\,\sqrt C$
has the sign of $\log(1 + w^2) - w\log2$, and a convex function lies below its chord. Hence, below 1 by the symmetry,
$h_2(C) \le 2\log2\,\sqrt C = (\sqrt2\log2)\sqrt{2C}$, an equality at $C = 1$ only. The usual $\sqrt{2C}$ is always
larger.
`llm_bounds.smoothing_width` has the exact range.
"""

from dltsym import Break, Convex, Eq, Optimum, Scope, derive, exp, log, sqrt, value

v = Scope()
C = v.pos("C", "complexity per token", unit="nat")
al = v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
t = v.real("t", "log odds of the weight")
w = v.real("w", "square root of a complexity of at most 1", lo=0, hi=1, lo_open=True)


def cost(c):
    return (1 + c) * log(1 + c) - c * log(c)


h = v.let("h", cost(C), "cost of smoothing at its best", unit="nat", latex="h_2")

theorem = v.theorem(
    title="Optimal smoothing weight",
    cite=("finzi2025", "smoothing term of the compute-optimal bound; exact minimum derived here"),
    claim=[
        Optimum(
            "min",
            C * log(1 / al) - log(1 - al),
            over=(al,),
            at={al: C / (1 + C)},
            value=h,
            proof=Convex(t, inverse=log(al / (1 - al)), param={al: 1 / (1 + exp(-t))}),
        ),
        Eq(h, C * cost(1 / C)),
        cost(1 / w**2) <= 2 * log(2) / w,
        cost(w**2) <= 2 * log(2) * w,
        2 * log(2) * sqrt(C) < sqrt(2 * C),
    ],
    proof=[
        derive(cost(1 / w**2))
        .eq((1 + 1 / w**2) * log(1 + w**2) - 2 * log(w), "write out")
        .le(2 * log(2) / w, "ladder", hint="w @ 1")
        .named("above 1"),
        derive(cost(w**2))
        .eq(w**2 * cost(1 / w**2), "symmetry")
        .le(w**2 * (2 * log(2) / w), "the case above 1", by="above 1")
        .eq(2 * log(2) * w),
    ],
    outputs={
        "weight": C / (1 + C), "cost": h, "bound": 2 * log(2) * sqrt(C), "usual": sqrt(2 * C),
        "factor": sqrt(2) * log(2),
    },
    values=[
        value("0.3612033037682758", "C = 1/9", of="cost", C="1/9"),
        value("0.47140452079103", "C = 1/9", of="usual", C="1/9"),
        value("1.386294361119891", "2 ln 2 at C = 1: equality", of="cost", C=1),
        value("1.386294361119891", "2 ln 2 at C = 1: equality", of="bound", C=1),
        value("0.3445536321", "3 bits per parameter at 20 tokens per parameter", of="cost", C="0.103972077084"),
        value("0.98025814346855", "sqrt(2) ln 2", of="factor"),
    ],
    breaks=[Break({"C": 0}, "no complexity: then both sides are 0", part=4)],
)  # fmt: skip
