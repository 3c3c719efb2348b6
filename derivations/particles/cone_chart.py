r"""Tokens in an open hemisphere: why the smallest height rises and the chart shrinks.

Heights are $h_i = \langle x_i, w\rangle \ge r_0 > 0$ for a fixed unit vector $w$, and attention weights are $e^{\beta
g_j}$ over their sum $Z$ (SA) or over $n$ (USA), with $g_j$ the inner product of token $j$ with the token in question.
At the lowest token the height does not fall. In the chart $y = x/h$ the common radial part drops out, and every token
moves by weights times differences, $y_i' = \sum_j A_{ij}(h_j/h_i)(y_j - y_i)$. All these weights are at least
$r_0e^{-2|\beta|}/n$ (SA) or $r_0e^{-|\beta|}/n$ (USA); with a lower bound $\mu$ of the weights the width $M - m$ of
the chart in any direction changes at a rate of at most $-n\mu(M - m)$. Only the positivity of the weights matters:
other constant query and key matrices change the constants. `particles.cone_collapse` draws the conclusion.
"""

from dltsym import Eq, Scope, abs_, derive, exp

v = Scope()
n = v.count("n", "number of tokens")
be = v.real("be", "inverse temperature", latex=r"\beta")
r0 = v.prob("r0", "smallest height", latex="r_0", open=True)
z = v.real("z", "height of the token itself", lo=r0, hi=1)
h = v.array("h", n, "heights of the tokens", lo=r0, hi=1)
g = v.array("g", n, "inner products with the token", lo=-1, hi=1)
a = v.real("a", "one coordinate of the token")
x = v.array("x", n, "the same coordinate of all tokens")
mu = v.pos("mu", "smallest weight", latex=r"\mu")
W = v.array("W", n, "weights of the token at the upper end", lo=mu)
V = v.array("V", n, "weights of the token at the lower end", lo=mu)
m, M = v.real("m", "smallest chart coordinate"), v.real("M", "largest chart coordinate")
y = v.array("y", n, "chart coordinates", lo=m, hi=M)
i = v.index("i", n)
k = v.let("k", abs_(be), "size of beta", latex=r"|\beta|")


def mix(term):
    """Return the sum of terms with the unnormalised attention weights."""
    return v.sum(lambda j: exp(be * g[j]) * term(j), n)


Z = v.let("Z", v.sum(lambda j: exp(be * g[j]), n), "normaliser")
quotient = (mix(lambda j: x[j] - g[j] * a) * z - a * mix(lambda j: h[j] - g[j] * z)) / z**2
width = v.sum(lambda j: W[j] * (y[j] - M) - V[j] * (y[j] - m), n)

theorem = v.theorem(
    title="The chart of a hemisphere contracts",
    cite=("geshkovski2025", "Lemma 6.4; explicit constants derived here"),
    claim=[
        mix(lambda j: h[j] - g[j] * r0) >= 0,
        Eq(quotient, mix(lambda j: h[j] / z * (x[j] / h[j] - a / z))),
        exp(be * g[i]) / n * (h[i] / z) >= r0 * exp(-k) / n,
        exp(be * g[i]) / Z * (h[i] / z) >= r0 * exp(-2 * k) / n,
        width <= -n * mu * (M - m),
    ],
    proof=[
        derive(exp(be * g[i])).ge(exp(-k), "g lies in [-1, 1]").named("low"),
        derive(exp(be * g[i])).le(exp(k), "g lies in [-1, 1]").named("high"),
        derive(Z).le(v.sum(lambda j: exp(k), n), by="high", hint="termwise").eq(n * exp(k), "equal terms").named("sum"),
        derive(h[i] / z).ge(r0, "z is at most 1").named("heights"),
        derive(exp(be * g[i]) / n * (h[i] / z))
        .ge(exp(-k) / n * (h[i] / z), by="low")
        .ge(r0 * exp(-k) / n, by="heights"),
        derive(exp(be * g[i]) / Z * (h[i] / z))
        .ge(exp(-k) / Z * (h[i] / z), by="low")
        .ge(exp(-k) / (n * exp(k)) * (h[i] / z), by="sum")
        .ge(exp(-k) / (n * exp(k)) * r0, by="heights")
        .eq(r0 * exp(-2 * k) / n, "collect exponents"),
    ],
    outputs={"sa": r0 * exp(-2 * k) / n, "usa": r0 * exp(-k) / n},
)
