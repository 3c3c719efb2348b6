r"""When entmax attention is exactly one-hot.

Let $D_j \ge 0$ be the distance of score $j$ below the best one. Against any other $p$ the vertex of the best key gains
$\sum_j D_jp_j - \varepsilon H_\alpha(p)$, and $\alpha(\alpha-1) H_\alpha(p) \le \alpha\sum_j p_j$ over the keys that
do not win (the tangent of the power at 1). So the vertex is optimal as soon as every $D_j$ is at least
$\varepsilon/(\alpha-1)$. That is also necessary: with two keys, $\alpha = 2$ and a smaller gap the best weight is
$(1 + D/\varepsilon)/2 < 1$. At equality the second key sits on the threshold. Softmax is never one-hot, and the
threshold goes to infinity as $\alpha \to 1$. Here $\beta = \alpha - 1$.
"""

from dltsym import Break, Eq, Scope, derive, sqrt, thm, value

v = Scope()
l = v.count("l", "number of keys that do not win")
be = v.pos("be", "order of the entropy minus 1", latex=r"\beta")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
D = v.array("D", l, "distance below the best score", lo=0)
p = v.array("p", l, "weights of the keys that do not win", lo=0, lo_open=True)
x = v.pos("x", "weight of the winner")
g = v.pos("g", "gap to the second score")
j = v.index("j", l)
al = 1 + be
lost = v.sum(lambda j: p[j], l)
entropy = (x - x * x**be + v.sum(lambda j: p[j] - p[j] * p[j] ** be, l)) / (al * be)
gain = v.sum(lambda j: D[j] * p[j], l) - eps * entropy
powers = v.sum(lambda j: p[j] * p[j] ** be, l)
pair = (1 + g / eps) / 2
half = g / (2 * eps)
top = ((half + sqrt(2 - half**2)) / 2) ** 2

theorem = v.theorem(
    title="One-hot threshold of entmax attention",
    cite=("peters2019", "alpha-entmax; the threshold is derived here"),
    given=[Eq(x + lost, 1), D[j] >= eps / be],
    claim=[gain >= 0],
    proof=[
        derive(x * x**be)
        .ge(x + be * (x - 1), "tangent of the power at 1", by=thm("information.power_tangent"))
        .named("winner"),
        derive(powers).ge(v.sum(lambda j: 0, l), "positive terms", hint="termwise").eq(0).named("powers"),
        derive(v.sum(lambda j: D[j] * p[j], l))
        .ge(v.sum(lambda j: eps / be * p[j], l), "every gap is large", hint="termwise")
        .eq(eps / be * lost, "equal factors")
        .named("gaps"),
        derive(entropy)
        .eq((1 - x * x**be - powers) / (al * be), "the weights sum to 1")
        .le((1 - x - be * (x - 1)) / (al * be), by=("winner", "powers"))
        .eq(lost / be, "the weights sum to 1")
        .named("entropy"),
        derive(gain).ge(eps / be * lost - eps * entropy, by="gaps").ge(0, by="entropy"),
    ],
    breaks=[
        Break({"l": 1, "be": 1, "eps": 1, "D": ["1/2"], "p": ["1/10"], "x": "9/10"}, "the gap is below the threshold")
    ],
    outputs={"threshold": eps / be, "top at 2": pair, "top at 3/2": top},
    values=[
        value("4", "alpha 1.25", of="threshold", be="1/4", eps=1),
        value("2", "alpha 1.5", of="threshold", be="1/2", eps=1),
        value("1", "alpha 2", of="threshold", be=1, eps=1),
        value("0.95", "alpha 2, at 90 percent of the threshold", of="top at 2", g="0.9", eps=1),
        value("0.990892045158607", "alpha 1.5, at 90 percent of the threshold", of="top at 3/2", g="1.8", eps=1),
    ],
)
