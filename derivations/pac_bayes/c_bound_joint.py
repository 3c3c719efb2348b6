r"""The C-bound at its worst over a joint confidence region of errors and disagreements.

Two voters both err with probability $e$ and disagree with probability $d$; $R = e + d/2$. One event for the pair,
$\mathrm{kl}_3(\hat d, \hat e\|d, e) \le \rho$ with $\rho = (2D + \log((\xi + n)/\delta))/n$, is better than two
separate ones; the moment bound $\xi + n$ for three outcomes is cited. The bound is the largest value of $1 - (1 - 2e
- d)^2/(1 - 2d)$ there, and a maximum must not be missed: a feasible point alone is no certificate. $\mathrm{kl}_3$ is
convex and the objective quasi-concave, so a feasible point on the boundary where the gradients are parallel is the
maximum: there $\mathrm{kl}_3$ rises at least as its tangent (first claim), so the region lies on the falling side of
the objective (second claim, $T = A/B$). It is found as nested roots: at fixed $e$ the tangency lies between $d = 2e$,
where the objective is largest in $d$, and the $d$ of the smallest $\mathrm{kl}_3$. The second form adds $e \le
\mathrm{kl}^+(\hat e|\cdot)$ at half the confidence each; where that cuts the maximum off, the worst $d$ at the
largest $e$ is taken. The constraint $d \le 2(\sqrt e - e)$ is left out: without it the maximum can only be larger.
Here $2e + d < 1$.
"""

from dltsym import Bound, Scope, derive, log, value

v = Scope()
n, D = v.count("n", "training examples, i.i.d."), v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s, z = v.prob("s", "empirical Gibbs risk", latex=r"\hat R"), v.prob("z", "empirical disagreement", latex=r"\hat d")
low, rest = v.nonneg("l", "empirical joint error", latex=r"\hat e"), v.nonneg("c", "1 minus both")
e, d, x = v.pos("e", "joint error"), v.pos("d", "disagreement"), v.pos("x", "1 - d - e")
E, F, X = v.pos("E", "joint error at the tangency"), v.pos("F", "disagreement there"), v.pos("X", "1 - F - E")
a, b, B, T = v.pos("a", "1 - 2e - d"), v.pos("b", "1 - 2d"), v.pos("B", "1 - 2F"), v.pos("T", "(1 - 2E - F)/B")


kl_part = z * log(F / d) + low * log(E / e) + rest * log(X / x)
steep = (2 * T - 2 * T**2) * (d - F) + 4 * T * (e - E)


def joint(m, n, D, dlt, s, z):
    """Enclose the maximum and its place, and the maximum under the further constraint on e."""
    logs, total, low = [m.number(0)], m.number(0), s - z / 2
    for k in range(1, n + 1):
        total = total + m.log(k)
        logs.append(k * m.log(k) - total)
    xi, rest = m.sum(m.exp(logs[k] + logs[n - k] - logs[n]) for k in range(n + 1)), 1 - z - low

    def kl3(e, d):
        return z * m.log(z / d) + low * m.log(low / e) + rest * m.log(rest / (1 - d - e))

    def along(e):
        def tangency(d):
            return (rest / (1 - d - e) - z / d) * 2 * (1 - 2 * d) - (rest / (1 - d - e) - low / e) * (2 * e - d)

        ends = 2 * e, z * (1 - e) / (1 - low)
        return m.root(tangency, *(ends if m.upper(ends[0]) < m.lower(ends[1]) else ends[::-1]))

    def vote(e, d):
        return 1 - m.max(1 - 2 * e - d, m.number(0)) ** 2 / (1 - 2 * d)  # 1 where a Gibbs risk of 1/2 is allowed

    cap = m.kl_upper(low, (2 * D + m.log(2 * xi / dlt)) / n)
    rho, half = ((2 * D + m.log(f * (xi + n) / dlt)) / n for f in (1, 2))
    e, free = (m.root(lambda e, r=r: kl3(e, along(e)) - r, low * m.number("1.001"), m.kl_upper(low, 2 * r))
        for r in (rho, half))  # fmt: skip
    edge = m.root(lambda d: kl3(cap, d) - half, z / 4, z * (1 - cap) / (1 - low))
    cut = vote(cap, edge if m.upper(2 * cap) < m.lower(edge) else 2 * cap)
    capped = cut if m.lower(free) > m.upper(cap) else vote(free, along(free))
    return {"e": e, "d": along(e), "joint": vote(e, along(e)), "capped": capped}


vote_of = {"units": {"n": "i.i.d. example"}, "about": "majority vote", "holds_for": "all posteriors",
    "before": ("prior", "loss"), "emp_risk": "s", "complexity": "D"}  # fmt: skip
at = {"n": 1000, "D": 2, "dlt": "0.05", "s": "0.2", "z": "0.3"}
theorem = v.theorem(
    title="C-bound over a joint confidence region",
    cite=("germain2015", "empirical C-bounds 2 and 2'; numbers not confirmed"),
    given=["a = 1 - 2*e - d", "b = 1 - 2*d", "T*B = 1 - 2*E - F", "B = 1 - 2*F", steep <= 0],
    claim=[kl_part >= -z * (d - F) / F - low * (e - E) / E - rest * (x - X) / X, 1 - a**2 / b <= 1 - T**2 * B],
    proof=[*(derive(log(Y / y)).ge(-(y - Y) / Y, "tangent").named(str(y)) for y, Y in ((d, F), (e, E), (x, X))),
        derive(z * log(F / d)).ge(-z * (d - F) / F, "times z", by="d").named("dz"),
        derive(low * log(E / e)).ge(-low * (e - E) / E, "times l", by="e").named("el"),
        derive(rest * log(X / x)).ge(-rest * (x - X) / X, "times c", by="x").named("xc"),
        derive(kl_part).ge(-z * (d - F) / F + low * log(E / e) + rest * log(X / x), "first tangent", by="dz")
        .ge(-z * (d - F) / F - low * (e - E) / E + rest * log(X / x), "second", by="el")
        .ge(-z * (d - F) / F - low * (e - E) / E - rest * (x - X) / X, "third", by="xc"),
        derive(2 * T * a - T**2 * b).ge(T**2 * B, "the side of the tangent").named("side"),
        derive(a**2 / b).ge(2 * T * a - T**2 * b, "a square is not negative")
        .ge(T**2 * B, "the side of the tangent", by="side").named("quasi"),
        derive(1 - a**2 / b).le(1 - T**2 * B, "one minus both sides", by="quasi")], kind="upper bound", algorithm=joint,
    computes=("joint", "capped"), bound=[Bound(**vote_of, of="joint", events=(("both", "dlt"),)),
        Bound(**vote_of, of="capped", events=(("both", "dlt/2"), ("joint error", "dlt/2")))],
    values=[value("0.36043570289947", "bound 2; public code prints 0.360433", of="joint", **at),
        value("0.34826317783077", "bound 2'", of="capped", **at)],
)  # fmt: skip
