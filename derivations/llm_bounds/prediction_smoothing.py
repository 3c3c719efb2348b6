r"""Prediction smoothing turns an unbounded log-loss into a bounded one.

Mixing a language model with the uniform law over $V$ tokens, with weight $\alpha$, confines the code length of
every token to an interval. The width of that interval, in bits, is the range that concentration inequalities pay
for; the mixture costs at most $-\log(1-\alpha)$ nats per token.
"""

from dltsym import Eq, Scope, derive, log, value

v = Scope()
V = v.integer("V", "vocabulary size", lo=2)
al = v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
p = v.prob("p", "model probability of the token")
q = v.prob("q", "model probability of a token that the model allows", open=True)


def smooth(prob):
    """Return the smoothed probability."""
    return (1 - al) * prob + al / V


short, long = -log(1 - al + al / V) / log(2), log(V / al) / log(2)
width = log(1 + (1 - al) * V / al) / log(2)

theorem = v.theorem(
    title="Range and cost of prediction smoothing",
    cite=("lotfi2024", "Section 3, prediction smoothing"),
    claim=[
        short <= -log(smooth(p)) / log(2),
        -log(smooth(p)) / log(2) <= long,
        Eq(long - short, width),
        -log(smooth(q)) <= -log(q) - log(1 - al),
        Eq(smooth(1 / V), 1 / V),
    ],
    proof=[
        derive(smooth(p)).le(1 - al + al / V, "p is at most 1").named("largest"),
        derive(smooth(p)).ge(al / V, "p is at least 0").named("smallest"),
        derive(short).le(-log(smooth(p)) / log(2), "log is increasing", by="largest"),
        derive(-log(smooth(p)) / log(2))
        .le(-log(al / V) / log(2), "log is increasing", by="smallest")
        .eq(long, "log of a quotient"),
        derive((1 - al) * q).le(smooth(q), "drop a positive term").named("drop"),
        derive(-log(smooth(q)))
        .le(-log((1 - al) * q), "log is increasing", by="drop")
        .eq(-log(q) - log(1 - al), "log of a product"),
    ],
    kind="inequality",
    outputs={"width": width, "shortest": short, "longest": long, "bits": -log(smooth(p)) / log(2)},
    values=[
        value(bits, "bits per token", of="width", V=size, al=weight)
        for size, weight, bits in [
            (50257, "1e-4", "28.9046050400"),
            (50257, "0.01", "22.2463938443"),
            (50257, "0.1", "18.7869651253"),
            (32000, "0.5", "14.9658293682"),
        ]
    ]
    + [
        value("0.151999903854", "best case", of="shortest", V=50257, al="0.1"),
        value("18.9389650292", "worst case", of="longest", V=50257, al="0.1"),
    ],
)
