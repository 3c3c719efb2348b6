r"""The root form of an inverted kl bound, and when it is better than Pinsker's.

The refined form of Pinsker's inequality bounds $(p - q)^2$ by $2pc$; the larger root of this quadratic is $q + c +
\sqrt{c^2 + 2qc}$, the same as $(\sqrt{q + c/2} + \sqrt{c/2})^2$. It is linear in $c$ where $q = 0$, and beats $q +
\sqrt{c/2}$ exactly for $q < \frac14 - \sqrt{c/2}$: small empirical risks. The last two claims say this, for the
product of a positive number and Pinsker's value minus the root is a positive multiple of $\frac14 - \sqrt{c/2} - q$.
Both can exceed 1; take the smaller one, and clip last. Certificates trained with this objective call it the quadratic
bound.
"""

from dltsym import Break, Eq, Scope, derive, kl_bernoulli, sqrt, thm, value

v = Scope()
q, p = (
    v.prob("q", "smaller mean, such as an empirical risk"),
    v.prob("p", "larger mean, such as a true risk", open=True),
)
c = v.nonneg("c", "radius", unit="nat")
root = q + c + sqrt(c * (c + 2 * q))
pinsker = q + sqrt(c / 2)
partner = 1 - 2 * sqrt(c / 2) + 2 * sqrt(q + c / 2)
point = {"q": "0.289307", "c": "(1724 + log(40*sqrt(30000)))/30000"}

theorem = v.theorem(
    title="Root form of the kl inverse",
    cite=("perezortiz2021", "the quadratic bound; number not confirmed"),
    given=[q <= p, kl_bernoulli(q, p) <= c],
    claim=[
        p <= root,
        Eq(root, (sqrt(q + c / 2) + sqrt(c / 2)) ** 2),
        Eq((pinsker - root) * partner, sqrt(c / 2) * (1 - 4 * sqrt(c / 2) - 4 * q)),
        partner > 0,
    ],
    proof=[
        derive((p - q) ** 2)
        .le(2 * p * kl_bernoulli(q, p), "refined Pinsker", by=thm("information.refined_pinsker"))
        .le(2 * p * c, "the radius")
        .named("quadratic"),
        derive(p).le(root, "the larger root of a quadratic", by="quadratic"),
    ],
    kind="upper bound",
    tight={q: p, c: 0},
    outputs={"root": root, "pinsker": pinsker},
    values=[
        value("0.53879211457027", "unit-test point of a public code", of="root", **point),
        value("0.45925029229601", "the same point, where Pinsker is better", of="pinsker", **point),
        value("0.02", "2c at q = 0", of="root", q=0, c="0.01"),
    ],
    breaks=[Break({"q": "1/10", "p": "9/10", "c": "1/10"}, "outside the radius")],
)
