r"""From a message length in bits to a prior over hypotheses.

All binary messages of length $\ell$ together get the weight $2^\ell 2^{-\ell}/\ell^2 = \ell^{-2}$ under $2^{-(\ell +
2\log_2\ell)}$. These add up to $\pi^2/6 > 1$, so $\ell + 2\log_2\ell$ bits alone are no code, already for the lengths
1 and 2; with $\log_2(\pi^2/6) = 0.718$ bits more they are. A prefix-free code has the Kraft sum built in: $\log(1/P)
= |c|\log 2$. A length of 0 is outside, and bits that are subtracted afterwards break the sum. The code, with its
decoder, architecture and random projections, has to be fixed before the data. Known lengths need no $\ell^{-2}$.
"""

from dltsym import Eq, Scope, derive, log, pi, premise, value

v = Scope()
M = v.count("M", "largest length")
ell = v.pos("ell", "length of a message, at least 1", unit="bit", latex=r"\ell")
P = v.let("P", 6 / pi**2 * 2**-ell / ell**2, "prior weight of a message")
bits = v.let("B", ell + 2 * log(ell) / log(2) + log(pi**2 / 6) / log(2), "bits of the prefix code")
basel = premise(
    "Basel", v.sum(lambda k: 1 / k**2, M) <= pi**2 / 6, ("dlmf", "equation 25.6.1"), "partial sums of zeta(2)"
)

theorem = v.theorem(
    title="A prior from message lengths",
    cite=("cover2006", "Theorem 5.2.1 (Kraft's inequality)"),
    given=[basel, ell >= 1],
    claim=[
        v.sum(lambda k: 2**k * (6 / pi**2 * 2**-k / k**2), M) <= 1,
        Eq(log(1 / P), bits * log(2)),
        v.sum(lambda k: 2**k * 2**-k / k**2, 2) > 1,
    ],
    proof=[
        derive(v.sum(lambda k: 2**k * (6 / pi**2 * 2**-k / k**2), M))
        .eq(6 / pi**2 * v.sum(lambda k: 1 / k**2, M), "powers of 2 cancel")
        .le(6 / pi**2 * (pi**2 / 6), "Basel", by="Basel")
        .eq(1, "normalised"),
    ],
    outputs={"cost": bits * log(2), "bits": ell + 2 * log(ell) / log(2), "constant": log(pi**2 / 6) / log(2)},
    values=[
        value("1019.9315685693", "without the constant", of="bits", ell=1000),
        value("707.46039142038", "nats, with the constant", of="cost", ell=1000),
        value("0.71802975822348", "bits", of="constant"),
    ],
)
