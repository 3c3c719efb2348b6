r"""Maurer's moment: between $\sqrt n$ and $2\sqrt n$, for every $n \ge 1$.

For $k$ successes in $n$ trials of probability $p$ the mean of $e^{n\,\mathrm{kl}(k/n\|p)}$ does not depend on $p \in
(0, 1)$, see `information.maurer_independence`. It is $\xi(n) = 2 + \sum_k t_k$, a sum over $1 \le k < n$. Robbins'
form of Stirling's formula bounds each term by $\sqrt{n/(2\pi k(n-k))}$ up to exponentials near 1, and the sum of
$1/\sqrt{k(n-k)}$ is compared with the integral of a convex function: the midpoint rule from above, the trapezoid rule
from below. That is enough from $n = 8$ for the upper bound, which is where a printed condition $n \ge 8$ comes from,
and from $n = 4$ for the lower one; below, the sums themselves are evaluated. So the condition can be dropped. $\xi(n)
- \sqrt{\pi n/2}$ tends to $2/3$, so that $\xi(n)$ in the place of $2\sqrt n$ gains up to $\log(2\sqrt{2/\pi}) =
0.467$ nats. Equality at $n = 1$ on the upper side.
"""

from itertools import accumulate

from dltsym import Eq, Scope, binomial, derive, exp, max_, pi, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "number of trials")
i, X = v.index("i", n - 1), v.pos("X", "the moment", latex=r"\xi(n)")


def term(j):
    return binomial(n, j) * (j / n) ** j * (1 - j / n) ** (n - j)


def total(f):
    return v.sum(lambda j: f / sqrt(j * (n - j)), (1, n - 1))


xi = 2 + v.sum(term, (1, n - 1))
flat, root = sqrt(n / (2 * pi)), sqrt(n)
up, low = flat * exp(1 / (12 * n)), flat * exp(-n / (12 * i * (n - i)))
sixth, scale = v.read("exp(-1/6)"), thm("information.maurer_scale", n=n)
above, below = 2 + exp(1 / (12 * n)) * sqrt(pi / 2) * root, 2 + sixth * sqrt(pi / 2) * (root - 2)
many, few, long, short = max_(2 * n - 15, 0), max_(31 - 4 * n, 0), max_(n - 4, 0), max_(9 - 2 * n, 0)
robbins = ("robbins1955", "inequalities (1) and (2); numbers not confirmed")
rule = ("hardy1952", "Section 3.18, means of a convex function; number not confirmed")
exact = {1: "2", 2: "5/2", 3: "26/9", 5: "2194/625", 7: "472730/117649", 8: "556403/131072"}
balls = {20: "6.293584586000900", 100: "13.20996063021598", 1000: "40.30321292617815"}


def moment(m, n):
    """Return the moment in Abel's form, a sum of products of 1 - i/n that cancels nothing."""
    total = m.sum(accumulate(range(n), lambda product, i: product * (n - i) / n, initial=m.number(1)))
    return {"X": total, "gain": m.log(2 * m.sqrt(m.number(n)) / total)}


theorem = v.theorem(
    title="Maurer's moment lies between the root of n and its double",
    cite=("maurer2004", "Theorem 1"),
    given=[
        Eq(X, xi),
        premise("Robbins, above", term(i) <= up / sqrt(i * (n - i)), robbins, "Stirling's formula with error bounds"),
        premise("Robbins, below", term(i) >= low / sqrt(i * (n - i)), robbins, "the same"),
        premise("midpoint", total(1) <= pi, rule, "midpoint rule for 1/sqrt(x(n - x)) on [1/2, n - 1/2]"),
        premise("trapezoid", total(1) >= pi - 2 * pi / root, rule, "on [1, n - 1], with arcsin x <= pi x/2"),
    ],
    claim=[X <= 2 * root, X >= root],  # noqa: SIM300
    proof=[
        derive(xi).le(2 + total(up), "Robbins", by="Robbins, above", hint="termwise")
        .eq(2 + up * total(1), "one").le(2 + up * pi, "midpoint", by="midpoint").eq(above, "constants").named("above"),
        derive(many * (2 * root - xi)).ge(many * (2 * root - above), by="above").ge(0, by=scale()).named("many"),
        derive(few * (2 * root - xi)).ge(0, "each of seven sums").named("few"),
        derive(X).eq(xi, "definition").le(2 * root, "one of the two factors is positive", by=("many", "few")),
        derive(n / (12 * i * (n - i))).le("1/6", "i(n - i) >= n - 1 >= n/2").named("1/6"),
        derive(term(i)).ge(low / sqrt(i * (n - i)), "Robbins", by="Robbins, below")
        .ge(flat * sixth / sqrt(i * (n - i)), "at least the sixth", by="1/6").named("one"),
        derive(xi).ge(2 + total(flat * sixth), "Robbins", by="one", hint="termwise")
        .eq(2 + flat * sixth * total(1), "a common factor")
        .ge(2 + flat * sixth * (pi - 2 * pi / root), "trapezoid", by="trapezoid").eq(below, "constants").named("below"),
        derive(long * (xi - root)).ge(long * (below - root), by="below").ge(0, by=scale(1)).named("long"),
        derive(short * (xi - root)).ge(0, "each of four sums").named("short"),
        derive(X).eq(xi, "definition").ge(root, "one of the two factors is positive", by=("long", "short")),
    ],
    kind="upper bound",
    algorithm=moment,
    computes=("X", "gain"),
    values=[
        *[value(number, "exact", of="X", digits=15, n=m) for m, number in exact.items()],
        *[value(number, "ball arithmetic", of="X", n=m) for m, number in balls.items()],
        value("0.41476", "nats", of="gain", digits=5, n=100),
    ],
)  # fmt: skip
