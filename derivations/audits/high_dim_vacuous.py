r"""A theorem for high dimensions whose probability is negative in every dimension that exists.

The paper bounds the probability that tokens follow the equiangular curve by $1 - 2 n^2 d^{-1/64}$. That is positive
only for $d > (2n^2)^{64}$, which is $2^{192}$ for two tokens. At dimension 1024 the bound is below $-6$. The
phenomenon is seen in simulations at $d$ of some tens; the theorem does not explain those.
"""

from dltsym import Scope, value

v = Scope()
n, d = v.count("n", "number of tokens", lo=2), v.count("d", "dimension")
low = v.let("p", 1 - 2 * n**2 * d ** -(1 / v.read("64")), "printed lower bound of a probability")

audit = v.audit(
    title="The high-dimensional theorem is vacuous below two to the 192",
    source=("geshkovski2025", "Theorem 6.9; numbering second-hand"),
    prints="with probability at least 1 - 2 n^2 d^(-1/64)",
    claim=low > 0,
    at={"n": 2, "d": 1024},
    verdict="holds with correction",
    corrected="True as stated, and empty unless d > (2 n^2)^64.",
    outputs={"bound": low, "dimension": (2 * n**2) ** 64},
    values=[
        value("-6.17883630001", "n = 2, d = 1024", of="bound", digits=6, n=2, d=1024),
        value("6277101735386680763835789423207666416102355444464034512896", "n = 2", of="dimension", n=2, d=1),
    ],
    see=("particles.high_dim_curve",),
)
