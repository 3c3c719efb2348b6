r"""The remainder of the exponential after its tangent, in sub-gamma form.

$e^x - 1 - x$ is at most $x^2/2$ for $x \le 0$ and at most $x^2/(2(1 - x/3))$ for $0 \le x < 3$, by $k! \ge 2 \cdot
3^{k-2}$ term by term. The pole at 3 is why the step size of a Bernstein argument is capped. With any $M \ge x$ below
3 in the place of the positive part the bound is a parabola, so a mean of it needs second moments only.
"""

from dltsym import Break, Scope, derive, exp, max_, value

v = Scope()
x = v.real("x", "step size times value", hi=3, hi_open=True)
M = v.real("M", "upper bound of x", lo=0, hi=3, hi_open=True)

theorem = v.theorem(
    title="Sub-gamma bound of the exponential remainder",
    cite=("boucheron2013", "Section 2.8, proof of Bernstein's inequality; number not confirmed"),
    given=x <= M,
    claim=[exp(x) - 1 - x <= x**2 / (2 * (1 - max_(x, 0) / 3)), exp(x) - 1 - x <= x**2 / (2 * (1 - M / 3))],
    proof=[
        derive(exp(x) - 1 - x).le(x**2 / (2 * (1 - max_(x, 0) / 3)), "compare power series at 0").named("sharp"),
        derive(max_(x, 0)).le(M, "both are at most M").named("cap"),
        derive(x**2 / (2 * (1 - max_(x, 0) / 3)))
        .le(x**2 / (2 * (1 - M / 3)), "a smaller denominator", by="cap")
        .named("flat"),
        derive(exp(x) - 1 - x).le(x**2 / (2 * (1 - max_(x, 0) / 3)), "the first chain", by="sharp"),
        derive(exp(x) - 1 - x)
        .le(x**2 / (2 * (1 - max_(x, 0) / 3)), "the first chain", by="sharp")
        .le(x**2 / (2 * (1 - M / 3)), "a smaller denominator", by="flat"),
    ],
    kind="upper bound",
    tight={x: 0},
    outputs={"remainder": exp(x) - 1 - x, "bound": x**2 / (2 * (1 - max_(x, 0) / 3))},
    values=[
        value("0.718281828459045", "e - 2", of="remainder", x=1),
        value("0.75", "3/4, against e - 2 = 0.718", of="bound", x=1),
    ],
    breaks=[Break({"x": "29/10", "M": 0}, "x above M", 1)],
)
