r"""Contrastive losses are 1-Lipschitz in the maximum norm, whatever the number of negatives.

Let $v_i$ be the score of the positive less that of negative $i$. If no $v_i$ moves by more than $r$, the logistic
loss $\log(1 + \sum_i e^{-v_i})$ moves by at most $r$, and so does the hinge $\max(0, 1 - \min_i v_i)$; the gradient
of the first has absolute sum below 1, tending to 1 only as all $v \to -\infty$. In the Euclidean norm the constant is
at most 1 too, but to bound that norm over $k$ coordinates costs the $\sqrt k$ of earlier bounds. With a temperature
the constant is $1/\tau$.
"""

from dltsym import Break, Scope, derive, exp, log, max_, value

v = Scope()
k = v.count("k", "number of negatives")
x, y = v.array("x", k, "score differences"), v.array("y", k, "the same, moved")
r = v.nonneg("r", "largest change of a coordinate")
h = v.nonneg("h", "hinge loss at x, or anything above it")
i = v.index("i", k)


def mass(z):
    return v.sum(lambda j: exp(-z[j]), k)


def loss(z):
    return log(1 + mass(z))


def one_way(left, right, name):
    return (
        derive(mass(left))
        .le(v.sum(lambda j: exp(r) * exp(-right[j]), k), "coordinate by coordinate", hint="termwise")
        .eq(exp(r) * mass(right), "common factor")
        .named(name)
    )


theorem = v.theorem(
    title="Lipschitz constant of contrastive losses in the maximum norm",
    cite=("lei2023", "Lipschitz continuity in the maximum norm; number not confirmed"),
    given=[y[i] <= x[i] + r, y[i] >= x[i] - r, h >= 1 - x[i]],
    claim=[loss(y) <= loss(x) + r, loss(y) >= loss(x) - r, max_(0, 1 - y[i]) <= h + r, mass(x) / (1 + mass(x)) < 1],
    proof=[
        one_way(y, x, "there"),
        one_way(x, y, "back"),
        derive(1 + mass(y)).le(exp(r) * (1 + mass(x)), "1 is at most exp(r)", by="there").named("up"),
        derive(loss(y)).le(log(exp(r) * (1 + mass(x))), "log increases", by="up").eq(loss(x) + r, "log of a product"),
        derive(1 + mass(x)).le(exp(r) * (1 + mass(y)), "1 is at most exp(r)", by="back").named("down"),
        derive(loss(x))
        .le(log(exp(r) * (1 + mass(y))), "log increases", by="down")
        .eq(loss(y) + r, "log of a product")
        .named("other"),
        derive(loss(y)).ge(loss(x) - r, by="other"),
    ],
    outputs={"loss": loss(x), "slope": mass(x) / (1 + mass(x))},
    values=[
        value("1.38629436111989", "log 4", of="loss", k=3, x=[0, 0, 0]),
        value("0.75", "three equal scores", of="slope", k=3, x=[0, 0, 0]),
    ],
    breaks=[Break({"k": 1, "x": [-5], "y": [-10], "r": 1}, "a coordinate that moves further")],
)
