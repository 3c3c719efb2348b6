r"""The sum form of an inverted kl bound: what papers print when roots inside roots are unwelcome.

$q + \sqrt{2qc} + 2c$ follows from the refined form of Pinsker's inequality, $p \le q + \sqrt{2pc}$, by putting this
bound for $p$ into itself. It is weaker than the root form, by $\sqrt{c^2 + 2qc} \le c + \sqrt{2qc}$, equal to it at
$q = 0$ and at $c = 0$, and for large risks weaker than Pinsker's.
"""

from dltsym import Break, Scope, derive, kl_bernoulli, sqrt, thm, value

v = Scope()
q, p = (
    v.prob("q", "smaller mean, such as an empirical risk"),
    v.prob("p", "larger mean, such as a true risk", open=True),
)
c = v.nonneg("c", "radius", unit="nat")
root = q + c + sqrt(c * (c + 2 * q))
total = q + sqrt(2 * q * c) + 2 * c
point = {"q": "0.289307", "c": "(1724 + log(40*sqrt(30000)))/30000"}

theorem = v.theorem(
    title="Sum form of the kl inverse",
    cite=("tolstikhin2013", "the inverted bound of small empirical risks; number not confirmed"),
    given=[q <= p, kl_bernoulli(q, p) <= c],
    claim=[p <= total, root <= total],
    proof=[
        derive(sqrt(c * (c + 2 * q))).le(c + sqrt(2 * q * c), "square both sides").named("roots"),
        derive(p).le(root, "the root form", by=thm("information.kl_inverse_root")).le(total, "add q + c", by="roots"),
        derive(root).le(total, "add q + c", by="roots"),
    ],
    kind="upper bound",
    tight={q: p, c: 0},
    outputs={"sum": total, "root": root},
    values=[
        value("0.58764559225173", "unit-test point of a public code", of="sum", **point),
        value("0.53879211457027", "the same point, root form", of="root", **point),
    ],
    breaks=[Break({"q": "1/10", "p": "9/10", "c": "1/10"}, "outside the radius")],
)
