r"""The sums that an empirical Freedman inequality for tokens is made of.

For a scale $s$ and centred, scaled losses $A_t \ge -1$ the inequality pays $v(s A_t)$ per token, with
$v(x) = x - \log(1 + x)$. This is not negative, and at most $x^2/2$ for gains $x \ge 0$. For the small $x$ of real
tokens the difference has few digits left unless it is computed by a series.
"""

from dltsym import Break, Operator, Scope, abs_, cases_, log
from dltsym.relations import permuted

w = Scope()
n, K = w.count("n", "number of tokens"), w.count("K", "number of scales")
A = w.array("A", n, "centred and scaled loss of a token", lo=-1)
s = w.array("s", K, "scale", lo=0, hi=1, lo_open=True, hi_open=True)
g = w.index("g", K)
x = w.real("x", "scaled loss", lo=-1, lo_open=True)
y = w.nonneg("y", "scaled loss above its centre")


def excess(x):
    return x - log(1 + x)


def by_series(x):
    """Return the same without cancellation: below 1/100 eleven terms leave a relative 1e-21."""
    terms = sum((-1) ** k * x ** (k - 2) / k for k in range(2, 13))
    return cases_((100 * abs_(x) < 1, x**2 * terms), excess(x))


def statement_of(paid):
    return lambda: {"sums": w.sum(lambda t: paid(s[g] * A[t]), n)}


theorem = w.theorem(
    title="Token sums of a Freedman inequality",
    cite=("finzi2025", "fully empirical Freedman-type theorem"),
    claim=[x - log(1 + x) >= 0, y - log(1 + y) <= y**2 / 2],
    kind="inequality",
    operator=Operator(
        statement_of(excess),
        axes={"sums": "g"},
        relations=(permuted({"A": -1}), permuted({"s": -1}, {"sums": -1})),
        forms={"series": statement_of(by_series)},
    ),
    breaks=[Break({"y": "-1/2"}, "a negative argument", part=1)],
)
