r"""A universal code for lengths that exceeds Kraft's sum.

The length of a message of $\ell$ bits is charged as $\ell + 2\log_2\ell$. Over all binary messages the weights then
add up to $\sum_\ell \ell^{-2} = \pi^2/6 > 1$, so they are no prior. The missing constant is $\log_2(\pi^2/6)$, 0.718
bits; on row 9 of the public tables it moves the certified inverse to .8606535 (beside the two bits of
`audits.negative_extra_bits`).
"""

from fractions import Fraction

from dltsym import Scope, log, pi, value

v = Scope()
N = v.count("N", "longest message")
weights = v.pos("weights", "sum of the weights of all messages up to N bits")
bound = v.real("bound", "certified inverse with the constant paid, row 9")


def fixture(m, N):
    """Sum 2^l messages of weight 2^-l / l^2, and invert relative entropy at the paid length."""
    bits = m.number("400.1624011638499") + m.log(m.pi**2 / 6) / m.log(2)
    c = (bits * m.log(2) + m.log(2 * m.sqrt(m.number(12000)) * 20)) / 12000
    q = m.number("0.7797500044107437")
    return {
        "weights": m.number(sum(Fraction(1, k * k) for k in range(1, int(N) + 1))),
        "bound": m.root(lambda p: m.kl_bernoulli(q, p) - c, q, m.number("0.999999")),
    }


audit = v.audit(
    title="Message lengths whose weights exceed 1",
    source=("lotfi2022", "public code, message length"),
    prints="l + 2 log2(l) bits are the length of a prefix-free message",
    claim=weights <= 1,
    at={"N": 100},
    fixture=fixture,
    verdict="holds with correction",
    corrected="Add log2(pi^2/6) = 0.71803 bits, and exclude messages of length 0.",
    outputs={"weights": weights, "missing_bits": log(pi**2 / 6) / log(2), "bound": bound},
    values=[
        value("1.634983900", "the first hundred lengths", of="weights", digits=10, N=100),
        value("0.71802975822348", "the constant", of="missing_bits", digits=14),
        value("0.8606535216", "row 9 with the constant paid", of="bound", digits=10, N=100),
    ],
    see=("information.kraft_prefix",),
)
