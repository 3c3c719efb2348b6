r"""The threshold of entmax attention: where it lies, that there is only one, and how it moves with the scores.

Weights are $q_j = [z_j - \tau]_+^{1/\beta}$ with $\beta = \alpha - 1$ and $z = \beta s/\varepsilon$. No weight exceeds
1 and the largest is positive, so $\max z - 1 \le \tau < \max z$, and there the sum of the weights falls strictly as
the threshold rises from $t$ to $u$: $k$ keys above $u$ lose and the others, whose weights at $t$ are written $r_j$,
have nothing left. So $\tau$ is unique and bisection finds it.

For scores that move with velocity $x$ the threshold moves with a velocity $c$ that keeps the weights adding up to 1.
On the support $\dot q_j = w_j(x_j/\varepsilon - c/\beta)$ with $w_j = q_j^{2-\alpha}$, so $c/\beta$ is the mean of
$x/\varepsilon$ with weights $w$. The Jacobian is $(\mathrm{diag}\,w - ww^\top/\sum w)/\varepsilon$, that of softmax
with $w$ for $p$. It jumps where a score sits on the threshold.
"""

from dltsym import Eq, Scope, derive, diff, value

v = Scope()
k = v.count("k", "number of keys above the threshold")
l = v.integer("l", "number of keys at or below it", lo=0)
be = v.pos("be", "order of the entropy minus 1", latex=r"\beta")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
q = v.array("q", k, "weights", lo=0, lo_open=True)
ta, z = v.real("ta", "threshold", latex=r"\tau"), v.real("z", "scaled score of the best key")
h, d = v.array("h", k, "height above a high threshold", lo=0, lo_open=True), v.pos("d", "how much higher it is")
r = v.array("r", l, "weights of the others at the low threshold", lo=0)
w, x = v.array("w", k, "derivative of a weight", lo=0, lo_open=True), v.array("x", k, "velocity of the scores")
c, y = v.real("c", "velocity of the threshold"), v.real("y", "scaled score of a key")
a, b = v.index("a", k), v.integer("b", lo=1, hi=k, meaning="best key")
W = v.let("W", v.sum(lambda j: w[j], k), "sum of the derivatives")
mean = v.let("mean", v.sum(lambda j: w[j] * x[j], k) / W, "weighted mean of the velocities", latex=r"\bar x")
power = (be * y / eps - ta) ** (1 / be)

theorem = v.theorem(
    title="Threshold and Jacobian of entmax attention",
    cite=("peters2019", "alpha-entmax; derived here"),
    given=[
        Eq(v.sum(lambda j: q[j], k), 1),
        Eq(z, ta + q[b] ** be),
        be * y / eps > ta,
        Eq(v.sum(lambda j: w[j] * (x[j] / eps - c / be), k), 0),
    ],
    claim=[
        z - 1 <= ta,
        ta < z,
        v.sum(lambda j: h[j] ** (1 / be), k) < v.sum(lambda j: (h[j] + d) ** (1 / be), k) + v.sum(lambda j: r[j], l),
        Eq(diff(power, y), (be * y / eps - ta) ** ((1 - be) / be) / eps),
        Eq(diff(power, ta), -((be * y / eps - ta) ** ((1 - be) / be)) / be),
        Eq(w[a] * (x[a] / eps - c / be), w[a] * (x[a] - mean) / eps),
        Eq(v.sum(lambda j: w[j] * (x[j] - mean) / eps, k), 0),
    ],
    proof=[
        derive(q[b]).le(v.sum(lambda j: q[j], k), "one of positive terms", hint="termwise").eq(1).named("small"),
        derive(q[b] ** be).le(1, "a power of at most 1", by="small").named("power"),
        derive(z - 1).le(ta, by="power"),
        derive(v.sum(lambda j: h[j] ** (1 / be), k))
        .lt(v.sum(lambda j: (h[j] + d) ** (1 / be), k), "powers increase", hint="termwise")
        .le(v.sum(lambda j: (h[j] + d) ** (1 / be), k) + v.sum(lambda j: r[j], l), "no negative weights", hint="z3"),
        derive(c / be).eq(mean / eps, "the weights keep adding up to 1").named("velocity"),
        derive(w[a] * (x[a] / eps - c / be)).eq(w[a] * (x[a] - mean) / eps, by="velocity"),
    ],
    outputs={"mean": mean, "jvp": w[a] * (x[a] - mean) / eps},
    values=[
        value("-0.4", "three keys, alpha 2: w = 1", of="jvp", k=3, a=1, w=[1, 1, 1], x=[0, 1, 2], eps="2.5"),
        value("1", "the same", of="mean", k=3, w=[1, 1, 1], x=[0, 1, 2]),
    ],
)  # fmt: skip
