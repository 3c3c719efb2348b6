r"""Bernstein's inequality: two routes, two constants.

For terms at most $b$ below their mean, with variance $V$, the moment bound $\lambda^2V/(2(1 - \lambda b/3))$ gives at
every step size a deviation; with $\lambda = a/(1 + ab/3)$ it is $aV/2 + L/(na) + bL/(3n)$, smallest at $a =
\sqrt{2L/(nV)}$: the sub-gamma route, with $bL/(3n)$. The classical tail $\exp(-nt^2/(2(V + bt/3)))$ is weaker. At
$\sqrt{2VL/n} + bL/(3n)$ its exponent falls short of $L$ by a square, so that it is more than $\delta$ there; it can
be inverted with $2bL/(3n)$. Both constants are in circulation: a value has to name its route. The variance must be
known; with a measured one see `concentration.empirical_bernstein`.
"""

from dltsym import Bound, Eq, Gap, Optimum, Scope, derive, log, premise, sqrt, value

v = Scope()
n = v.count("n", "sample size")
V, b = v.pos("V", "variance"), v.pos("b", "largest fall below the mean")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
r, s = v.real("r", "expectation"), v.real("s", "observed mean", latex=r"\hat r")
a, t = v.pos("a", "step size"), v.pos("t", "deviation")
L = v.let("L", log(1 / dlt), "log of the inverse failure probability", unit="nat")
best = sqrt(2 * L / (n * V))
lam = best / (1 + best * b / 3)
gamma = sqrt(2 * V * L / n) + b * L / (3 * n)
classical = sqrt(2 * V * L / n) + 2 * b * L / (3 * n)


def exponent(u):
    """Return the exponent of the classical tail minus L, times a positive factor."""
    return n * u**2 - 2 * L * (V + b * u / 3)


bound = Bound(
    of="sub_gamma", units={"n": "i.i.d. example"}, about="mean", holds_for="one hypothesis", before=("loss",), loss="b",
    events=(("moment", "dlt"),), risk="r", emp_risk="s", rises=("V",), family="Bernstein", variant="b/3",
)  # fmt: skip
weaker = Bound(
    of="classical", units={"n": "i.i.d. example"}, about="mean", holds_for="one hypothesis", before=("loss",), loss="b",
    events=(("moment", "dlt"),), risk="r", emp_risk="s", rises=("V",), family="Bernstein", variant="2b/3",
)  # fmt: skip

theorem = v.theorem(
    title="Bernstein's inequality by both routes",
    cite=("boucheron2013", "Theorem 2.10 and Section 2.4; numbers not confirmed"),
    given=premise(
        "moment",
        r - s <= lam * V / (2 * (1 - lam * b / 3)) + L / (n * lam),
        ("boucheron2013", "Section 2.2; number not confirmed"),
        "Markov's inequality at one step size, with concentration.bernstein_mgf; fails with probability delta",
    ),
    claim=[
        r <= s + gamma,
        r <= s + classical,
        Optimum("min", a * V / 2 + L / (n * a), over=(a,), at={a: best}, value=sqrt(2 * V * L / n),
                proof=Gap(V / (2 * a) * (a - best) ** 2)),
        Eq(exponent(gamma), -(b**2) * L**2 / (9 * n)),
        exponent(classical) >= 0,
    ],
    proof=[
        derive(L).gt(0, "delta < 1").named("L"),
        derive(lam * V / (2 * (1 - lam * b / 3)) + L / (n * lam))
        .eq(best * V / 2 + L / (n * best) + b * L / (3 * n), "1 - lam b/3 = 1/(1 + ab/3)")
        .eq(gamma, "the best step").named("best"),
        derive(r - s).le(lam * V / (2 * (1 - lam * b / 3)) + L / (n * lam), "moment", by="moment").eq(gamma,
            by="best").named("gamma"),
        derive(r).le(s + gamma, "the moment bound", by="gamma"),
        derive(r).le(s + gamma, "the moment bound", by="gamma").le(s + classical, "a larger constant"),
        derive(exponent(classical)).eq(2 * b * L * sqrt(2 * V * L / n) / 3, "expand").ge(0, "positive factors"),
    ],
    kind="upper bound",
    outputs={"sub_gamma": s + gamma, "classical": s + classical},
    bound=[bound, weaker],
    values=[
        value("0.12647462315584", "b/3", of="sub_gamma", n=500, V="0.05", b=1, dlt="0.05", s="0.1"),
        value("0.12847177800488", "2b/3", of="classical", n=500, V="0.05", b=1, dlt="0.05", s="0.1"),
    ],
)  # fmt: skip
