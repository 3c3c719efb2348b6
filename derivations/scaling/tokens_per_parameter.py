r"""The optimal ratio of tokens to parameters is not a constant.

The ratio grows with compute when $\alpha > \beta$, falls when $\alpha < \beta$ and is constant only when the
exponents are equal. A number such as "20 tokens per parameter" belongs to one budget and one fit.
"""

from dltsym import Eq, Rate, Scope, derive, value

v = Scope()
C = v.pos("C", "training compute", unit="FLOP")
A = v.pos("A", "coefficient of the size term", unit="nat * parameters^alpha")
B = v.pos("B", "coefficient of the data term", unit="nat * tokens^beta")
al = v.pos("al", "exponent of the size term", latex=r"\alpha")
be = v.pos("be", "exponent of the data term", latex=r"\beta")
G = v.let("G", (al * A / (be * B)) ** (1 / (al + be)), "ratio constant")
ratio = (C / 6) ** (al / (al + be)) / G / (G * (C / 6) ** (be / (al + be)))
closed = G ** (-2) * (C / 6) ** ((al - be) / (al + be))
fit = {"A": "exp(6.0073404)", "B": "exp(6.0179186)", "al": "0.33917084", "be": "0.2849083"}
refit = {"A": "exp(6.17795598)", "B": "exp(7.64273236)", "al": "0.34781303", "be": "0.36585412"}

theorem = v.theorem(
    title="Optimal tokens per parameter",
    cite=("hoffmann2022", "corollary of equation (4)"),
    claim=[Eq(ratio, closed), Rate(closed, C, (al - be) / (al + be))],
    proof=derive(ratio).eq(closed, "divide the two optima, in logarithms"),
    outputs={"ratio": closed},
    values=[
        value("18.5990397", "1e18 FLOP, unrounded published fit", of="ratio", C="1e18", **fit),
        value("58.9316666", "Chinchilla's budget", of="ratio", C="5.76e23", **fit),
        value("25.6411061", "refit of Besiroglu et al.", of="ratio", C="1e18", **refit),
        value("18.3365079", "refit of Besiroglu et al.", of="ratio", C="5.76e23", **refit),
    ],
)
