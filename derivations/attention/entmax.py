r"""Entmax attention: Tsallis entropy in the place of Shannon's, and weights that are exactly zero.

For $\alpha > 1$ the score plus $\varepsilon H_\alpha(p)$, $H_\alpha(p) = \sum_j (p_j - p_j^\alpha)/(\alpha(\alpha -
1))$, is largest on the simplex at $q_j = [z_j - \tau]_+^{1/(\alpha-1)}$, $z = (\alpha-1)s/\varepsilon$, with the
threshold $\tau$ fixed by $\sum_j q_j = 1$; $\alpha = 2$ is sparsemax and $\alpha \to 1$ softmax. The $k$ keys with
$z_j > \tau$ are written first, the $l$ others have weight 0 and the slack $r_j = \tau - z_j$. The excess of the
optimum over any other $p$ is then a sum of Bregman terms of the power $\alpha$, never negative, plus a sum of
slacks (here for positive $p$; the objective is continuous on the simplex). The threshold and the derivative are in
`attention.entmax_threshold`. A masked key (score $-\infty$) is left out; equal scores get equal weights. At $\alpha
\le 1$ there is no threshold form: $\alpha = 1$ is softmax and must be computed as such.
"""

from dltsym import Eq, Scope, derive, value

v = Scope()
k = v.count("k", "number of keys above the threshold")
l = v.integer("l", "number of keys at or below it", lo=0)
be = v.pos("be", "order of the entropy minus 1", latex=r"\beta")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
n = v.count("n", "number of keys")
ta = v.real("ta", "threshold", latex=r"\tau")
q, p = (v.array(x, k, w, lo=0, lo_open=True) for x, w in (("q", "solution"), ("p", "any other weights")))
r, e = v.array("r", l, "slack", lo=0), v.array("e", l, "any other weights", lo=0, lo_open=True)
s = v.array("s", n, "scores, in any order")
x, y = v.pos("x", "a weight"), v.pos("y", "another weight")
al = 1 + be
power = x * x**be + be * y * y**be - al * x * y**be


def total(term):
    return v.sum(term, k)


own = total(lambda j: q[j] - q[j] * q[j] ** be)
best = total(lambda j: eps / be * (ta + q[j] ** be) * q[j]) + eps / (al * be) * own
spread = total(lambda j: p[j] - p[j] * p[j] ** be) + v.sum(lambda j: e[j] - e[j] * e[j] ** be, l)
scores = total(lambda j: eps / be * (ta + q[j] ** be) * p[j]) + v.sum(lambda j: eps / be * (ta - r[j]) * e[j], l)
other = scores + eps / (al * be) * spread
bregman = total(lambda j: p[j] * p[j] ** be + be * q[j] * q[j] ** be - al * p[j] * q[j] ** be)
rest = v.sum(lambda j: e[j] * e[j] ** be + al * r[j] * e[j], l)


def solve(m, s, be, eps):
    """Return the weights and the threshold, which is the only zero of the sum of the weights minus 1."""
    z = [be * m.number(x) / eps for x in s]
    top = m.max(z)

    def weight(gap):
        if m.upper(gap) <= 0:
            return m.number(0)
        if m.lower(gap) > 0:
            return m.exp(m.log(gap) / be)
        half = m.exp(m.log(m.upper(gap)) / be) / 2  # the score is at the threshold, as far as is known
        return m.widen(half, half)

    def weights(t):
        return [weight(x - t) for x in z]

    t = m.root(lambda t: m.sum(weights(t)) - 1, top - 2, top - m.exp(-be * m.log(m.number(len(s)))) / 2)
    return {"weights": weights(t), "tau": t}


four, ties = ["0.3", "-1.2", 2, "0.7"], [1, 1, 0, -2]
theorem = v.theorem(
    title="Entmax attention", cite=("peters2019", "alpha-entmax; numbers not confirmed"),
    given=[Eq(total(lambda j: q[j]), 1), Eq(total(lambda j: p[j]) + v.sum(lambda j: e[j], l), 1)],
    claim=[Eq(best - other, eps / (al * be) * (bregman + rest)), bregman >= 0, rest >= 0, power >= 0],
    proof=[
        derive(power).ge(0, "tangent of the power at y", hint="x @ y"),
        *(derive(x).ge(0, "term by term", hint="termwise") for x in (bregman, rest)),
    ],
    outputs={"gap": eps / (al * be) * (bregman + rest)},
    algorithm=solve, computes=("weights", "tau"),
    values=[value(number, "computed here", of=of, digits=d, s=s, be=order, eps=at)
        for s, order, at, of, number, d in [
            (four, "0.5", 1, "weights[1]", "0.00981548300949214", 15), (four, "0.5", 1, "weights[2]", "0", 12),
            (four, "0.5", 1, "weights[3]", "0.900739786176916", 15), (four, 1, 3, "weights[3]", "2/3", 12),
            (four, "0.5", 1, "weights[4]", "0.0894447308135919", 15), (four, 1, 3, "weights[4]", "7/30", 12),
            (four, "0.5", 1, "tau", "0.0509268804897507", 15), (four, 1, 3, "weights[1]", "0.1", 12),
            (four, "0.25", 1, "weights[3]", "0.784524567359409", 15), (ties, 1, 1, "weights[2]", "1/2", 12),
            (ties, "0.5", 1, "weights[1]", "0.481237647787132", 15), ([1, 0], 1, 1, "weights[2]", "0", 12),
        ]],
)  # fmt: skip
