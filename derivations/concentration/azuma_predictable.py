r"""The Azuma-Hoeffding inequality with predictable ranges.

The terms $X_k$ lie in intervals of length $\Delta_k$ that are known one step before, with $\sum\Delta_k^2 \le S$ for
a fixed $S$. Given the past Hoeffding's lemma bounds the moment of each term, so $\exp(h\sum(E_{k-1}X_k - X_k) -
h^2\sum\Delta_k^2/8)$ is a supermartingale; Markov's inequality at the best $h = 4t/S$ gives $e^{-2t^2/S}$. With
ranges that are not predictable or with a random $S$ it is false as it stands. The algorithm counts a chain of six
steps exactly: 729 paths of three values whose law depends on the value before.
"""

from fractions import Fraction
from itertools import product

from dltsym import Eq, Gap, Optimum, Scope, derive, exp, log, premise, sqrt, thm, value

v = Scope()
n, m = v.count("n", "number of steps"), v.count("m", "number of values of a step")
p = v.array("p", m, "law of a step, given the past", lo=0)
y = v.array("y", m, "its values")
A, W = v.real("A", "lower end of the step"), v.pos("W", "its length", latex=r"\Delta_k")
i = v.index("i", m)
t, h, g = v.pos("t", "deviation"), v.real("h", "exponent"), v.pos("g", "positive exponent")
S = v.pos("S", "bound of the sum of squared lengths, fixed in advance")
T = v.prob("T", "probability that the terms fall t or more below their conditional means, in sum")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
P = v.prob("P", "probability of a deviation of 1 in the chain of n steps")
mean = v.sum(lambda j: p[j] * y[j], m)
markov = exp((4 * t / S) ** 2 * S / 8 - 4 * t / S * t)
radius = sqrt(S * log(1 / dlt) / 2)


def chain(m, n):
    """Return the exact probability that the conditional means exceed the terms by 1 in sum."""
    law = {None: (2, 5, 3), 0: (6, 2, 2), 3: (1, 8, 1), 10: (3, 3, 4)}  # tenths; values 0, 3, 10 tenths
    total = Fraction(0)
    for path in product((0, 3, 10), repeat=n):
        weight, excess = Fraction(1), Fraction(0)
        for before, x in zip((None, *path), path, strict=False):
            now = dict(zip((0, 3, 10), law[before], strict=True))
            weight *= Fraction(now[x], 10)
            excess += sum(Fraction(w * z, 100) for z, w in now.items()) - Fraction(x, 10)
        total += weight if excess >= 1 else 0
    return {"P": m.number(total)}


theorem = v.theorem(
    title="Azuma-Hoeffding inequality with predictable ranges",
    cite=("azuma1967", "the main theorem; number not confirmed"),
    also=[("hoeffding1963", "Theorem 2 and the remark on martingales; number not confirmed")],
    given=[
        Eq(v.sum(lambda j: p[j], m), 1), y[i] >= A, y[i] <= A + W,
        premise("Markov", T <= markov, ("boucheron2013", "Section 2.2; number not confirmed"),  # noqa: SIM300
                "tower property of the supermartingale, Markov's inequality, at h = 4t/S"),
    ],
    claim=[
        T <= exp(-2 * t**2 / S),  # noqa: SIM300
        v.sum(lambda j: p[j] * exp(-(g * y[j])), m) <= exp(g**2 * W**2 / 8 - g * mean),
        Optimum("min", h**2 * S / 8 - h * t, (h,), {h: 4 * t / S}, -2 * t**2 / S, Gap(S / 8 * (h - 4 * t / S) ** 2)),
        Eq(exp(-2 * radius**2 / S), dlt),
    ],
    proof=[
        derive(T).le(markov, "Markov", by="Markov").eq(exp(-2 * t**2 / S), "the best exponent"),
        derive(v.sum(lambda j: p[j] * exp(-(g * y[j])), m))
        .le(exp((g * W) ** 2 / 8 - v.sum(lambda j: p[j] * (g * y[j]), m)), "Hoeffding's lemma, given the past",
            by=thm("concentration.hoeffding_finite", p=p, y=lambda j: g * y[j], A=g * A, R=g * W))
        .eq(exp(g**2 * W**2 / 8 - g * mean), "linear"),
    ],
    outputs={"tail": exp(-2 * t**2 / S), "radius": radius},
    algorithm=chain,
    computes=("P",),
    values=[
        value("0.0873560000000", "21839/250000, all 729 paths", of="P", n=6),
        value("0.71653131057379", "exp(-1/3), the bound of the same", of="tail", t=1, S=6),
    ],
)  # fmt: skip
