r"""Catoni's bound with $\lambda$ chosen from a grid after seeing the data.

Let $L(a, x) = (1 - e^{-ax})/(1 - e^{-a})$. Catoni's bound at the grid points $\lambda_k = (1 + \alpha)^k$, with the
confidence $\delta/((k + 1)(k + 2))$ for each, holds for all $k$ and all posteriors at once, since the weights
telescope to 1. That is the exact form. The form of compression bounds replaces $\log((k + 1)(k + 2))$ by $2\log(2 +
\log\lambda/\log(1 + \alpha))$ and $1/\lambda_k$ by $(1 + \alpha)/\lambda$, and may be minimised over all real
$\lambda \ge 1$: since $L$ increases in both arguments (`pac_bayes.catoni_monotone`), it is above the exact form at
the grid point below $\lambda$, or it exceeds 1 and says nothing. With $\log\lambda < 0$ the inner logarithm gets no
meaning. The public code searches $\log\lambda \in [0, 4 + \log n]$; so do the values, and their minima are enclosed.
"""

from itertools import count, takewhile

from dltsym import Bound, Eq, Scope, derive, exp, log, premise, value

v = Scope()
n, N = v.count("n", "training examples, i.i.d."), v.count("N", "number of grid points looked at")
k = v.integer("k", "grid point", lo=0)
al = v.pos("al", "ratio of the grid, minus 1", latex=r"\alpha")
be = v.pos("be", "the same for the minimum of the exact form", latex=r"\beta")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s, r = v.prob("s", "empirical risk of the posterior", latex=r"\hat r"), v.prob("r", "true risk of the posterior")
lam, w = v.pos("lam", "inverse temperature", latex=r"\lambda"), v.pos("w", "the grid point below it")
K, X = v.pos("K", "complexity and price, exact form"), v.pos("X", "the same, continuous form")


def L(a, x):
    return (1 - exp(-a * x)) / (1 - exp(-a))


def price(k):
    return D + log(1 / dlt) + log((k + 1) * (k + 2))


def grid(m, n, D, dlt, s, al, be):
    """Minimise both forms: over all k, and over log(lambda) by the derivative of L at (a, x), where y = ax."""
    cost, step, ratio, top = D - m.log(dlt), m.log(1 + al), 1 + al, 4 + m.log(n)

    def y(g):
        return m.exp(g) * s / n + ratio / n * (cost + 2 * m.log(2 + g / step))

    def smooth(g):
        return (1 - m.exp(-y(g))) / (1 - m.exp(-m.exp(g) / n))

    def slope(g):
        a, rest = m.exp(g) / n, 1 - m.exp(-m.exp(g) / n)
        change = a * s + 2 * ratio / (n * (2 * step + g))
        return (m.exp(-y(g)) * change * rest - (1 - m.exp(-y(g))) * (1 - rest) * a) / rest**2

    def exact(k):
        a = (1 + be) ** k / n
        return (1 - m.exp(-a * s - (cost + m.log((k + 1) * (k + 2))) / n)) / (1 - m.exp(-a))

    inside = takewhile(lambda k: m.upper(k * m.log(1 + be)) <= m.lower(top), count())
    return {"best": m.least(smooth, 0, top, slope=slope), "grid": m.min([exact(k) for k in inside])}


certificates = [Bound(
    of=of, units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors",
    before=("prior", "loss", "grid", "al"), events=(("event", "dlt"),),
    risk="r", emp_risk="s", complexity="D", free=free, unsigned=("n",),
) for of, free in [("bound", ("k",)), ("continuous", ("g",)), ("best", ()), ("grid", ())]]  # fmt: skip
points = [((30000, 1724, "0.289307"), "0.45602035999992", "0.45555491635488"), ((10000, 35, 0), "0.0061103584874463",
    "0.0051947936504438"), ((50000, 8000, "0.11"), "0.35766936450165", "0.35748560394277")]  # fmt: skip
g = v.nonneg("g", "logarithm of the inverse temperature")
at_g = L(exp(g) / n, s + (1 + al) * exp(-g) * (D + log(1 / dlt) + 2 * log(2 + g / log(1 + al))))
at_k = L((1 + al) ** k / n, s + price(k) / (1 + al) ** k)
theorem = v.theorem(
    title="Catoni's bound on a grid",
    cite=("zhou2019", "bound of the compression paper, the continuous form; number not confirmed"),
    also=[("lotfi2022", "the form of the public code")],
    given=[w <= lam, lam <= (1 + al) * w, K <= X, premise("event", r <= at_k,
        ("catoni2007", "Theorem 1.2.6, at dlt/((k + 1)(k + 2)), union over k"), "all k at once")],
    claim=[Eq(v.sum(lambda j: 1 / ((j + 1) * (j + 2)), (0, N - 1)), 1 - 1 / (N + 1)),
        log((k + 1) * (k + 2)) <= 2 * log(k + 2), s + K / w <= s + (1 + al) / lam * X, r <= at_k],
    proof=[derive(log((k + 1) * (k + 2))).le(log((k + 2) ** 2), "k + 1 <= k + 2")
        .eq(2 * log(k + 2), "logarithm of a square"),
        derive(1 / w).le((1 + al) / lam, "lambda is at most one step higher").named("step"),
        derive(s + K / w).le(s + (1 + al) / lam * K, "one step", by="step").le(s + (1 + al) / lam * X, "the price"),
        derive(r).le(at_k, "the event", by="event")], kind="upper bound", outputs={"bound": at_k, "continuous": at_g},
    bound=certificates, algorithm=grid, computes=("best", "grid"),
    values=[value(number, "one of three test points", of=name, al="1e-4", be="1e-2", dlt="0.05", n=a, D=b, s=c)
        for (a, b, c), *found in points for name, number in zip(("best", "grid"), found, strict=True)],
)  # fmt: skip
