r"""Tokens in one open hemisphere collapse, at an explicit exponential rate.

Let $w$ be a unit vector with $\langle x_i(0), w\rangle \ge r_0 > 0$ for all $n$ tokens, $d \ge 2$ and any real
$\beta$. In the chart $y = x/\langle x, w\rangle$ the width of the tokens falls in every direction at a rate of at
least $\kappa = r_0e^{-2|\beta|}$ (SA) or $\kappa = r_0e^{-|\beta|}$ (USA), see `particles.cone_chart`; integrating
this (Gronwall, for the maximum of smooth functions) is the cited premise, with $P, Q$ and $p, q$ one over the heights
of the pair that is farthest apart at the start and of any pair at time $t$. The chart lies outside the unit ball,
where radial projection does not increase distances, and starts within $\sqrt{1/r_0^2 - 1}$ of $w$. Never tight: the
rate near consensus is much larger (`particles.terminal_rate`). For $r_0 \le 0$ nothing holds: antipodal tokens do not
move. Any $w$ with $r_0 > 0$ is valid; the best has the largest $r_0$.
"""

from dltsym import Scope, abs_, derive, exp, premise, sqrt, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be = v.real("be", "inverse temperature", latex=r"\beta")
r0 = v.prob("r0", "smallest height at the start", latex="r_0", open=True)
t = v.nonneg("t", "time (depth)")
ka = v.pos("ka", "rate of the chart", latex=r"\kappa")
c = v.real("c", "inner product of two tokens at time t", lo=-1, hi=1)
p, q = (v.real(name, "one over a height at time t", lo=1) for name in "pq")
P, Q = (v.real(name, "one over a height at the start", lo=1, hi=1 / r0) for name in "PQ")
chart = v.let("Y", sqrt(p**2 + q**2 - 2 * p * q * c), "distance of the two tokens in the chart")
start = v.let("S", sqrt(P**2 - 1) + sqrt(Q**2 - 1), "bound on the width at the start")
bound = 2 * sqrt(1 - r0**2) / r0


def orthogonal(m, n, be, t):
    """Return the distance of n tokens that start orthogonal, from the time at which each cosine is reached."""
    half = m.number(1) / (2 * n)

    def hitting(y):
        return half * ((n - 1) * y + m.integral(lambda s: m.exp(be * n / (m.exp(s) + n - 1)), 0, y))

    e = m.exp(m.root(lambda y: hitting(y) - t, 0, 2 * t + 1))
    return {"distance": m.sqrt(2 * n / (e + n - 1))}


theorem = v.theorem(
    title="Exponential collapse from a hemisphere",
    cite=("geshkovski2025", "Lemma 6.4; explicit constants derived here"),
    given=premise(
        "gronwall",
        chart <= start * exp(-ka * t),
        ("geshkovski2025", "proof of Lemma 6.4; Gronwall's inequality is classical"),
        "the width in the widest direction obeys the differential inequality of particles.cone_chart",
    ),
    claim=sqrt(2 - 2 * c) <= bound * exp(-ka * t),
    proof=[
        derive(2 - 2 * c).le(p**2 + q**2 - 2 * p * q * c, "(p - q)^2 + 2(1 - c)(pq - 1) >= 0").named("projection"),
        derive(sqrt(P**2 - 1)).le(sqrt(1 - r0**2) / r0, "P is at most 1/r0").named("first"),
        derive(sqrt(Q**2 - 1)).le(sqrt(1 - r0**2) / r0, "Q is at most 1/r0").named("second"),
        derive(start).le(bound, by=("first", "second")).named("start"),
        derive(sqrt(2 - 2 * c))
        .le(chart, "radial projection", by="projection")
        .le(start * exp(-ka * t), by="gronwall")
        .le(bound * exp(-ka * t), by="start"),
    ],
    kind="upper bound",
    outputs={"sa": bound * exp(-r0 * exp(-2 * abs_(be)) * t), "usa": bound * exp(-r0 * exp(-abs_(be)) * t)},
    algorithm=orthogonal,
    computes=("distance",),
    values=[
        value(number, "two orthogonal tokens, w between them", of=name, n=2, be=1, t=1, r0="sqrt(1/2)")
        for name, number in [("sa", "1.81747955982655"), ("distance", "0.917392678288785")]
    ],
)
