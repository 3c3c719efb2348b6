r"""In high dimension random tokens follow one curve, and how high that dimension is.

Independent uniform tokens are nearly orthogonal in high dimension. The theorem (SA, all pairs and all times at once)
says that all inner products stay near the equiangular solution $\gamma_\beta$ of `particles.equiangular_ode` that
starts at 0. It holds for $16c^2/\gamma_\beta(1/n)^2 \le d/\log d$ with $c = e^{10\max(1, \beta)}$, with the printed
probability of at least $1 - 2n^2d^{-1/64}$. That is positive only for $d > (2n^2)^{64}$, which is $2^{192}$ for two
tokens and $2^{448}$ for eight: the statement is vacuous below. The first of its two bounds reaches 2, which any two
inner products obey, at the horizon given here; the second has constants that are not explicit. The phenomenon itself
is visible at small $d$: single runs with $n = 8$, $\beta = 2$ stayed within 0.71, 0.28, 0.19, 0.105 of the curve at
$d = 16, 64, 256, 1024$.
"""

from dltsym import Eq, Scope, abs_, derive, exp, log, min_, premise, sqrt, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
L = v.pos("L", "logarithm of the dimension", unit="nat", latex=r"\ell")
d = v.let("d", exp(L), "dimension")
m = v.real("m", "larger one of 1 and the inverse temperature beta", lo=1)
t = v.nonneg("t", "time (depth)")
C, lam = v.pos("C", "constant, not explicit"), v.pos("lam", "rate, not explicit", latex=r"\lambda")
g = v.real("g", "inner product of the equiangular solution at time t", latex=r"\gamma", lo=0, hi=1)
g1 = v.real("g1", "the same at time 1/n", latex=r"\gamma_1", lo=0, hi=1, lo_open=True)
x = v.real("x", "inner product of two tokens at time t", lo=-1, hi=1)
p = v.prob("p", "probability that the bounds hold for all pairs and times")
tail = C * exp(-lam * t)
printed = v.let("P", 1 - 2 * n**2 * exp(-L / 64), "printed probability")
horizon = v.let("T", log(exp(L) / L) / (20 * n * m), "time at which the first bound is 2")


def first(t):
    """Return the first bound at time t, with c = exp(10 m)."""
    return 2 * exp(10 * m * n * t) * sqrt(L * exp(-L))


theorem = v.theorem(
    title="The equiangular curve in high dimension",
    cite=("geshkovski2025", "Theorem 6.9; numbering second-hand"),
    given=[
        16 * exp(20 * m) / g1**2 <= d / L,
        premise(
            "curve",
            abs_(x - g) <= min_(first(t), tail),
            ("geshkovski2025", "Theorem 6.9"),
            "all pairs and times at once, on one event",
        ),
        premise("event", p >= printed, ("geshkovski2025", "Theorem 6.9"), "over independent uniform starts"),
    ],
    claim=[
        abs_(x - g) <= first(t),
        1 - p <= exp((64 * log(2 * n**2) - L) / 64),
        Eq(1 - printed, exp((64 * log(2 * n**2) - L) / 64)),
        Eq(first(horizon), 2),
    ],
    proof=[
        derive(abs_(x - g)).le(min_(first(t), tail), by="curve").le(first(t), "the smaller one of two", hint="z3"),
        derive(1 - p)
        .le(1 - printed, by="event")
        .eq(exp((64 * log(2 * n**2) - L) / 64), "at least 1 until d exceeds (2 n^2)^64"),
    ],
    outputs={"threshold": (2 * n**2) ** 64, "probability": printed, "horizon": horizon},
    values=[
        value("6277101735386680763835789423207666416102355444464034512896", "2^192", of="threshold", n=2, L=1, m=1),
    ],
)
