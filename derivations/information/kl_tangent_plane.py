r"""The relative entropy of Bernoulli laws lies above its tangent planes.

For a factor $z$ on the odds, tilting $p$ to the mean $pz/(1 - p + pz)$ shows $\mathrm{kl}(q\|p) \ge q\log z - \log(1
- p + pz)$, which is linear in $q$; the tangent of the logarithm at $r$ makes it linear in $p$ too. With $z = s(1 -
r)/(r(1 - s))$ the plane touches at $(s, r)$. Joint convexity, and Jensen's inequality for any number of laws
(`information.kl_jensen`), follow. The ends $q = 0$ and $q = 1$ are included.
"""

from dltsym import Scope, derive, kl_bernoulli, log, value

v = Scope()
q, p = v.prob("q", "first mean"), v.prob("p", "second mean", open=True)
r, z = (
    v.prob("r", "second mean at the point of contact", open=True),
    v.pos("z", "ratio of the odds of both means there"),
)


def moment(p):
    return 1 - p + p * z


plane = q * log(z) - log(moment(r)) + 1 - moment(p) / moment(r)

theorem = v.theorem(
    title="Tangent planes of the Bernoulli relative entropy",
    cite=("cover2006", "Theorem 2.7.2"),
    claim=[kl_bernoulli(q, p) >= plane],
    proof=[
        derive(-log(moment(p)))
        .ge(-log(moment(r)) + 1 - moment(p) / moment(r), "tangent of the logarithm")
        .named("tangent"),
        derive(kl_bernoulli(q, p))
        .ge(q * log(z) - log(moment(p)), "the tilted law", hint="q @ p*z/(1 - p + p*z)")
        .ge(plane, "tangent of the logarithm", by="tangent"),
    ],
    kind="lower bound",
    tight={q: r * z / (1 - r + r * z), p: r},
    outputs={"kl": kl_bernoulli(q, p), "plane": plane},
    values=[
        value("0.338919144154881", "0.4 log(7/3), the contact", of="plane", q="0.3", p="0.7", r="0.7", z="9/49"),
        value("0.105360515657826", "-log(0.9), the end q = 0", of="kl", q=0, p="0.1"),
    ],
)
