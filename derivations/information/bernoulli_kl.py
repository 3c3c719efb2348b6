r"""Derivatives of the relative entropy of two Bernoulli laws.

Both partial derivatives are elementary, the second derivative in $p$ is positive, and the Hessian determinant is a
square over a positive number, so relative entropy is jointly convex. Inverting a kl bound rests on these lines.
"""

from dltsym import Scope, derive, diff, kl_bernoulli, log, value

v = Scope()
q = v.prob("q", "first mean", open=True)
p = v.prob("p", "second mean", open=True)
kl = kl_bernoulli(q, p)
curvature = ((p - q) ** 2 + q * (1 - q)) / (p**2 * (1 - p) ** 2)
det = diff(kl, q, 2) * diff(kl, p, 2) - diff(diff(kl, q), p) ** 2
gram = (p - q) ** 2 / (p**2 * (1 - p) ** 2 * q * (1 - q))

theorem = v.theorem(
    title="Derivatives and joint convexity of the Bernoulli relative entropy",
    cite=("cover2006", "Theorem 2.7.2"),
    claim=[
        v.relations("diff(kl(q, p), p) = (p - q)/(p*(1 - p))")[0],
        v.relations("diff(kl(q, p), q) = log(q*(1 - p)/(p*(1 - q)))")[0],
        diff(kl, p, 2) > 0,
        det >= 0,
    ],
    proof=[
        derive(diff(kl, p, 2)).eq(curvature, "quotient rule").gt(0, "positive numerator and denominator"),
        derive(det).eq(gram, "second derivatives").ge(0, "a square over a positive number"),
    ],
    kind="identity",
    tight={q: p},
    outputs={"kl": kl, "slope_p": (p - q) / (p * (1 - p)), "slope_q": log(q * (1 - p) / (p * (1 - q)))},
    values=[value("2.380952078609321e-14", "nearly equal means", of="kl", q="0.3", p="0.3000001")],
)
