r"""Loss along the compute-optimal frontier is a power law in compute.

Inserting the optimal size and tokens, both reducible terms carry the same power of compute, with $1/\gamma =
1/\alpha + 1/\beta$. The exponent is smaller than either $\alpha$ or $\beta$: halving the reducible loss costs
$2^{1/\gamma}$ times the compute.
"""

from dltsym import Eq, Rate, Scope, derive, value

v = Scope()
C = v.pos("C", "training compute", unit="FLOP")
A = v.pos("A", "coefficient of the size term", unit="nat * parameters^alpha")
B = v.pos("B", "coefficient of the data term", unit="nat * tokens^beta")
E = v.real("E", "irreducible loss", unit="nat")
al = v.pos("al", "exponent of the size term", latex=r"\alpha")
be = v.pos("be", "exponent of the data term", latex=r"\beta")
G = v.let("G", (al * A / (be * B)) ** (1 / (al + be)), "ratio constant")
Ns = v.let("Ns", G * (C / 6) ** (be / (al + be)), "optimal parameters", latex="N^*")
Ds = v.let("Ds", (C / 6) ** (al / (al + be)) / G, "optimal tokens", latex="D^*")
g = v.let("g", al * be / (al + be), "frontier exponent", latex=r"\gamma")
K = v.let("K", A * G ** (-al) + B * G**be, "frontier constant", unit="nat * FLOP^gamma")
fit = {"A": "exp(6.0073404)", "B": "exp(6.0179186)", "E": "exp(0.5267228)", "al": "0.33917084", "be": "0.2849083"}
refit = {"A": "exp(6.17795598)", "B": "exp(7.64273236)", "E": "exp(0.59711196)", "al": "0.34781303", "be": "0.36585412"}

theorem = v.theorem(
    title="Loss along the compute-optimal frontier",
    cite=("hoffmann2022", "consequence of equation (4)"),
    claim=[
        Eq(E + A * Ns ** (-al) + B * Ds ** (-be), E + K * (C / 6) ** (-g)),
        Eq(K, (al + be) * (A / be) ** (be / (al + be)) * (B / al) ** (al / (al + be))),
        Rate(A * Ns ** (-al) + B * Ds ** (-be), C, -g),
    ],
    proof=[
        derive(A * Ns ** (-al)).eq(A * G ** (-al) * (C / 6) ** (-g), "al be/(al+be) = g").named("size term"),
        derive(B * Ds ** (-be)).eq(B * G**be * (C / 6) ** (-g), "al be/(al+be) = g").named("data term"),
        derive(E + A * Ns ** (-al) + B * Ds ** (-be))
        .eq(
            E + A * G ** (-al) * (C / 6) ** (-g) + B * G**be * (C / 6) ** (-g),
            "both terms",
            by=["size term", "data term"],
        )
        .eq(E + K * (C / 6) ** (-g), "collect"),
    ],
    outputs={"loss": E + K * (C / 6) ** (-g), "exponent": g, "constant": K},
    values=[
        value("0.154840278", "unrounded published fit", of="exponent", C="1e18", **fit),
        value("814.400116", "unrounded published fit", of="constant", C="1e18", **fit),
        value("3.44807007", "unrounded published fit", of="loss", C="1e18", **fit),
        value("0.17830277", "refit of Besiroglu et al.", of="exponent", C="1e18", **refit),
        value("1.97396261", "refit of Besiroglu et al.", of="loss", C="5.76e23", **refit),
    ],
)
