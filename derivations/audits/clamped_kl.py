r"""Clamped means change small bounds by a third.

A public code keeps both means within $[10^{-6}, 1 - 10^{-6}]$ before it takes relative entropy. At an empirical risk
of 0 that is not harmless: $\mathrm{kl}(0\|10^{-5})$ is $1.000005 \cdot 10^{-5}$ and comes out as $6.697 \cdot
10^{-6}$, and the inverse at radius $10^{-5}$ comes out 36 % too large.
"""

from dltsym import Scope, exp, kl_bernoulli, value

v = Scope()
p, c = v.prob("p", "larger mean", open=True), v.pos("c", "radius", unit="nat")
clamp = v.prob("clamp", "smallest mean allowed", open=True)
inverse = v.real("inverse", "inverse with the clamped mean")


def fixture(m, p, clamp, c):
    """Invert at the clamped mean, for an empirical risk of 0."""
    return {"inverse": m.root(lambda x: m.kl_bernoulli(clamp, x) - c, clamp, m.number("0.5"))}


point = {"p": "0.00001", "clamp": "0.000001", "c": "0.00001"}
audit = v.audit(
    title="Relative entropy of clamped means",
    source=("foong2021", "public code, relative entropy"),
    prints="means kept within [1e-6, 1 - 1e-6] do not matter",
    claim=inverse <= (1 - exp(-c)) * 11 / 10,
    at=point,
    fixture=fixture,
    verdict="refuted",
    corrected="Use the limits 0 log 0 = 0 and kl(0 || p) = -log(1 - p); nothing needs a clamp.",
    outputs={
        "clamped": kl_bernoulli(clamp, p),
        "true": kl_bernoulli(0 * p, p),
        "inverse": inverse,
        "root": 1 - exp(-c),
    },
    values=[
        value("0.000006697", "with the clamp", of="clamped", digits=4, **point),
        value("0.00001000005", "without", of="true", digits=7, **point),
        value("0.0000136108", "inverse with the clamp", of="inverse", digits=6, **point),
        value("0.00000999995", "inverse", of="root", digits=6, **point),
    ],
    see=("information.bernoulli_kl", "information.kl_inverse"),
)
