r"""Freedman's inequality: Bernstein's for martingales, on the event that the conditional variances stay below a bound.

For differences $D_k \le b$ the process $\exp(\lambda\sum D_k - \psi(\lambda)W)$ is a supermartingale, with
$\psi(\lambda) = \lambda^2/(2(1 - \lambda b/3))$ from `concentration.bernstein_mgf` and $W$ the sum of the conditional
variances. Markov's inequality on $\{W \le V\}$ at $\lambda = t/(V + bt/3)$ gives the tail. $W$ cannot be observed, so
that this is no certificate; `concentration.freedman_empirical` replaces it by what was seen.
"""

from dltsym import Scope, derive, exp, premise, value

v = Scope()
t = v.pos("t", "deviation")
V, b = v.pos("V", "bound of the sum of conditional variances"), v.pos("b", "upper bound of the differences")
T = v.prob("T", "probability that the differences add up to t or more while W is at most V")
lam = v.let("lam", t / (V + b * t / 3), "step size", latex=r"\lambda")
psi = lam**2 / (2 * (1 - lam * b / 3))

theorem = v.theorem(
    title="Freedman's inequality",
    cite=("freedman1975", "Theorem 1.6; number not confirmed"),
    given=premise(
        "supermartingale",
        T <= exp(psi * V - lam * t),  # noqa: SIM300
        ("freedman1975", "the supermartingale of the proof; number not confirmed"),
        "tower property with the conditional moment bound, and Markov's inequality where W <= V",
    ),
    claim=[T <= exp(-(t**2) / (2 * (V + b * t / 3))), lam * b < 3],  # noqa: SIM300
    proof=[
        derive(T)
        .le(exp(psi * V - lam * t), "supermartingale", by="supermartingale")
        .eq(exp(-(t**2) / (2 * (V + b * t / 3))), "1 - lam b/3 = V/(V + bt/3)"),
        derive(lam * b).lt(3, "V > 0"),
    ],
    kind="upper bound",
    outputs={"tail": exp(-(t**2) / (2 * (V + b * t / 3)))},
    values=[value("0.687289278790972", "exp(-3/8), t = b = V = 1, computed here", of="tail", t=1, V=1, b=1)],
)
