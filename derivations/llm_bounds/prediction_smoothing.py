r"""Prediction smoothing turns an unbounded log-loss into a bounded one.

Mixing a language model with the uniform law over $V$ tokens, with weight $\alpha$, confines the code length of every
token to an interval, whose ends are taken at $p = 1$ and $p = 0$. Its width, in bits, is the range that concentration
inequalities pay for; the mixture costs at most $-\log(1-\alpha)$ nats per token, and the uniform model is not moved
by any weight. A certificate speaks about the smoothed model; as $\alpha \to 0$ the width grows without end. What a
bound has to beat is guessing: $\log_2 V$ bits, or an error of $1 - k/V$ for the best $k$ of $V$ words (printed tables
cut it to 99.99 %, rounding would give 100.00).
"""

from dltsym import Break, Eq, Scope, derive, log, value

v = Scope()
V = v.integer("V", "vocabulary size", lo=2)
al = v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
p = v.prob("p", "model probability of the token")
q = v.prob("q", "model probability of a token that the model allows", open=True)
k = v.integer("k", "number of guesses", lo=1, hi=V)


def bits(prob):
    """Return the code length of a token under the smoothed model, in bits."""
    return -log((1 - al) * prob + al / V) / log(2)


short, long = bits(v.read(1)), log(V / al) / log(2)
width = log(1 + (1 - al) * V / al) / log(2)
smooth = (1 - al) * q + al / V

theorem = v.theorem(
    title="Range and cost of prediction smoothing",
    cite=("lotfi2024", "Section 3, prediction smoothing"),
    claim=[
        short <= bits(p),
        bits(p) <= long,
        Eq(bits(v.read(0)), long),
        Eq(long - short, width),
        -log(smooth) < -log(q) - log(1 - al),
        Eq(bits(1 / V), log(V) / log(2)),
    ],
    proof=[
        derive((1 - al) * p + al / V).le(1 - al + al / V, "p is at most 1").named("largest"),
        derive((1 - al) * p + al / V).ge(al / V, "p is at least 0").named("smallest"),
        derive(short).le(bits(p), "log is increasing", by="largest"),
        derive(bits(p))
        .le(-log(al / V) / log(2), "log is increasing", by="smallest")
        .eq(long, "log of a quotient"),
        derive((1 - al) * q).lt(smooth, "drop a positive term").named("drop"),
        derive(-log(smooth))
        .lt(-log((1 - al) * q), "log is increasing", by="drop")
        .eq(-log(q) - log(1 - al), "log of a product"),
    ],
    kind="inequality",
    outputs={
        "width": width, "shortest": short, "longest": long, "bits": bits(p),
        "guess": log(V) / log(2), "error": 1 - k / V,
    },
    values=[
        value(number, "bits per token", of="width", V=size, al=weight)
        for size, weight, number in [
            (50257, "1e-4", "28.9046050400"), (50257, "1e-3", "25.5813778308"), (50257, "0.01", "22.2463938443"),
            (50257, "0.05", "19.8649659586"), (50257, "0.1", "18.7869651253"), (50257, "0.5", "15.6170656404"),
            (32000, "0.5", "14.9658293682"), (32000, "0.1", "18.1357142955"),
        ]
    ]
    + [value("0.151999903854", "best case", of="shortest", V=50257, al="0.1"),
       value("18.9389650292", "worst case", of="longest", V=50257, al="0.1"),
       value("15.6170369343", "random guess", of="guess", V=50257),
       value("14.9657842847", "random guess", of="guess", V=32000),
       value("0.9999801023", "best of one", of="error", V=50257, k=1),
       value("0.9998010227", "best of ten", of="error", V=50257, k=10),
       value("0.9980102274", "best of a hundred", of="error", V=50257, k=100),
       value("0.99996875", "best of one", of="error", V=32000, k=1)],
    breaks=[Break({"V": 2, "al": "1.2", "p": 0}, "a weight above 1")],
)  # fmt: skip
