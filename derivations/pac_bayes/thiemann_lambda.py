r"""A bound in a free parameter $\lambda$ that needs no union bound, and its minimum.

Replacing the square root in the root form of the kl bound by the arithmetic mean gives, for every $\lambda$ in $(0,
2)$ on the same event, a bound that is convex in the posterior for fixed $\lambda$ and has a closed minimiser in
$\lambda$ for a fixed posterior: alternating the two is cheap. Since the inequality is deterministic once the kl bound
holds, $\lambda$ may be chosen after seeing the data. At the best $\lambda$ the value is exactly the root form $\hat r
+ c + \sqrt{c^2 + 2\hat r c}$, so nothing is lost there and nothing gained. With $\hat r = 0$ it is $\lambda = 1$ and
$2c$. The radius $c$ is positive because $\delta < 1$; for $r < \hat r$ there is nothing to prove, since the root form
is at least $\hat r$.
"""

from dltsym import Bound, Eq, Scope, derive, kl_bernoulli, log, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
lam = v.real("lam", "free parameter", lo=0, hi=2, lo_open=True, hi_open=True, latex=r"\lambda")
c = v.pos("c", "radius", unit="nat")


def bound(lam, c=c):
    return s / (1 - lam / 2) + c / (lam * (1 - lam / 2))


def best(c=c):
    return 2 / (sqrt(2 * s / c + 1) + 1)


def total(c=c):
    return s + sqrt(2 * s * c) + 2 * c


B = (D + log(2 * sqrt(n) / dlt)) / n
root = s + c + sqrt(c**2 + 2 * s * c)
points = [
    ({"n": 30000, "D": 1724, "s": "0.289307"}, "0.53879211457027", "0.46304522249598", "0.58764559225173"),
    ({"n": 10000, "D": 35, "s": 0}, "0.0086588099280204", "1.0000000000000", "0.0086588099280204"),
    ({"n": 50000, "D": 8000, "s": "0.11"}, "0.51695778418607", "0.78721666765655", "0.61808724333650"),
]


certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
    events=(("kl bound", "dlt"),), risk="r", emp_risk="s", complexity="D", free=("lam",),
)  # fmt: skip
theorem = v.theorem(
    title="Thiemann's bound in lambda",
    cite=("thiemann2017", "the bound in lambda and its minimiser; theorem number not confirmed"),
    given=[s <= r, Eq(c, B), premise("kl bound", kl_bernoulli(s, r) <= c, ("maurer2004", "Theorem 5"),
        "with probability at least 1 - delta, for all posteriors at once")],
    claim=[r <= bound(lam), bound(lam) >= root, Eq(bound(best()), root), root <= total()],
    proof=[derive((r - s) ** 2).le(2 * r * kl_bernoulli(s, r), "refined Pinsker",
        by=thm("information.refined_pinsker", q="s", p="r")).le(2 * r * c, "the radius", by="kl bound")
        .named("quadratic"), derive(r - s).le(sqrt(2 * r * c), "root", by="quadratic")
        .le(lam * r / 2 + c / lam, "arithmetic and geometric mean").named("mean"),
        derive(r).le(bound(lam), "solve for the risk", by="mean"),
        derive(bound(lam)).ge(root, "a square", hint="reduction"), derive(bound(best())).eq(root, "the minimiser"),
        derive(root).le(total(), "the root of a sum")], kind="upper bound",
    outputs={"bound": bound(lam, B), "best": bound(best(B), B), "lambda": best(B), "sum": total(B)},
    bound=certificate,
    values=[value(number, "one of three test points", of=name, dlt="0.05", **point) for point,
        *numbers in points for name, number in zip(("best", "lambda", "sum"), numbers, strict=True)],
)  # fmt: skip
