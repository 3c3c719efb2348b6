r"""How much softmax moves when its scores are wrong.

Score errors $d_j$ in an interval of length $R$ move softmax by at most $2\tanh(R/4\varepsilon) \le R/2\varepsilon$ in
the sum of absolute values, and every single weight by at most half of that. The softmax of the right scores may be
any law $w$; that of the wrong ones has the density $z_j = e^{d_j/\varepsilon}/Z$ against it, where $\varepsilon\log
Z$ is the change of log-sum-exp. For errors of size at most $h$, $R = 2h$: no weight moves by more than
$h/2\varepsilon$, the bound in the maximum norm. If one score alone moves by $h$, $R = |h|$, and moving the scores one
after the other gives $\|d\|_1/2\varepsilon$, the bound in the sum norm. Log-sum-exp moves by an amount inside the
interval. The constant is attained in the limit of small errors only, at two keys of weight $1/2$, and it diverges as
$\varepsilon \to 0$: the hard maximum jumps at ties. Norms between the two follow for the Jacobian by interpolation;
for the Euclidean norm see `information.softmax_jacobian`.
"""

from dltsym import Break, Eq, Scope, abs_, delta, derive, exp, log, tanh, thm, value

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
w, d = v.array("w", m, "softmax of the right scores", lo=0, lo_open=True), v.array("d", m, "score errors")
A, R = v.real("A", "smallest score error"), v.pos("R", "range of the score errors")
x = v.pos("x", "score error at two keys")
i, a = v.index("i", m), v.index("a", m)
Z = v.let("Z", v.sum(lambda j: w[j] * exp(d[j] / eps), m), "ratio of the partition functions")


def z(j):
    return exp(d[j] / eps) / Z


def move(j):
    return w[j] * (z(j) - 1)


far = v.sum(lambda j: w[j] * abs_(z(j) - 1), m)
density = thm("information.bounded_density", z=z, g=exp(A / eps) / Z, t=exp(R / (2 * eps)))
theorem = v.theorem(
    title="Lipschitz bounds of softmax and log-sum-exp",
    cite=("nair2025", "abstract: the constant 1/2 in every p-norm; bounds derived here"),
    given=[Eq(v.sum(lambda j: w[j], m), 1), d[i] >= A, d[i] <= A + R],
    claim=[far <= R / (2 * eps), 2 * move(a) <= R / (2 * eps), -2 * move(a) <= R / (2 * eps),
           eps * log(Z) >= A, eps * log(Z) <= A + R, "limit((sigmoid(2*x) - 1/2)/x, x, 0) = 1/2"],
    proof=[
        derive(v.sum(lambda j: w[j] * z(j), m)).eq(1, "the other softmax").named("mean"),
        derive(z(i)).ge(exp(A / eps) / Z, "exp increases").named("z low"),
        derive(z(i)).le(exp(A / eps) / Z * exp(R / (2 * eps)) ** 2, "exp increases").named("z high"),
        derive(exp(R / (2 * eps))).gt(1, "R > 0").named("t"),
        derive(far).le(2 * (exp(R / (2 * eps)) - 1) / (exp(R / (2 * eps)) + 1), "the densities vary by exp(R/eps)",
            by=(density, "mean", "z low", "z high", "t"))
        .eq(2 * tanh(R / (4 * eps)), "half angle").le(R / (2 * eps), "tanh x <= x", hint="R @ 0").named("sum"),
        derive(far).le(R / (2 * eps), "the chain above", by="sum"),
        derive(2 * move(a)).eq(v.sum(lambda j: (2 * delta(a, j) - 1) * move(j), m), "the others balance key a")
        .le(far, "signs", hint="termwise").le(R / (2 * eps), "the bound on the sum", by="sum"),
        derive(-2 * move(a)).eq(v.sum(lambda j: (1 - 2 * delta(a, j)) * move(j), m), "the others balance key a")
        .le(far, "signs", hint="termwise").le(R / (2 * eps), "the bound on the sum", by="sum"),
        derive(Z).ge(v.sum(lambda j: w[j] * exp(A / eps), m), "term by term", hint="termwise")
        .eq(exp(A / eps), "mass 1").named("low"),
        derive(Z).le(v.sum(lambda j: w[j] * exp((A + R) / eps), m), "term by term", hint="termwise")
        .eq(exp((A + R) / eps), "mass 1").named("high"),
        derive(log(Z)).ge(A / eps, "log increases", by="low").named("log low"),
        derive(log(Z)).le((A + R) / eps, "log increases", by=(thm("information.log_order", x=Z, y=(A + R) / eps),
            "high")).named("log high"),
        derive(eps * log(Z)).ge(A, "times eps", by="log low"),
        derive(eps * log(Z)).le(A + R, "times eps", by="log high"),
    ],
    outputs={"move": move(a), "ratio": 2 * move(a) / R, "weight bound": R / (4 * eps)},
    values=[value(number, "scores (h, -h) against 0", of="ratio", m=2, eps=1, a=1,
                  w=["1/2", "1/2"], d=[h, f"-{h}"], A=f"-{h}", R=f"2*{h}")
            for h, number in (("1", "0.380797077977882"), ("0.1", "0.498339973124779"))],
    breaks=[Break({"m": 2, "eps": 1, "w": ["1/2", "1/2"], "d": [3, 0], "A": 0, "R": "1/4", "a": 1, "x": 1},
                  "an error outside the range")],
)  # fmt: skip
