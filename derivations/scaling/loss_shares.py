r"""How the reducible loss splits between size and data at the optimum.

At the compute optimum the size term holds the share $\beta/(\alpha+\beta)$ of the reducible loss and the data term
the share $\alpha/(\alpha+\beta)$, whatever the budget. The shares are equal only when the exponents are.
"""

from dltsym import Eq, Scope, derive, value

v = Scope()
C = v.pos("C", "training compute", unit="FLOP")
A = v.pos("A", "coefficient of the size term", unit="nat * parameters^alpha")
B = v.pos("B", "coefficient of the data term", unit="nat * tokens^beta")
al = v.pos("al", "exponent of the size term", latex=r"\alpha")
be = v.pos("be", "exponent of the data term", latex=r"\beta")
G = v.let("G", (al * A / (be * B)) ** (1 / (al + be)), "ratio constant")
x = v.let("x", A * (G * (C / 6) ** (be / (al + be))) ** (-al), "size term at the optimum", unit="nat", latex="t_N")
y = v.let("y", B * ((C / 6) ** (al / (al + be)) / G) ** (-be), "data term at the optimum", unit="nat", latex="t_D")

theorem = v.theorem(
    title="Shares of the reducible loss at the compute optimum",
    cite=("hoffmann2022", "corollary of equation (4)"),
    claim=[Eq(x, be / (al + be) * (x + y)), Eq(y, al / (al + be) * (x + y))],
    proof=[
        derive(al * x).eq(be * y, "first-order condition, in logarithms").named("balance"),
        derive(x)
        .eq((al * x + be * x) / (al + be), "one over one")
        .eq((be * y + be * x) / (al + be), by="balance")
        .eq(be / (al + be) * (x + y), "collect"),
        derive(y)
        .eq((al * y + be * y) / (al + be), "one over one")
        .eq((al * y + al * x) / (al + be), by="balance")
        .eq(al / (al + be) * (x + y), "collect"),
    ],
    outputs={"size": x, "data": y},
    values=[
        value(
            number,
            "Chinchilla's budget, unrounded published fit",
            of=name,
            C="5.76e23",
            A="exp(6.0073404)",
            B="exp(6.0179186)",
            al="0.33917084",
            be="0.2849083",
        )
        for name, number in [("size", "0.102735845"), ("data", "0.12230252")]
    ],
)
