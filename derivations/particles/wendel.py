r"""When do $n$ random points lie in one half of the sphere? Wendel's formula.

Take $n$ directions in general position in dimension $d$. The hyperplanes orthogonal to them cut the sphere into $N(n,
d) = N(n-1, d) + N(n-1, d-1)$ regions, one for each pattern of signs that puts all points into one open hemisphere. If
the law is symmetric under $x \to -x$, point by point, all $2^n$ patterns are equally likely, so the probability is
$N/2^n$: sharp for any symmetric law without atoms, and wrong without symmetry. The recursion is checked for $N(n, d)
= 2\sum_{k<d}\binom{n-1}{k}$, with $R_k = \binom{n}{k}$, $d = e$ and $n = e + u$. The probability is 1 at $n = d$ and
less for $n > d$ (there $q$ stands for $d$). It is $1/2$ at $n = 2d$, by the symmetry of Pascal's triangle; of that
only values are checked. Here $d \le n$; for $n < d$ put $d = n$, since $n$ points span at most $n$ dimensions.
"""

from dltsym import Eq, Scope, binomial, derive, premise, value

v = Scope()
n = v.count("n", "number of points, independent and uniform on the sphere")
d = v.integer("d", "dimension of the space", lo=1, hi=n)
q = v.integer("q", "a dimension below the number of points", lo=1, hi=n - 1)
p = v.prob("p", "probability that the points lie in one open hemisphere")
u, e = v.integer("u", "number of points above the dimension", lo=1), v.integer("e", "a dimension", lo=2)
k, w = v.index("k", e - 1), e + u
R = v.array("R", e - 1, "sums of neighbours in Pascal's triangle")


def chosen(n, lo, hi):
    return v.sum(lambda k: binomial(n - 1, k), (lo, hi))


def below(n, d):
    """Return half the number of regions."""
    return chosen(n, 0, d - 1)


def chance(m, n, d):
    term = total = 1
    for k in range(1, d):
        term = term * (n - k) // k  # C(n - 1, k), exactly
        total += term
    return {"probability": m.number(total) / 2 ** (n - 1)}


pairs, left, rest = v.sum(lambda k: R[k], (1, e - 1)), chosen(w, 1, e - 1), chosen(n, q, n - 1)
signs = "all 2^n patterns of signs are equally likely, and N(n, d) of them are cut out by a hyperplane"
theorem = v.theorem(
    title="Wendel's hemisphere probability",
    cite=("wendel1962", "main theorem; quoted as Theorem 6.7 of the survey of attention dynamics"),
    given=[
        Eq(R[k], binomial(w - 1, k) + binomial(w - 1, k - 1)),
        premise("regions", Eq(p, 2 * below(n, d) / 2**n), ("wendel1962", "counting argument"), signs),
        premise("subsets", Eq(below(n, n), 2 ** (n - 1)), ("dlmf", "Section 1.2(i)"), "the binomial theorem at 1 + 1"),
    ],
    claim=[
        Eq(R[k], binomial(w, k)),
        Eq(p, below(n, d) / 2 ** (n - 1)),
        Eq(1 + pairs, below(w, e) + below(w, e - 1)),
        Eq(below(n, n) / 2 ** (n - 1), 1),
        below(n, q) / 2 ** (n - 1) < 1,
    ],
    proof=[
        derive(R[k]).eq(binomial(w - 1, k) + binomial(w - 1, k - 1)).eq(binomial(w, k), "Pascal's rule"),
        derive(below(w, e)).eq(binomial(w - 1, 0) + left, "first term").eq(1 + left).named("first"),
        derive(1 + pairs)
        .eq(1 + left + v.sum(lambda k: binomial(w - 1, k - 1), (1, e - 1)), "term by term")
        .eq(1 + left + below(w, e - 1), "shift the second sum")
        .eq(below(w, e) + below(w, e - 1), by="first"),
        derive(rest).ge(v.sum(lambda k: 1, (q, n - 1)), "a binomial is at least 1").gt(0, "n - q terms").named("rest"),
        derive(2 ** (n - 1)).eq(below(n, n), by="subsets")
        .eq(below(n, q) + rest, "split the range")
        .gt(below(n, q), by="rest")
        .named("all"),
        derive(below(n, q) / 2 ** (n - 1)).lt(1, by="all"),
        derive(below(n, n) / 2 ** (n - 1)).eq(1, by="subsets"),
        derive(p).eq(below(n, d) / 2 ** (n - 1), by="regions"),
    ],
    algorithm=chance, computes=("probability",),
    values=[
        value(number, "exact", of="probability", n=points, d=dim)
        for points, dim, number in [(4, 2, "1/2"), (5, 3, "11/16"), (10, 5, "1/2"), (7, 3, "11/32"), (9, 4, "93/256")]
    ],
)  # fmt: skip
