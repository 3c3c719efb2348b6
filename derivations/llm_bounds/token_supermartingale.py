r"""One step of Catoni's bound for tokens, and what the bound is worth.

On $[0, 1]$ the exponential lies below its chord, so that $e^{-CX}/(1 - \mu(1 - e^{-C}))$ has a conditional mean of at
most 1. `moment` is the exact mean of the product over six steps of a chain on 0, 0.3 and 1, at most 1 as it has to
be. For a model of $1.4 \cdot 10^{10}$ bits on $1.2 \cdot 10^{12}$ tokens with 3.145 bits per token, `floor` is what
the best $C$ would give, against the bound of Hoeffding type.
"""

from dltsym import Break, Scope, exp, kl_upper, log, sqrt, value

v = Scope()
C, x = v.pos("C", "inverse temperature per token"), v.prob("x", "one loss")
c = v.pos("c", "complexity per token", unit="nat")
u = v.nonneg("u", "mean smoothed loss", unit="bit")
V, al = v.integer("V", "vocabulary size", lo=2), v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
W = v.let("W", log(1 + (1 - al) * V / al) / log(2), "width of the smoothed loss", unit="bit", latex=r"\Delta")
lo = -log(1 - al + al / V) / log(2)
point = {"u": "3.145", "al": "0.5", "V": 32000, "c": "7000000000*2*log(2)/1200000000000"}


def product(m, C):
    """Return the mean of the product over six steps of a chain on 0, 0.3 and 1."""
    first, after = (2, 5, 3), ((6, 2, 2), (1, 8, 1), (3, 3, 4))
    values = [m.number(x) / 10 for x in (0, 3, 10)]

    def step(law):
        mean = m.sum(p * x / 10 for p, x in zip(law, values, strict=True))
        return [p * m.exp(-C * x) / (10 * (1 - mean * (1 - m.exp(-C)))) for p, x in zip(law, values, strict=True)]

    state, rows = step(first), [step(law) for law in after]
    for _ in range(5):
        state = [m.sum(state[i] * rows[i][j] for i in range(3)) for j in range(3)]
    return {"moment": m.sum(state)}


theorem = v.theorem(
    title="One step of Catoni's bound for tokens",
    cite=("catoni2007", "the moment of one loss; the use for tokens is derived here"),
    claim=exp(-C * x) <= 1 - x * (1 - exp(-C)),
    outputs={"Hoeffding": u + W * sqrt(c / 2), "floor": lo + W * kl_upper((u - lo) / W, c)},
    algorithm=product,
    computes=("moment",),
    breaks=[Break({"C": 1, "x": 2}, "a loss of 2")],
    values=[
        value("0.92328744055824", "six steps of a chain", of="moment", C="0.5"),
        value("0.42816121792261", "six steps of a chain", of="moment", C=2),
        value("4.0966", "7e9 parameters of 2 bits", of="Hoeffding", digits=5, **point),
        value("3.8677", "7e9 parameters of 2 bits", of="floor", digits=5, **point),
    ],
)
