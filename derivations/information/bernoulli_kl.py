r"""Relative entropy of two Bernoulli laws: a form without cancellation, derivatives, joint convexity.

With Bennett's function $h(x) = (1+x)\log(1+x) - x \ge 0$ relative entropy is a sum of two terms that are not
negative, so nearly equal means lose no digits. Both partial derivatives are elementary, the second derivative in $p$
is positive, and the Hessian determinant is a square over a positive number: relative entropy is jointly convex.
Inverting a kl bound rests on these lines. At the ends $0\log 0 = 0$: the value at $q = 0$ is $-\log(1-p)$ and at $q =
1$ it is $-\log p$; for $p \in \{0, 1\}$ and another $q$ it is infinite, which is why $p$ is strictly between.
"""

from dltsym import Eq, Scope, derive, diff, kl_bernoulli, log, thm, value

v = Scope()
q, p = v.prob("q", "first mean", open=True), v.prob("p", "second mean", open=True)
w = v.prob("w", "first mean, ends included")
x = v.real("x", "relative difference", lo=-1, lo_open=True)
kl = kl_bernoulli(q, p)
curvature = ((p - q) ** 2 + q * (1 - q)) / (p**2 * (1 - p) ** 2)
det = diff(kl, q, 2) * diff(kl, p, 2) - diff(diff(kl, q), p) ** 2
gram = (p - q) ** 2 / (p**2 * (1 - p) ** 2 * q * (1 - q))


def h(u):
    """Return Bennett's function."""
    return (1 + u) * log(1 + u) - u


centred = p * h((q - p) / p) + (1 - p) * h((p - q) / (1 - p))

theorem = v.theorem(
    title="The Bernoulli relative entropy: stable form, derivatives, joint convexity",
    cite=("cover2006", "Theorem 2.7.2"),
    claim=[
        v.relations("diff(kl(q, p), p) = (p - q)/(p*(1 - p))")[0],
        v.relations("diff(kl(q, p), q) = log(q*(1 - p)/(p*(1 - q)))")[0],
        diff(kl, p, 2) > 0,
        det >= 0,
        Eq(diff(kl, q, 2), 1 / (q * (1 - q))),
        Eq(kl, centred),
        h(x) >= 0,
        kl_bernoulli(w, p) >= 0,
    ],
    proof=[
        derive(diff(kl, p, 2)).eq(curvature, "quotient rule").gt(0, "positive numerator and denominator"),
        derive(det).eq(gram, "second derivatives").ge(0, "a square over a positive number"),
        derive(h(x)).ge(0, "the derivative is log(1 + x)", hint="x @ 0"),
        derive(kl_bernoulli(w, p))
        .ge(2 * (p - w) ** 2, "Pinsker", by=thm("information.pinsker", q=w, w=q))
        .ge(0, "a square"),
    ],
    kind="identity",
    tight={q: p, w: p, x: 0},
    outputs={"kl": kl_bernoulli(w, p), "slope_p": (p - q) / (p * (1 - p)), "slope_q": log(q * (1 - p) / (p * (1 - q)))},
    values=[
        value("2.380952078609321e-14", "nearly equal means", of="kl", w="0.3", p="0.3000001"),
        value("3.068528199400547e-10", "small means", of="kl", w="1e-9", p="2e-9"),
        value("2.0e-18", "nearly equal means at 1/2", of="kl", digits=2, w="0.5", p="0.500000001"),
        value("0.1053605156578263", "-log(0.9), the end", of="kl", w=0, p="0.1"),
        value("2.302585092994046", "-log(0.1), the other end", of="kl", w=1, p="0.1"),
    ],
)
