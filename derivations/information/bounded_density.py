r"""Two laws whose density ratio is nearly constant are close in total variation.

Let a law have the density $z$ against a law $w$, with all values in $[g, gt^2]$. The mean of $z$ is 1, so the
interval contains 1 and $z$ itself lies in $[t^{-2}, t^2]$. The convex function $|z - 1|$ is below its chord on the
interval; averaging the chord and choosing the worst $g = 1/t$ gives the bound. With $t = e^{R/2}$, which is the case
of a law tilted by an exponent of range $R$, it is $2\tanh(R/4)$. Equality: two values of the density, $1/t$ on mass
$t/(1 + t)$ and $t$ on the rest.
"""

from dltsym import Break, Eq, Scope, abs_, derive, thm, value

v = Scope()
m = v.count("m", "number of outcomes")
w = v.array("w", m, "a law", lo=0)
z = v.array("z", m, "density of another law against it")
g = v.pos("g", "lower bound of the density")
t = v.real("t", "square root of the ratio of its bounds", lo=1, lo_open=True)
i = v.index("i", m)
one = v.sum(lambda j: w[j] * z[j], m)
far = v.let("D", v.sum(lambda j: w[j] * abs_(z[j] - 1), m), "twice the total variation")


def chord(x):
    return ((1 - g) * (g * t**2 - x) + (g * t**2 - 1) * (x - g)) / (g * (t**2 - 1))


theorem = v.theorem(
    title="Total variation of a bounded density",
    cite=("cover2006", "Section 11.6 for total variation; the bound is derived here"),
    given=[Eq(v.sum(lambda j: w[j], m), 1), Eq(one, 1), z[i] >= g, z[i] <= g * t**2],
    claim=[far <= 2 * (t - 1) / (t + 1), z[i] >= 1 / t**2, z[i] <= t**2],
    proof=[
        derive(one).ge(v.sum(lambda j: w[j] * g, m), "term by term", hint="termwise").eq(g, "mass 1").named("low"),
        derive(one)
        .le(v.sum(lambda j: w[j] * (g * t**2), m), "term by term", hint="termwise")
        .eq(g * t**2, "mass 1")
        .named("high"),
        derive(g).le(1, "the mean is 1", by="low").named("one"),
        derive(g).ge(1 / t**2, "the mean is 1", by="high").named("g"),
        derive(z[i] - 1).le(chord(z[i]), "the gap is a multiple of (1 - g)(g t^2 - z)", by="low").named("above"),
        derive(-(z[i] - 1)).le(chord(z[i]), "the gap is a multiple of (g t^2 - 1)(z - g)", by="high").named("below"),
        derive(abs_(z[i] - 1))
        .le(chord(z[i]), "both signs", by=(thm("information.abs_bound", x=z[i] - 1, c=chord(z[i])), "above", "below"))
        .named("point"),
        derive(w[i] * abs_(z[i] - 1)).le(w[i] * chord(z[i]), "times w", by="point").named("term"),
        derive(far)
        .le(v.sum(lambda j: w[j] * chord(z[j]), m), "term by term", by="term", hint="termwise")
        .eq(2 * (1 - g) * (g * t**2 - 1) / (g * (t**2 - 1)), "both laws have mass 1")
        .le(2 * (t - 1) / (t + 1), "largest at g = 1/t"),
        derive(z[i]).ge(1 / t**2, "z >= g", by="g"),
        derive(z[i]).le(g * t**2, "the bound of the density").le(t**2, "g <= 1", by="one"),
    ],
    outputs={"tv": far / 2, "bound": (t - 1) / (t + 1)},
    values=[
        value("1/3", "an equality case", of="tv", m=2, w=["2/3", "1/3"], z=["1/2", 2], g="1/2", t=2),
        value("1/3", "and its bound", of="bound", m=2, w=["2/3", "1/3"], z=["1/2", 2], g="1/2", t=2),
    ],
    breaks=[Break({"m": 2, "w": ["1/2", "1/2"], "z": [0, 2], "g": "1/2", "t": 2}, "a density below its bound")],
)
