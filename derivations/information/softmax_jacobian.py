r"""Jacobian of softmax and Hessian of log-sum-exp, for any number of scores.

The gradient of log-sum-exp is the softmax, its Hessian is $(\mathrm{diag}\,p - p p^\top)/\varepsilon$. Against any
vector $x$ the Hessian gives the variance of $x$ under $p$ over the temperature, so it is positive semidefinite, and
it annihilates constant vectors.
"""

from dltsym import Eq, Scope, delta, derive, diff, exp, log, value

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
s = v.array("s", m, "scores")
x = v.array("x", m, "any direction")
a = v.index("a", m)
b = v.index("b", m)
Z = v.let("Z", v.sum(lambda j: exp(s[j] / eps), m), "partition function")


def soft(j):
    """Return the softmax weight of key j."""
    return exp(s[j] / eps) / Z


mean = v.let("mu", v.sum(lambda j: soft(j) * x[j], m), "mean of x under softmax", latex=r"\mu")
form = v.sum(lambda i, j: x[i] * (soft(i) * (delta(i, j) - soft(j)) / eps) * x[j], m, m)
spread = v.sum(lambda j: soft(j) * (x[j] - mean) ** 2, m) / eps

theorem = v.theorem(
    title="Jacobian of softmax, Hessian of log-sum-exp",
    cite=("boyd2004", "Section 3.1.5"),
    claim=[
        Eq(diff(soft(a), s[b]), soft(a) * (delta(a, b) - soft(b)) / eps),
        Eq(diff(eps * log(Z), s[a]), soft(a)),
        Eq(v.sum(lambda j: soft(a) * (delta(a, j) - soft(j)) / eps, m), 0),
        form >= 0,
    ],
    proof=derive(form)
    .eq(spread, "expand the square; softmax sums to 1")
    .ge(0, "a sum of squares with positive weights"),
    kind="identity",
    outputs={"jacobian": soft(a) * (delta(a, b) - soft(b)) / eps, "p": soft(a), "lse": eps * log(Z)},
    values=[
        value(
            "-0.0800128373763749",
            "scores 0.3, -1.2, 2, 0.7",
            of="jacobian",
            m=4,
            eps="0.7",
            a=1,
            b=3,
            s=["0.3", "-1.2", 2, "0.7"],
        ),
        value(
            "0.797051605443879", "scores 0.3, -1.2, 2, 0.7", of="p", m=4, eps="0.7", a=3, s=["0.3", "-1.2", 2, "0.7"]
        ),
    ],
)
