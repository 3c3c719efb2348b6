r"""A power sum lies between neighbouring differences of its primitive.

For $0 < \beta < 1$ and $G(k) = k^{1-\beta}/(1-\beta)$ the tangent of a concave power gives $G(k+1) - G(k) \le
k^{-\beta}$ and $(k+1)^{-\beta} \le G(k+1) - G(k)$. Summed, $\sum_{k \le D} k^{-\beta}$ is at most $G(D)$ and at least
$G(D) - 1/(1-\beta)$. The difference tends to $-\zeta(\beta)$. For $\beta \ge 1$ the primitive is another one.
"""

from dltsym import Scope, derive, thm, value

v = Scope()
D = v.count("D", "number of terms")
be = v.prob("be", "exponent", open=True, latex=r"\beta")
i = v.index("i", D)


def primitive(k):
    return k ** (1 - be) / (1 - be)


def difference(k):
    return primitive(k + 1) - primitive(k)


def tangent(x):
    return thm("information.power_concave", x=x)


law = v.sum(lambda j: j ** (-be), (1, D))
tail = v.sum(lambda j: (j + 1) ** (-be), (1, D - 1))
up = (i + 1) ** (1 - be)

theorem = v.theorem(
    title="Bounds of a power sum",
    cite=("hardy1952", "comparison of a sum with an integral; derived here"),
    claim=[law <= primitive(D), law >= primitive(D) - primitive(1)],
    proof=[
        derive(difference(i))
        .eq(i ** (1 - be) * (((i + 1) / i) ** (1 - be) - 1) / (1 - be), "factor")
        .le(i ** (1 - be) * (1 + (1 - be) * ((i + 1) / i - 1) - 1) / (1 - be), "tangent", by=tangent((i + 1) / i))
        .eq(i ** (-be), "simplify")
        .named("below"),
        derive(difference(i))
        .eq(up * (1 - (i / (i + 1)) ** (1 - be)) / (1 - be), "factor")
        .ge(up * (-(1 - be) * (i / (i + 1) - 1)) / (1 - be), "tangent", by=tangent(i / (i + 1)))
        .eq((i + 1) ** (-be), "simplify")
        .named("above"),
        derive(law)
        .eq(1 + tail, "first term")
        .le(1 + v.sum(difference, (1, D - 1)), "neighbouring differences", by="above", hint="termwise")
        .eq(1 + primitive(D) - primitive(1), "telescoping")
        .le(primitive(D), "1 is at most 1/(1 - beta)"),
        derive(law)
        .ge(v.sum(difference, (1, D)), "neighbouring differences", by="below", hint="termwise")
        .eq(primitive(D + 1) - primitive(1), "telescoping")
        .ge(primitive(D) - primitive(1), "a growing power", hint="tail"),
    ],
    outputs={"sum": law, "primitive": primitive(D)},
    values=[value("5.020997899", "ten terms", of="sum", D=10, be="1/2", digits=10),
            value("6.32455532033676", "ten terms", of="primitive", D=10, be="1/2")],
)  # fmt: skip
