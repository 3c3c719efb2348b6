r"""The inverse of Bernoulli relative entropy, and two closed bounds above it.

Bounds in the kl form say $\mathrm{kl}(q\|p) \le c$ for an empirical risk $q$ and the true risk $p$. The largest such
$p$ is the number to print: the only $p \ge q$ with $\mathrm{kl}(q\|p) = c$, for relative entropy is increasing in $p$
there. It is $q$ at $c = 0$, $1 - e^{-c}$ at $q = 0$ and 1 at $q = 1$. For finite $c$ and $q < 1$ it is below 1, so
being below 1 never proves that a bound says something. Any $p$ within the radius, so also the largest, obeys
Pinsker's bound and the sharper root form, which is better for small risks. A certificate must round outward: Newton's
method from above stays above in exact arithmetic, but in floating point it lands below in about half of all cases.
"""

from dltsym import Break, Operator, Root, Scope, cases_, derive, kl_bernoulli, log, sqrt, thm, value
from dltsym.relations import increasing, within

v = Scope()
n = v.count("n", "number of bounds")
q = v.array("q", n, "smaller means, such as empirical risks", lo=0, hi=1)
c = v.array("c", n, "radii", unit="nat", lo=0)
p = v.prob("p", "larger mean, such as a true risk", open=True)
r, w = v.prob("r", "1 minus the larger mean", open=True), v.prob("w", "another smaller mean", open=True)
i = v.index("i", n)
point = {"n": 1, "i": 1, "q": ["0.289307"], "c": ["0.057761445192815"]}
root = q[i] + c[i] + sqrt(c[i] ** 2 + 2 * q[i] * c[i])


stable = "-{q}*log1pmx(({p} - {q})/{q}) - (1 - {q})*log1pmx(({q} - {p})/(1 - {q}))"


def inverse():
    """Return the inverse p and 1 - p, each as the zero of an increasing function of itself."""
    return {
        "p": Root(p, kl_bernoulli(q[i], p) - c[i], q[i], v.read(1)),
        "complement": Root(r, c[i] - kl_bernoulli(1 - q[i], r), v.read(0), 1 - q[i]),
    }


def centred():
    """Return the same with relative entropy as a sum of two terms that are not negative, without cancellation."""
    kl = cases_((q[i] > 0, v.read(stable.format(q="q[i]", p="p"))), -log(1 - p))
    flipped = cases_((q[i] > 0, v.read(stable.format(q="(1 - q[i])", p="r"))), -log(r))
    return {
        "p": Root(p, kl - c[i], q[i], v.read(1)),
        "complement": Root(r, c[i] - flipped, v.read(0), 1 - q[i]),
    }


theorem = v.theorem(
    title="Inverse of Bernoulli relative entropy",
    cite=("langford2005", "definition of the inverse; the bounds are Pinsker's and its refinement"),
    given=[q[i] <= p, kl_bernoulli(q[i], p) <= c[i]],
    claim=[p <= q[i] + sqrt(c[i] / 2), p <= root, f"kl(w, p) = {stable.format(q='w', p='p')}"],
    proof=[
        derive(p)
        .le(q[i] + sqrt(kl_bernoulli(q[i], p) / 2), "Pinsker", by=thm("information.pinsker", q="q[i]", p="p"))
        .le(q[i] + sqrt(c[i] / 2), "the radius", hint="z3"),
        derive((p - q[i]) ** 2)
        .le(2 * p * kl_bernoulli(q[i], p), "refined", by=thm("information.refined_pinsker", q="q[i]", p="p"))
        .le(2 * p * c[i], "the radius")
        .named("quadratic"),
        derive(p).le(root, "the larger root of a quadratic", by="quadratic"),
    ],
    kind="upper bound",
    outputs={"pinsker": q[i] + sqrt(c[i] / 2), "root": root},
    breaks=[Break({"n": 1, "q": ["0"], "c": ["1/8"], "p": "1/2", "i": 1}, "a relative entropy above the radius")],
    values=[
        value("0.45925029229601", "unit test of a public code", of="pinsker", **point),
        value("0.538792114570276", "the same point, computed here", of="root", **point),
    ],
    operator=Operator(
        inverse,
        axes={"p": "i", "complement": "i"},
        forms={"centred": centred},
        grads=("q", "c"),
        relations=(
            increasing("c", "p"),
            within("p", lambda x, out: x["q"], 1),
        ),
    ),
)
