r"""Entropic transport between two normal laws on a line: the closed form that a balanced solver must reproduce.

The marginals are $N(0, A)$ and $N(0, B)$, the cost is $(x - y)^2$ and the penalty is $\varepsilon$ times the relative
entropy of the plan to the product. Only the covariance $c$ of a plan enters the cost, and among all plans with that
covariance the Gaussian one has the least relative entropy (that is cited). What remains is one variable, and the
excess over the optimum is at least $(c - c^*)^2/c^*$, so the optimum is the only one. Different means add the square
of their difference. For the cost $(x - y)^2/2$ take $2\varepsilon$ and halve the value. A grid that is cut off below
six standard deviations spoils the digits.
"""

from dltsym import Eq, Gap, Optimum, Scope, derive, log, premise, sqrt, value

v = Scope()
A = v.pos("A", "variance of the first law")
B = v.pos("B", "variance of the second law")
eps = v.pos("eps", "weight of the relative entropy, in units of the cost", latex=r"\varepsilon")
c = v.real("c", "covariance of a plan")
K = v.nonneg("K", "relative entropy of that plan to the product of its marginals", unit="nat")
s = v.pos("s", "optimal covariance", latex="c^*")
root = -eps / 4 + sqrt(eps**2 / 16 + A * B)


def objective(x):
    """Return the cost of the Gaussian plan with covariance x."""
    return A + B - 2 * x - eps / 2 * log(1 - x**2 / (A * B))


ratio = (1 - c**2 / (A * B)) / (1 - s**2 / (A * B))
normal = ("cover2006", "the normal law has the largest entropy at given covariance; number not confirmed")

theorem = v.theorem(
    title="Entropic transport between Gaussians in one dimension",
    cite=("janati2020", "the scalar case; number not confirmed"),
    given=[
        Eq(A * B, s**2 + eps / 2 * s),
        c**2 < A * B,
        premise("maximum entropy", -log(1 - c**2 / (A * B)) / 2 <= K, normal),
    ],
    claim=[
        Eq(root, s),
        objective(c) >= objective(s) + (c - s) ** 2 / s,
        Optimum(
            "min",
            A + B - 2 * c + eps * K,
            over=(c, K),
            at={c: s, K: -log(1 - s**2 / (A * B)) / 2},
            value=objective(s),
            proof=Gap(A + B - 2 * c + eps * K - objective(s), by="excess"),
        ),
    ],
    proof=[
        derive(root).eq(-eps / 4 + sqrt((s + eps / 4) ** 2), "stationarity").eq(s, "both are positive"),
        derive(log(ratio))
        .le(ratio - 1, "log t <= t - 1", hint="z3")
        .eq(2 * (s**2 - c**2) / (eps * s), "stationarity")
        .named("tangent"),
        derive(objective(c) - objective(s))
        .eq(-2 * (c - s) - eps / 2 * log(ratio), "difference of logarithms")
        .ge((c - s) ** 2 / s, "the tangent of the logarithm", by="tangent")
        .named("strong"),
        derive(objective(c)).ge(objective(s) + (c - s) ** 2 / s, by="strong"),
        derive(A + B - 2 * c + eps * K - objective(s))
        .ge(objective(c) - objective(s), "least relative entropy", by="maximum entropy")
        .ge(0, "the chain above, a square over a positive number", by="strong")
        .named("excess"),
    ],
    tight={c: s},
    outputs={"c": root, "value": A + B - 2 * root - eps / 2 * log(eps * root / (2 * A * B))},
    values=[
        value("1.18614066163451", "computed here", of="c", A=1, B=2, eps=1),
        value("1.23551340966176", "computed here", of="value", A=1, B=2, eps=1),
        value("0.822875655532295", "computed here", of="c", A="1/2", B=3, eps=2),
        value("2.45466397360144", "computed here", of="value", A="1/2", B=3, eps=2),
    ],
)
