r"""A stopping rule for two-sided claims uses the sample size of a one-sided one.

Version 0.1.0 of a testing library draws $n = (b-a)^2\log(1/\delta)/(2\varepsilon^2)$ samples, rounded up, for a mean
within $\varepsilon$ on both sides. With $\delta = 0.7$ and $\varepsilon = 0.45$ that is one sample, and the mean of
one fair coin is never within 0.45 of one half: the rule fails with probability 1, not at most 0.7.
"""

from fractions import Fraction
from itertools import product

from dltsym import Scope, log, value

v = Scope()
dlt, eps = v.prob("dlt", "promised failure probability", open=True, latex=r"\delta"), v.pos("eps", "accuracy")
fails = v.prob("fails", "exact failure probability for a fair coin")


def fixture(m, dlt, eps):
    """Take the printed sample size, rounded up, and count the outcomes of fair coins that miss."""
    size = m.upper(m.log(1 / dlt) / (2 * eps**2))
    n = next(k for k in range(1, 10**4) if size <= k)
    tosses = list(product((0, 1), repeat=n))
    missed = sum(bool(m.number(abs(Fraction(sum(toss), n) - Fraction(1, 2))) > eps) for toss in tosses)
    return {"fails": m.number(Fraction(missed, len(tosses)))}


audit = v.audit(
    title="A two-sided rule with a one-sided sample size",
    source=("pytest_stochastic", "version 0.1.0, rule named after Anderson"),
    prints="n = (b - a)^2 log(1/delta)/(2 eps^2) samples suffice for both sides",
    claim=fails <= dlt,
    at={"dlt": "0.7", "eps": "0.45"},
    fixture=fixture,
    verdict="refuted",
    corrected="Two sides need log(2/delta): Hoeffding's bound is paid once for each.",
    outputs={"fails": fails, "samples": log(1 / dlt) / (2 * eps**2), "two_sided": log(2 / dlt) / (2 * eps**2)},
    values=[
        value("1", "one fair coin", of="fails", digits=12, dlt="0.7", eps="0.45"),
        value("0.880679", "rounded up to one sample", of="samples", digits=6, dlt="0.7", eps="0.45"),
        value("2.592153", "three samples", of="two_sided", digits=6, dlt="0.7", eps="0.45"),
    ],
    see=("concentration.hoeffding_lemma",),
)
