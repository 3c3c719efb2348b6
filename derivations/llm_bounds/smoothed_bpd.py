r"""Code lengths of a smoothed language model, from its logits.

The probability of a word is the softmax of its logit, mixed with the uniform law over the $V$ words of the vocabulary
with weight $\alpha$. Whatever the logits are, the code length of a word then lies in an interval that $\alpha$ and $V$
alone decide, and the uniform model has length $\log_2 V$ for every weight. A padded vocabulary would change both. The
kernel computes a grid of weights at once, averages over the tokens that count, and returns the entropy of the model.
"""

from sympy import oo

from dltsym import Ne, Operator, Scope, cases_, derive, exp, log, softplus, xlogx
from dltsym.relations import gradient_shift, permuted, shifted

v = Scope(base=0)
n, G = v.count("n", "number of tokens"), v.count("G", "number of smoothing weights")
V = v.integer("V", "vocabulary size", lo=2)
z = v.array("z", (n, V), "logits")
y = v.array("y", n, "target", lo=0, hi=V - 1, entries="integer")
al = v.array("al", G, "smoothing weight", lo=0, hi=1, lo_open=True, hi_open=True, latex=r"\alpha")
keep = v.array("keep", n, "whether a token counts", entries="bool")
i, g = v.index("i", n), v.index("g", G)


def weight(t, s):
    return cases_((z[t, s] <= -oo, 0), exp(z[t, s]))


def prob(t, s):
    return weight(t, s) / v.sum(lambda r: weight(t, r), V)


def surprise(t):
    return softplus(log(v.sum(lambda s: cases_((Ne(s, y[t]), weight(t, s)), 0), V)) - z[t, y[t]])


def spread(t):
    def share(s):
        return cases_((z[t, s] <= -oo, 0), (Ne(s, y[t]), xlogx(exp(z[t, s] - z[t, y[t]] - surprise(t)))), 0)

    return surprise(t) * exp(-surprise(t)) - v.sum(share, V)


def statement_of(target, entropy):
    def code(t, a):
        return -log((1 - a) * target(t) + a / V) / log(2)

    total = v.sum(lambda t: cases_((keep[t], code(t, al[g])), 0), n)
    return lambda: {
        "mean": total / v.sum(lambda t: cases_((keep[t], 1), 0), n),
        "bits": cases_((keep[i], code(i, al[g])), 0),
        "entropy": cases_((keep[i], entropy(i)), 0),
    }


statement = statement_of(lambda t: prob(t, y[t]), lambda t: -v.sum(lambda s: xlogx(prob(t, s)), V))


p, a = v.prob("p", "probability of the word under the model"), v.prob("a", "one weight", open=True)
length = -log((1 - a) * p + a / V) / log(2)

theorem = v.theorem(
    title="Smoothed bits per token",
    cite=("lotfi2024", "Section 3, prediction smoothing"),
    claim=[-log(1 - a + a / V) / log(2) <= length, length <= log(V / a) / log(2)],
    proof=[
        derive((1 - a) * p + a / V).le(1 - a + a / V, "p is at most 1").named("largest"),
        derive((1 - a) * p + a / V).ge(a / V, "p is at least 0").named("smallest"),
        derive(-log(1 - a + a / V) / log(2)).le(length, "log is increasing", by="largest"),
        derive(length).le(-log(a / V) / log(2), "log is increasing", by="smallest").eq(log(V / a) / log(2), "quotient"),
    ],
    kind="inequality",
    operator=Operator(
        statement,
        axes={"mean": "g", "bits": "i g", "entropy": "i"},
        absent={"keep": 1.0},
        grads=("z",),
        relations=(
            shifted("z", 300),
            shifted("z", -300),
            permuted({"z": -2, "y": -1, "keep": -1}, {"bits": -2, "entropy": -1}),
            gradient_shift("z"),
        ),
        forms={"apart": statement_of(lambda t: exp(-surprise(t)), spread)},
    ),
)
