r"""Pinsker's inequality for laws on finitely many outcomes.

Relative entropy is at least half the squared $L_1$ distance $T = \sum_j |p_j - w_j|$, so at least twice the squared
total variation. Term by term it is at least a square over a mean of both laws (`information.pinsker_ratio`), which
lies above its tangent of slope $T$; the tangents add up to $T^2 - T^2/2$. It is 0 for equal laws only. The constant
is the best one: for laws $1/2 \pm h$ the two sides agree to second order in $h$. Masses that differ need the
generalised form, whose terms are those used here.
"""

from dltsym import Break, Eq, Scope, abs_, derive, thm, value, xlogx

v = Scope()
m = v.count("m", "number of outcomes")
p = v.array("p", m, "a law", lo=0)
w = v.array("w", m, "a law with positive weights", lo=0, lo_open=True)
T = v.nonneg("T", "L1 distance of the laws, twice their total variation")
i = v.index("i", m)
K = v.let("K", v.sum(lambda j: w[j] * xlogx(p[j] / w[j]), m), "KL(p || w)", unit="nat")
distance = v.sum(lambda j: abs_(p[j] - w[j]), m)


def share(j):
    return w[j] * xlogx(p[j] / w[j]) - p[j] + w[j]


def tangent(j):
    return T * abs_(p[j] - w[j]) - T**2 * (2 * p[j] + 4 * w[j]) / 12


quadratic = 3 * (p[i] - w[i]) ** 2 / (2 * p[i] + 4 * w[i])
theorem = v.theorem(
    title="Pinsker's inequality (finitely many outcomes)",
    cite=("cover2006", "Lemma 11.6.1"),
    given=[Eq(v.sum(lambda j: p[j], m), 1), Eq(v.sum(lambda j: w[j], m), 1), Eq(T, distance)],
    claim=T**2 / 2 <= K,
    proof=[
        derive(share(i) / w[i])
        .eq(xlogx(p[i] / w[i]) - p[i] / w[i] + 1, "divide")
        .ge(
            3 * (p[i] / w[i] - 1) ** 2 / (2 * p[i] / w[i] + 4),
            "one term",
            by=thm("information.pinsker_ratio", u=p[i] / w[i]),
        )
        .named("ratio"),
        derive(share(i))
        .ge(w[i] * (3 * (p[i] / w[i] - 1) ** 2 / (2 * p[i] / w[i] + 4)), "times w", by="ratio")
        .eq(quadratic, "divide")
        .named("quadratic"),
        derive(tangent(i)).le(quadratic, "a square", hint="reduction").named("square"),
        derive(share(i))
        .ge(quadratic, "the chain above", by="quadratic")
        .ge(tangent(i), "a square", by="square")
        .named("point"),
        derive(K)
        .eq(v.sum(share, m), "equal masses")
        .ge(v.sum(tangent, m), "term by term", by="point", hint="termwise")
        .eq(T * distance - T**2 / 2, "masses 1")
        .eq(T**2 / 2, "T is the distance"),
    ],
    outputs={"kl": K, "bound": distance**2 / 2},
    values=[
        value("0.338919144154881", "laws 0.3 and 0.7", of="kl", m=2, p=["0.3", "0.7"], w=["0.7", "0.3"]),
        value("0.32", "the same", of="bound", m=2, p=["0.3", "0.7"], w=["0.7", "0.3"]),
    ],
    breaks=[Break({"m": 1, "p": ["1/2"], "w": [1], "T": "1/2"}, "masses 1/2 and 1")],
)
