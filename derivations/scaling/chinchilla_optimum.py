r"""Compute-optimal model size and number of tokens.

Under the loss law $E + A N^{-\alpha} + B D^{-\beta}$ and the cost $C = 6ND$ the feasible set is a curve, and the
loss is strictly convex along it in $u = \log N$. So there is one optimum, given by the first-order condition
$\alpha A N^{-\alpha} = \beta B D^{-\beta}$. Nothing is said outside the fitted range of $C$, nor when $N$ and $C$
count parameters differently.
"""

from dltsym import Convex, Eq, Optimum, Scope, derive, exp, log, value

v = Scope()
N = v.pos("N", "parameters, embeddings included")
D = v.pos("D", "training tokens")
C = v.pos("C", "training compute", unit="FLOP")
A = v.pos("A", "coefficient of the size term", unit="nat * parameters^alpha")
B = v.pos("B", "coefficient of the data term", unit="nat * tokens^beta")
E = v.real("E", "irreducible loss", unit="nat")
al = v.pos("al", "exponent of the size term", latex=r"\alpha")
be = v.pos("be", "exponent of the data term", latex=r"\beta")
u = v.real("u", "log of the number of parameters")
G = v.let("G", (al * A / (be * B)) ** (1 / (al + be)), "ratio constant")
Ns = v.let("Ns", G * (C / 6) ** (be / (al + be)), "optimal parameters", latex="N^*")
Ds = v.let("Ds", (C / 6) ** (al / (al + be)) / G, "optimal tokens", latex="D^*")
fit = {"A": "exp(6.0073404)", "B": "exp(6.0179186)", "E": "exp(0.5267228)", "al": "0.33917084", "be": "0.2849083"}
refit = {"A": "exp(6.17795598)", "B": "exp(7.64273236)", "E": "exp(0.59711196)", "al": "0.34781303", "be": "0.36585412"}

theorem = v.theorem(
    title="Compute-optimal size and tokens",
    cite=("hoffmann2022", "equation (4)"),
    claim=[
        Optimum(
            "min",
            E + A * N ** (-al) + B * D ** (-be),
            over=(N, D),
            at={N: Ns, D: Ds},
            value=E + A * Ns ** (-al) + B * Ds ** (-be),
            subject_to=Eq(6 * N * D, C),
            proof=Convex(u, inverse=log(N), param={N: exp(u), D: C / (6 * exp(u))}),
        ),
        Eq(al * A * Ns ** (-al), be * B * Ds ** (-be)),
    ],
    proof=derive(al * A * Ns ** (-al)).eq(be * B * Ds ** (-be), "first-order condition, in logarithms"),
    outputs={"N": Ns, "D": Ds, "loss": E + A * Ns ** (-al) + B * Ds ** (-be)},
    values=[
        value("9.46627494e7", "unrounded published fit", of="N", C="1e18", **fit),
        value("1.76063624e9", "unrounded published fit", of="D", C="1e18", **fit),
        value("4.03609384e10", "Chinchilla's budget", of="N", C="5.76e23", **fit),
        value("1.91841205", "Chinchilla's budget", of="loss", C="5.76e23", **fit),
        value("8.06224509e7", "refit of Besiroglu et al.", of="N", C="1e18", **refit),
        value("7.23564584e10", "refit of Besiroglu et al.", of="N", C="5.76e23", **refit),
    ],
)
