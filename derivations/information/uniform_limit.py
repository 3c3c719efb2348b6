r"""How far softmax is from uniform at high temperature.

Scores that vary by at most $R$ give a density in a ratio $e^{R/\varepsilon}$, hence total variation at most
$\tanh(R/4\varepsilon)$, and relative entropy $\log m - H$ at most $R^2/8\varepsilon^2$ by Hoeffding's lemma. Single
weights and the first terms in $1/\varepsilon$ are in `information.uniform_weights`. The total variation is attained
by two score values with the fraction $1/(1 + e^{R/2\varepsilon})$ on top, not by halves. With masks, use the keys
that are left.
"""

from dltsym import Break, Scope, abs_, derive, exp, log, tanh, thm, value

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
s = v.array("s", m, "scores")
A, R = v.real("A", "lower bound of the scores"), v.pos("R", "bound on their range")
i = v.index("i", m)
Z = v.let("Z", v.sum(lambda j: exp(s[j] / eps), m), "partition function")


def p(j):
    return exp(s[j] / eps) / Z


mean = v.let("mu", v.sum(lambda j: p(j) * s[j], m), "mean score", latex=r"\mu")
far = v.sum(lambda j: 1 / m * abs_(m * p(j) - 1), m)
kl = v.let("K", v.sum(lambda j: p(j) * log(m * p(j)), m), "KL(softmax || uniform), log m - H", unit="nat")
density = thm(
    "information.bounded_density", w=lambda j: 1 / m, z=lambda j: m * p(j), g=m * exp(A / eps) / Z, t=exp(R / (2 * eps))
)
hoeffding = thm("concentration.hoeffding_finite", p=p, y=lambda j: s[j] / eps, A=A / eps, R=R / eps)
logarithm = thm("information.log_order", x=m / Z, y=R**2 / (8 * eps**2) - mean / eps)
spread = v.sum(lambda j: s[j] ** 2, m) / m - (v.sum(lambda j: s[j], m) / m) ** 2
theorem = v.theorem(
    title="Softmax at high temperature is close to uniform",
    cite=("hoeffding1963", "the lemma behind Theorems 1 and 2; bounds derived here"),
    given=[s[i] >= A, s[i] <= A + R],
    claim=[far <= 2 * tanh(R / (4 * eps)), kl <= R**2 / (8 * eps**2)],
    proof=[
        derive(v.sum(lambda j: 1 / m, m)).eq(1, "uniform").named("uniform"),
        derive(v.sum(lambda j: 1 / m * (m * p(j)), m)).eq(1, "softmax sums to 1").named("mean"),
        derive(v.sum(p, m)).eq(1, "softmax").named("one"),
        derive(m * p(i)).ge(m * exp(A / eps) / Z, "exp increases").named("z low"),
        derive(m * p(i)).le(m * exp(A / eps) / Z * exp(R / (2 * eps)) ** 2, "exp increases").named("z high"),
        derive(exp(R / (2 * eps))).gt(1, "R > 0").named("t"),
        derive(far).le(2 * (exp(R / (2 * eps)) - 1) / (exp(R / (2 * eps)) + 1), "the density varies by exp(R/eps)",
            by=(density, "uniform", "mean", "z low", "z high", "t"))
        .eq(2 * tanh(R / (4 * eps)), "half angle"),
        derive(m / Z).eq(v.sum(lambda j: p(j) * exp(-(s[j] / eps)), m), "every term is 1/Z")
        .le(exp((R / eps) ** 2 / 8 - v.sum(lambda j: p(j) * (s[j] / eps), m)), "Hoeffding", by=(hoeffding, "one"))
        .eq(exp(R**2 / (8 * eps**2) - mean / eps), "collect").named("hoeffding"),
        derive(kl).eq(mean / eps + log(m / Z), "log of softmax").named("split"),
        derive(log(m / Z)).le(R**2 / (8 * eps**2) - mean / eps, "logarithm", by=(logarithm, "hoeffding")).named("log"),
        derive(kl).eq(mean / eps + log(m / Z), "log of softmax", by="split")
        .le(mean / eps + (R**2 / (8 * eps**2) - mean / eps), "Hoeffding", by="log").eq(R**2 / (8 * eps**2), "cancel"),
    ],
    outputs={"tv": far / 2, "kl": kl, "tv_bound": tanh(R / (4 * eps)), "kl_bound": R**2 / (8 * eps**2),
             "kl over leading term": 2 * eps**2 * kl / spread},
    values=[
        value("0.333333333333", "1/3", of="tv", m=3, eps=1, s=["log(4)", 0, 0], A=0, R="log(4)"),
        value("0.333333333333", "1/3, attained", of="tv_bound", m=3, eps=1, s=["log(4)", 0, 0], A=0, R="log(4)"),
        value("0.5", "1/2", of="tv", digits=12, m=4, eps=1, s=["log(9)", 0, 0, 0], A=0, R="log(9)"),
        value("0.3", "halves do not attain it", of="tv", digits=12, m=2, eps=1, s=["log(4)", 0], A=0, R="log(4)"),
        *[value(number, "scores 0, 1, 2, 5", of=name, m=4, eps=10, s=[0, 1, 2, 5], A=0, R=5)
          for name, number in (("kl", "0.0188123950077578"), ("kl over leading term", "1.07499400044330"),
                               ("tv", "0.0813816142127412"))],
    ],
    breaks=[Break({"m": 2, "eps": 1, "s": [4, 0], "A": 0, "R": 1}, "a score outside the range")],
)  # fmt: skip
