r"""Tangents of Bernoulli relative entropy lie below it, in the mean and in the log of its complement.

For a fixed first mean relative entropy is convex in the second one, and convex again in $t = -\log(1 - p)$, where its
slope is $(p - q)/p$. Each tangent turns a guess for the inverse into a bound that is on the safe side however bad the
guess is; in $t$, where the curve is almost straight far out, a Newton step from beyond the root stays beyond it.
"""

from dltsym import Scope, binary_entropy, derive, exp, kl_bernoulli, log, value

v = Scope()
q = v.prob("q", "first mean", open=True)
p = v.prob("p", "second mean", open=True)
g = v.prob("g", "guess for the second mean", open=True)
t = v.pos("t", "minus log of one minus a guess", unit="nat")
u = v.pos("u", "minus log of one minus a mean", unit="nat")
line = kl_bernoulli(q, g) + (p - g) * (g - q) / (g * (1 - g))
bent = -binary_entropy(q) - q * log(1 - exp(-t)) + (1 - q) * t
slope = (1 - exp(-t) - q) / (1 - exp(-t))

theorem = v.theorem(
    title="Tangents of the Bernoulli relative entropy",
    cite=("langford2005", "inversion of the relative entropy; the tangents are derived here"),
    claim=[
        kl_bernoulli(q, p) >= line,
        "kl(q, 1 - exp(-t)) = -binary_entropy(q) - q*log(1 - exp(-t)) + (1 - q)*t",
        "diff(kl(q, 1 - exp(-t)), t) = (1 - exp(-t) - q)/(1 - exp(-t))",
        "kl(q, 1 - exp(-u)) >= kl(q, 1 - exp(-t)) + (u - t)*(1 - exp(-t) - q)/(1 - exp(-t))",
    ],
    proof=[
        derive(kl_bernoulli(q, p)).ge(line, "ladder from the contact p = g", hint="p @ g"),
        derive("kl(q, 1 - exp(-u))").ge(
            "kl(q, 1 - exp(-t)) + (u - t)*(1 - exp(-t) - q)/(1 - exp(-t))", "ladder from u = t", hint="u @ t"
        ),
    ],
    tight={p: g, u: t},
    outputs={"line": line, "kl": bent, "slope": slope},
    values=[
        value(
            "0.338919144154881", "0.4 log(7/3): at p = g the line is the curve", of="line", q="0.3", p="0.7", g="0.7"
        ),
        value("0.338919144154881", "the same, from t = log(10/3)", of="kl", q="0.3", t="log(10/3)"),
        value("0.571428571428571", "the slope there, 4/7", of="slope", q="0.3", t="log(10/3)"),
    ],
)
