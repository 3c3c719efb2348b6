r"""The inverse of Bernoulli relative entropy: what it is, its derivatives, and a certificate from any guess.

A bound in the kl form says that relative entropy from an empirical risk $q$ to the true risk $p$ is at most $c$; the
number to print is $\mathrm{kl}^+(q|c)$, the largest such $p$. For $q < 1$ and finite $c$ it is below 1, so being
below 1 never proves that a bound says something. It increases in both arguments, and is the only mean above $q$ at
which relative entropy is $c$; the lower inverse is its mirror image. Its derivatives follow from that equation, which
the two claims with a total derivative check. From any guess $g > q$ the tangent gives a value certainly not below it;
in $t = -\log(1 - p)$ relative entropy is convex again, and Newton's method from beyond the root never passes it.
"""

from dltsym import Eq, Scope, derive, diff, exp, kl_bernoulli, kl_lower, kl_upper, thm, value

v = Scope()
q = v.prob("q", "first mean, such as an empirical risk")
p = v.prob("p", "second mean, such as the true risk", open=True)
c, a = v.nonneg("c", "radius", unit="nat"), v.nonneg("a", "addition to the radius", unit="nat")
w, b = v.prob("w", "first mean strictly between 0 and 1", open=True), v.pos("b", "positive radius", unit="nat")
g = v.prob("g", "guess above w", open=True)
inv = kl_upper(w, b)
tangent = g + (b - kl_bernoulli(w, g)) * g * (1 - g) / (g - w)

theorem = v.theorem(
    title="Inverse of the Bernoulli relative entropy",
    cite=("langford2005", "definition of the inverse; derivatives and certificates derived here"),
    given=[kl_bernoulli(q, p) <= c, w < g],
    claim=[
        p <= kl_upper(q, c),
        kl_lower(q, c) <= p,
        Eq(kl_bernoulli(w, inv), b),
        Eq(kl_bernoulli(w, kl_lower(w, b)), b),
        inv > w,
        inv < 1,
        inv <= kl_upper(w, b + a),
        Eq(kl_upper(0, c), 1 - exp(-c)),
        Eq(kl_upper(q, 0), q),
        Eq(kl_upper(1, c), 1),
        Eq(kl_lower(w, b), 1 - kl_upper(1 - w, b)),
        Eq(diff(kl_bernoulli(w, inv), b), 1),
        Eq(diff(kl_bernoulli(w, inv), w), 0),
        inv <= tangent,
    ],
    proof=[
        derive(kl_bernoulli(w, g) + (inv - g) * (g - w) / (g * (1 - g)))
        .le(kl_bernoulli(w, inv), "tangent", by=thm("information.kl_tangent", q="w", p="kl_upper(w, b)"))
        .eq(b, "definition of the inverse")
        .named("line"),
        derive(inv).le(tangent, "solve for the inverse", by="line", hint="z3"),
    ],
    outputs={"upper": kl_upper(q, c), "lower": kl_lower(q, c), "complement": kl_lower(1 - q, c)},
    values=[
        value(text, "computed here", of=of, q=q, c=c)
        for of, q, c, text in (
            ("upper", 0, "1e-8", "9.99999995000000017e-9"), ("upper", 0, "0.1", "0.0951625819640404268"),
            ("complement", 0, 50, "1.92874984796e-22"), ("upper", "1e-12", "1e-3", "0.000999500188327061324"),
            ("upper", "0.01", "1e-4", "0.0114731281712507602"), ("lower", "0.01", "1e-4", "0.00865750249713081926"),
            ("upper", "0.1", "0.02", "0.170383627568828463"), ("lower", "0.1", "0.02", "0.0506291539078151565"),
            ("upper", "0.3", "1e-7", "0.300204965672604730"), ("complement", "0.3", 10, "2.61096057100e-7"),
            ("lower", "0.3", 10, "4.35713100499129385e-16"), ("upper", "0.5", "1e-12", "0.500000707106781186"),
            ("upper", "0.5", "0.1", "0.712878631455823990"), ("upper", "0.9", "0.02", "0.949370846092184844"),
            ("complement", "0.99999", "1e-3", "1.36854631391e-49"),
        )
    ],
)  # fmt: skip
