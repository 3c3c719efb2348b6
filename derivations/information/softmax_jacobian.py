r"""Jacobian of softmax and Hessian of log-sum-exp, for any number of scores.

The gradient of log-sum-exp is the softmax, its Hessian is $(\mathrm{diag}\,p - p p^\top)/\varepsilon$. Against any
vector $x$ the Hessian gives the variance of $x$ under $p$ over the temperature, so it is positive semidefinite, and
it annihilates constant vectors, and only these: the variance is at least each weight times the squared distance from
the mean, and no weight is 0, so the rank is $m - 1$. The form is at most $\|x\|^2/2\varepsilon$, which bounds the
spectral norm by $1/2\varepsilon$: attained at $m = 2$ with weights $1/2$, a supremum for more keys. In a row the
diagonal entry is positive and the others are negative, so that the absolute values sum to $2p(1 - p)/\varepsilon$,
with the same bound. The Fisher information of the softmax family in the scores is the Jacobian over $\varepsilon$. A
masked key has weight 0 and lowers the rank.
"""

from dltsym import Eq, Scope, delta, derive, diff, exp, log, value

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
s = v.array("s", m, "scores")
x = v.array("x", m, "any direction")
a, b = v.index("a", m), v.index("b", m)
Z = v.let("Z", v.sum(lambda j: exp(s[j] / eps), m), "partition function")


def soft(j):
    """Return the softmax weight of key j."""
    return exp(s[j] / eps) / Z


mean = v.let("mu", v.sum(lambda j: soft(j) * x[j], m), "mean of x under softmax", latex=r"\mu")
form = v.sum(lambda i, j: x[i] * (soft(i) * (delta(i, j) - soft(j)) / eps) * x[j], m, m)
spread = v.sum(lambda j: soft(j) * (x[j] - mean) ** 2, m) / eps
bound = 2 * v.sum(lambda j: soft(j) * (1 - soft(j)) * x[j] ** 2, m) / eps
pairs = v.sum(lambda i, j: soft(i) * soft(j) * (1 - delta(i, j)) * (x[i] + x[j]) ** 2, m, m) / (2 * eps)


def fisher(k):
    return soft(k) * diff(log(soft(k)), s[a]) * diff(log(soft(k)), s[b])


theorem = v.theorem(
    title="Jacobian of softmax, Hessian of log-sum-exp",
    cite=("boyd2004", "Section 3.1.5"),
    claim=[
        Eq(diff(soft(a), s[b]), soft(a) * (delta(a, b) - soft(b)) / eps),
        Eq(diff(eps * log(Z), s[a]), soft(a)),
        Eq(v.sum(lambda j: soft(a) * (delta(a, j) - soft(j)) / eps, m), 0),
        form >= 0,
        form >= soft(a) * (x[a] - mean) ** 2 / eps,
        form <= v.sum(lambda j: x[j] ** 2, m) / (2 * eps),
        Eq(
            v.sum(lambda j: (2 * delta(a, j) - 1) * soft(a) * (delta(a, j) - soft(j)) / eps, m),
            2 * soft(a) * (1 - soft(a)) / eps,
        ),
        2 * soft(a) * (1 - soft(a)) / eps <= 1 / (2 * eps),
        Eq(v.sum(fisher, m), soft(a) * (delta(a, b) - soft(b)) / eps**2),
    ],
    proof=[
        derive(form).eq(spread, "expand the square; softmax sums to 1").ge(0, "a sum of squares with positive weights"),
        derive(form)
        .eq(spread, "the variance")
        .ge(v.sum(lambda j: delta(a, j) * soft(j) * (x[j] - mean) ** 2, m) / eps, "one of its terms", hint="termwise")
        .eq(soft(a) * (x[a] - mean) ** 2 / eps, "key a alone"),
        derive(form).eq(bound - pairs, "add x_i + x_j over pairs").le(bound, "pairs are squares").named("norm"),
        derive(v.sum(lambda j: soft(j) * (1 - soft(j)) * x[j] ** 2, m))
        .le(v.sum(lambda j: x[j] ** 2 / 4, m), "4p(1 - p) <= 1", hint="termwise")
        .named("quarter"),
        derive(form)
        .le(bound, "the chain above", by="norm")
        .le(2 * v.sum(lambda j: x[j] ** 2 / 4, m) / eps, "4p(1 - p) <= 1", by="quarter")
        .eq(v.sum(lambda j: x[j] ** 2, m) / (2 * eps), "common factor"),
    ],
    kind="identity",
    outputs={"jacobian": soft(a) * (delta(a, b) - soft(b)) / eps, "p": soft(a), "lse": eps * log(Z),
             "row sum": 2 * soft(a) * (1 - soft(a)) / eps},
    values=[
        value("-0.0800128373763749", "4 scores", of="jacobian", m=4, eps="0.7", a=1, b=3, s=["0.3", "-1.2", 2, "0.7"]),
        value("0.797051605443879", "four scores", of="p", m=4, eps="0.7", a=3, s=["0.3", "-1.2", 2, "0.7"]),
        value("0.5", "attains the norm 1/2", of="row sum", m=2, eps=1, a=1, s=[0, 0]),
    ],
)  # fmt: skip
