r"""The exact binomial bound: Clopper and Pearson's one-sided interval as a test-set bound.

For $k$ errors among $n$ losses of 0 or 1 the true risk is at most the largest $p$ at which $k$ or fewer errors have
probability $\delta$ or more. The tail falls in $p$: its derivative is one negative term, because the others
telescope. So the set of these $p$ is an interval that ends at the only root, for $k = 0$ it is $1 - \delta^{1/n}$,
and for $k = n$ it is 1. Nothing that looks at $k$ only is smaller; in particular the kl bound is larger, because
$e^{-n\,\mathrm{kl}(k/n\|p)}$ bounds the tail. For losses between 0 and 1 it is wrong: use
`concentration.chernoff_kl`. The coefficients enter by their recursion only.
"""

from itertools import accumulate

from dltsym import Bound, Eq, Scope, derive, diff, exp, kl_bernoulli, kl_upper, log, premise, thm, value

v = Scope()
n = v.count("n", "sample size")
k = v.integer("k", "number of errors", lo=0, hi=n)
p, r = v.prob("p", "a probability of error", open=True), v.prob("r", "true risk", open=True)
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
j, b = v.integer("j", "a number of errors", lo=0), v.pos("b", "coefficient n over j")
c = v.pos("c", "coefficient n over j + 1")
T, U = v.prob("T", "probability of at most k errors at r"), v.prob("U", "largest p of so many errors")
kl, B = kl_bernoulli(k / n, r), v.let("B", log(1 / dlt) / n, "radius", unit="nat")


def inverse(m, n, k, dlt):
    """Enclose the root of the tail."""
    if k == n:
        return {"U": m.number(1)}
    weights = list(accumulate(range(k), lambda w, i: w * (n - i) // (i + 1), initial=1))

    def excess(p):
        return m.sum(w * p**i * (1 - p) ** (n - i) for i, w in enumerate(weights)) - dlt

    return {"U": m.root(excess, m.number(k) / n, 1)}


def falling(x, coefficient):
    return -(n - x) * coefficient * p**x * (1 - p) ** (n - x - 1)


bound = Bound(
    of="U", units={"n": "i.i.d. example"}, about="hypothesis", holds_for="one hypothesis", before=("loss",),
    events=(("test", "dlt"),), risk="r", rises=("k",),
)  # fmt: skip

theorem = v.theorem(
    title="Exact binomial bound of the true risk",
    cite=("langford2005", "Section 3; number not confirmed"),
    given=[
        j < n,
        Eq((j + 1) * c, (n - j) * b),
        premise("test", dlt <= T, ("clopper1934", "inversion of a test"), "fails with probability at most delta"),
        premise("Chernoff", T <= exp(-n * kl), ("hoeffding1963", "Theorem 1"), "for k/n <= r"),  # noqa: SIM300
    ],
    claim=[
        Eq(falling(j, b) + diff(c * p ** (j + 1) * (1 - p) ** (n - j - 1), p), falling(j + 1, c)),
        falling(j, b) < 0,
        Eq(diff((1 - p) ** n, p), falling(0, 1)),
        Eq((1 - (1 - dlt ** (1 / n))) ** n, dlt),
        r <= kl_upper(k / n, B),
    ],
    proof=[
        derive(dlt).le(T, by="test").le(exp(-n * kl), by="Chernoff").named("both"),
        derive(log(dlt)).le(-n * kl, by=(thm("information.log_order", x=dlt, y=-n * kl), "both")).named("log"),
        derive(kl).le(-log(dlt) / n, "divide by n", by="log").eq(B, "sign").named("kl"),
        derive(B).ge(0, "delta < 1").named("radius"),
        derive(r).le(kl_upper(k / n, B), "definition of the inverse", by=("kl", "radius")),
    ],
    outputs={"none": 1 - exp(log(dlt) / n), "chernoff": kl_upper(k / n, B)},
    algorithm=inverse,
    computes=("U",),
    bound=bound,
    values=[
        value("0.10225337764327", "5 errors in 100", of="U", n=100, k=5, dlt="0.05"),
        value("0.12152703644289", "the kl bound of the same", of="chernoff", n=100, k=5, dlt="0.05"),
        value("1", "all wrong", of="U", digits=15, n=100, k=100, dlt="0.05"),
        value("0.029513049607040", "no error in 100", of="none", n=100, dlt="0.05"),
    ],
)  # fmt: skip
