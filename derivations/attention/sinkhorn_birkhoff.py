r"""Global convergence of Sinkhorn's iteration in Hilbert's projective metric, with a bound on what is left.

For positive vectors the metric is the oscillation of the difference of their logarithms. Any cross ratio of the
kernel $e^{S/\varepsilon}$ is at most $e^\Delta$, so its image has diameter at most $\Delta$, and by Birkhoff and Hopf
(cited) it contracts the metric by $\kappa = \tanh(\Delta/4)$. Diagonal scalings and inverses are isometries; so a
full iteration contracts by $\kappa^2$, and what one iteration still moves bounds the distance to the limit. For two
queries and two keys with uniform marginals the bound is the exact rate (`attention.sinkhorn_2x2`). A zero in the
kernel makes $\Delta$ infinite, and at small $\varepsilon$ the bound is far too pessimistic for a stopping rule.
"""

from dltsym import Eq, Scope, derive, exp, premise, tanh, value

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
S = v.array("S", (n, m), "scores")
lo, hi = v.real("lo", "lower bound of the scores"), v.real("hi", "upper bound of the scores")
Dl = v.nonneg("Dl", "largest logarithm of a cross ratio", latex=r"\Delta")
d0, d1, d2 = (v.nonneg(f"d{k}", f"distance to the limit after {k} half steps") for k in range(3))
res = v.nonneg("res", "distance that the iteration moved")
i, k, j, l = v.index("i", n), v.index("k", n), v.index("j", m), v.index("l", m)
ka = v.let("kappa", tanh(Dl / 4), "contraction of a half step", latex=r"\kappa")


def bracket(i, k, j, l):
    return (S[i, j] + S[k, l] - S[k, j] - S[i, l]) / eps


def kernel(i, j):
    return exp(S[i, j] / eps)


def bound(m, S, eps):
    """Return the largest cross ratio of the kernel and the contraction of a full iteration."""
    pairs = [[S[i][j] - S[k][j] for j in range(len(S[0]))] for i in range(len(S)) for k in range(len(S))]
    size = m.max([m.max(d) - m.min(d) for d in pairs]) / eps
    return {"Delta": size, "contraction": m.tanh(size / 4) ** 2}


sines = [[f"sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)]
contracts = [
    premise(f"half step {t}", q <= ka * p, ("franklin1989", "Birkhoff-Hopf; number not confirmed"))
    for t, p, q in ((1, d0, d1), (2, d1, d2))
]

theorem = v.theorem(
    title="Hilbert-metric bound for Sinkhorn's iteration",
    cite=("franklin1989", "contraction of scalings; number not confirmed"),
    given=[
        bracket(i, k, j, l) <= Dl, lo <= S[i, j], S[i, j] <= hi,
        d0 <= res + d2, *contracts,
    ],
    claim=[
        Eq(kernel(i, j) * kernel(k, l) / (kernel(k, j) * kernel(i, l)), exp(bracket(i, k, j, l))),
        bracket(i, k, j, l) <= 2 * (hi - lo) / eps,
        d2 <= ka**2 * d0,
        d0 <= res / (1 - ka**2),
    ],
    proof=[
        derive(ka).lt(1, "tanh is below 1").named("below 1"),
        derive(ka).ge(0, "tanh of a non-negative number").named("not negative"),
        derive(d2)
        .le(ka * d1, by="half step 2")
        .le(ka * (ka * d0), by=("half step 1", "not negative"))
        .eq(ka**2 * d0).named("full step"),
        derive(d2).le(ka**2 * d0, by="full step"),
        derive((1 - ka**2) * d0).le(res, by="full step").named("left"),
        derive(1-ka**2).gt(0, by=("below 1", "not negative")).named("positive"),
        derive(d0).eq((1 - ka**2) * d0 / (1 - ka**2), by="positive").le(res / (1 - ka**2), by=("left", "positive")),
    ],
    algorithm=bound, computes=("Delta", "contraction"),
    values=[value(number, "S(4, 6)", of=of, S=sines, eps=at)
        for of, at, number in [
            ("Delta", 1, "3.41226066406492"),
            ("contraction", 1, "0.479788117640787"),
            ("Delta", "0.5", "6.82452132812984"),
            ("contraction", "0.5", "0.876416222946783"),
        ]],
)  # fmt: skip
