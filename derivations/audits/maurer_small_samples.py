r"""Maurer's moment bound needs no lower limit on the sample size.

The moment $\xi(n) = \sum_k \binom nk (k/n)^k (1-k/n)^{n-k}$ is printed with $\xi(n) \le 2\sqrt n$ for $n \ge 8$,
because Stirling's formula starts to suffice there. The seven smaller cases hold too, by exact rationals; the largest
ratio $\xi(n)/(2\sqrt n)$ of them is 1, at $n = 1$.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
worst = v.real("worst", "largest xi(n)^2/(4 n) over n = 1..7")
seven = v.real("seven", "xi(7)")


def fixture(m):
    """Sum exact rationals for n = 1..7; the ratio of neighbouring binomial coefficients is (n - k)/(k + 1)."""
    xi = {}
    for n in range(1, 8):
        xi[n], weight = Fraction(0), Fraction(1)
        for k in range(n + 1):
            xi[n] += weight * Fraction(k, n) ** k * Fraction(n - k, n) ** (n - k)
            weight *= Fraction(n - k, k + 1)
    return {"worst": m.number(max(x**2 / (4 * n) for n, x in xi.items())), "seven": m.number(xi[7])}


audit = v.audit(
    title="Maurer's moment bound below eight samples",
    source=("maurer2004", "Theorem 5, printed for n >= 8"),
    prints="the bound 2 sqrt(n) on the moment, for n >= 8",
    claim=worst <= 1,
    at={},
    fixture=fixture,
    verdict="holds",
    corrected="Leave the condition out: the bound holds for every n >= 1, with equality at n = 1.",
    outputs={"worst": worst, "seven": seven},
    values=[value("1", "n = 1", of="worst", digits=12), value("472730/117649", "n = 7", of="seven", digits=12)],
    see=("information.maurer_moment", "pac_bayes.seeger_maurer"),
)
