r"""Empirical Bernstein bound of Maurer and Pontil, with the unbiased variance.

Two events, $\delta/2$ each: Bernstein's inequality with the true deviation, and a bound of the true deviation by the
measured one plus $b\sqrt{2L/(n-1)}$, which is cited. The product of the two roots costs $2bL/(n-1)$, Bernstein's
linear term $bL/(3n)$: together $7/3$. It needs $n \ge 2$, and is above the range for small $n$: clip last.
"""

from dltsym import Bound, Scope, derive, log, premise, sqrt, value

v = Scope()
n = v.count("n", "sample size", lo=2)
b = v.pos("b", "length of the interval")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
r, s = v.real("r", "expectation"), v.real("s", "observed mean", latex=r"\hat r")
sigma = v.nonneg("sigma", "standard deviation", latex=r"\sigma")
V = v.nonneg("V", "measured variance, unbiased", latex="V_n")
L = log(2 / dlt)
wide, near, rest = sqrt(2 * L / n), sqrt(2 * L / (n - 1)), b * L / (3 * n)
mp = sqrt(2 * V * L / n) + 7 * b * L / (3 * (n - 1))

bound = Bound(
    of="mp", units={"n": "i.i.d. example"}, about="mean", holds_for="one hypothesis", before=("loss",), loss="b",
    risk="r", emp_risk="s", events=(("mean", "dlt/2"), ("deviation", "dlt/2")), rises=("V",),
    family="empirical Bernstein", variant="Maurer and Pontil, unbiased variance",
)  # fmt: skip
point = {"s": "0.1", "n": 500, "dlt": "0.05", "b": 1, "V": "0.05"}

theorem = v.theorem(
    title="Empirical Bernstein bound, unbiased variance",
    cite=("maurer2009", "Theorem 4; number not confirmed"),
    given=[
        premise(
            "mean", r - s <= sigma * wide + rest, ("boucheron2013", "Theorem 2.10; number not confirmed"), "Bernstein"
        ),
        premise("deviation", sigma <= sqrt(V) + b * near, ("maurer2009", "Theorem 10; number not confirmed")),
    ],
    claim=r <= s + mp,
    proof=[
        derive(near * wide).le(2 * L / (n - 1), "n - 1 < n").named("roots"),
        derive(b * (near * wide)).le(b * (2 * L / (n - 1)), "b > 0", by="roots").named("product"),
        derive(sqrt(V) * wide).eq(sqrt(2 * V * L / n), "one root").named("root"),
        derive(r - s)
        .le(sigma * wide + rest, "Bernstein", by="mean")
        .le((sqrt(V) + b * near) * wide + rest, "the deviation", by="deviation")
        .eq(sqrt(V) * wide + b * (near * wide) + rest, "expand")
        .le(sqrt(2 * V * L / n) + b * (2 * L / (n - 1)) + rest, "n - 1 < n", by=("product", "root"))
        .le(mp, "n - 1 < n")
        .named("mp"),
        derive(r).le(s + mp, "add the mean", by="mp"),
    ],
    outputs={"mp": s + mp, "mp_lower": s - mp},
    bound=bound,
    values=[value("0.14441129963933", "computed here", of="mp", **point)],
)
