r"""Bisection for entmax at alpha = 1 returns the uniform law.

The threshold form is $p_j = [(\alpha - 1) s_j - \tau]_+^{1/(\alpha - 1)}$. At $\alpha = 1$ all scores are multiplied
by zero, every threshold treats all keys alike, and after the final normalisation each weight is $1/m$, whatever the
scores. The limit $\alpha \to 1$ is softmax: that value needs a branch of its own.
"""

from fractions import Fraction

from dltsym import Scope, exp, value

v = Scope()
s = v.real("s", "score of the first of two keys, the other has 0")
first = v.real("first", "first weight that bisection returns at alpha = 1")
soft = v.let("p", exp(s) / (exp(s) + 1), "first weight of softmax")


def fixture(m, s):
    """Bisect for the threshold as the library does; the exponent 1/0 is infinity, and 1 to it is 1."""
    z = [0 * s, 0 * m.number(0)]
    low, high = m.max(z) - 1, m.max(z)
    for _ in range(50):
        tau = (low + high) / 2
        base = [m.upper(x - tau) for x in z]
        powers = [1 if b == 1 else 0 for b in base]
        low, high = (tau, high) if sum(powers) >= 1 else (low, tau)
    powers = [m.upper(x - low) for x in z]
    return {"first": powers[0] / m.sum(powers)}


audit = v.audit(
    title="Entmax by bisection fails at alpha = 1",
    source=("peters2019", "library of the paper, issue 23"),
    prints="entmax_bisect at alpha = 1 is softmax",
    claim=(first - soft) ** 2 <= Fraction(1, 10**4),
    at={"s": 3},
    fixture=fixture,
    verdict="refuted",
    corrected="Dispatch to softmax at alpha = 1.",
    outputs={"first": first, "soft": soft},
    values=[
        value("0.5", "uniform", of="first", digits=12),
        value("0.952574126822433", "softmax", of="soft", s=3),
    ],
    see=("attention.entmax",),
)
