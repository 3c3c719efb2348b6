r"""The figure of the phase curve was drawn with errors above its own threshold.

The notebook beside the paper integrates the common cosine of 128 tokens by a pair of Runge and Kutta of orders 5 and
4 at default tolerances ($10^{-3}$ relative, $10^{-6}$ absolute), reads it at 300 times in $[0, 30]$ and asks where $1
- \gamma$ is below $10^{-3}$. The solver is repeated here. Near consensus its step grows to the edge of stability and
$\gamma$ oscillates about 1: at the last times, where the exact cosine lies within $10^{-8}$ of 1 (its hitting time is
below 25), it is off by more than the threshold, and some values exceed 1.
"""

from fractions import Fraction as Q

from dltsym import Scope, value

v = Scope()
be, error = v.pos("be", "inverse temperature", latex=r"\beta"), v.real("error", "largest error after time 25")
over = v.real("over", "largest cosine minus 1")
ROWS = ("", "1/5", "3/40 9/40", "44/45 -56/15 32/9", "19372/6561 -25360/2187 64448/6561 -212/729",
        "9017/3168 -355/33 46732/5247 49/176 -5103/18656", "35/384 0 500/1113 125/192 -2187/6784 11/84")  # fmt: skip
PAIR = [[Q(x) for x in row.split()] for row in ROWS]
ERROR = [Q(-71, 57600), 0, Q(71, 16695), Q(-71, 1920), Q(17253, 339200), Q(-22, 525), Q(1, 40)]
DENSE = [
    (1, Q(-8048581381, 2820520608), Q(8663915743, 2820520608), Q(-12715105075, 11282082432)), (0, 0, 0, 0),
    (0, Q(131558114200, 32700410799), Q(-68118460800, 10900136933), Q(87487479700, 32700410799)),
    (0, Q(-1754552775, 470086768), Q(14199869525, 1410260304), Q(-10690763975, 1880347072)),
    (0, Q(127303824393, 49829197408), Q(-318862633887, 49829197408), Q(701980252875, 199316789632)),
    (0, Q(-282668133, 205662961), Q(2019193451, 616988883), Q(-1453857185, 822651844)),
    (0, Q(40617522, 29380423), Q(-110615467, 29380423), Q(69997945, 29380423)),
]  # fmt: skip


def fixture(m, be):
    """Integrate from 0 with steps adapted as usual, and read the cosine at 300 times."""

    def speed(g):
        return m.middle(2 * (1 - g) * (127 * g + 1) / (m.exp(be * (1 - g)) + 127))

    def dot(coefficients, xs):
        return m.sum([m.number(c) * x for c, x in zip(coefficients, xs, strict=True)])

    t, g, out, most = m.number(0), m.number(0), [], 10
    h = m.number(Q(1, 10**4))  # what the usual choice of a first step gives here
    while t < 30:
        h, k = m.min(h, 30 - t), []
        for row in PAIR:
            k.append(speed(m.middle(g + h * dot(row, k)) if k else g))
        new = m.middle(g + h * dot(PAIR[-1], k[:-1]))
        scale = Q(1, 10**6) + Q(1, 1000) * m.max(m.abs(g), m.abs(new))
        miss = m.middle(m.abs(h * dot(ERROR, k)) / scale)
        factor = m.middle(Q(9, 10) * m.exp(-m.log(miss) / 5))
        if miss < 1:
            while len(out) < 300 and m.number(Q(30 * len(out), 299)) <= t + h:
                x = (Q(30 * len(out), 299) - t) / h
                out.append(g + h * dot([dot(p, [x, x**2, x**3, x**4]) for p in DENSE], k))
            t, g = m.middle(t + h), new
            h, most = m.middle(h * m.min(most, factor)), 10
        else:  # the step after a refused one does not grow
            h, most = m.middle(h * m.max(Q(1, 5), factor)), 1
    return {"error": m.widen(m.max([m.abs(1 - g) for g in out[250:]]), Q(1, 10**8)), "over": m.max(out) - 1}


audit = v.audit(
    title="The solver of the phase curve is coarser than its threshold",
    source=("geshkovski2025", "companion notebook of Figure 3"),
    prints="the curve 1 - gamma = 1e-3 from a solver at default tolerances",
    claim=error <= Q(1, 1000),
    at={"be": 4},
    fixture=fixture,
    verdict="refuted",
    corrected="Use the closed hitting time, or integrate y = log((1 + (n - 1) gamma)/(1 - gamma)).",
    outputs={"error": error, "over": over},
    values=[
        value("0.001261", "beta = 4, printed to four digits", of="error", digits=4),
        value("0.000945", "beta = 4: the cosine reaches 1.00094", of="over", digits=3),
    ],
    see=("particles.hitting_time", "particles.phase_curve"),
)
