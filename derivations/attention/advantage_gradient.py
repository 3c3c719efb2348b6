r"""The backward pass of softmax attention is an exact advantage gradient.

A loss of the output $o = \sum_j p_j v_j$ has the gradient $g$ in $o$; $u_j = \langle g, v_j\rangle$ is the price of
weight on key $j$. By the chain rule the loss moves like the linear form $\langle g, o\rangle$, with $g$ held fixed,
which is what is differentiated here. In the logits its gradient is $G_j = p_j(u_j - \bar u)$: price against the mean
price. The mean is $\langle o, g\rangle$, the row sum that a fused backward pass prepares, and any baseline in its
place gives the same expectation. The gradient is 0 exactly if $u$ is constant, since no weight is 0. Logits are
scores over temperature, plus a log prior, minus a slope times a distance; an entropy output adds $-p_j(\log p_j + H)$
times its own gradient.
"""

from dltsym import Eq, Scope, diff, exp, log, value

v = Scope()
m, d = v.count("m", "number of keys"), v.count("d", "length of a value")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
s, lp, h = v.array("s", m, "scores"), v.array("lp", m, "log prior"), v.array("h", m, "distance of a key")
slope = v.real("slope", "slope of the distance")
g, V = v.array("g", d, "gradient of the loss in the output"), v.array("V", (m, d), "values")
b = v.real("b", "any baseline")
a = v.index("a", m)
Z = v.let("Z", v.sum(lambda j: exp(s[j] / eps + lp[j] - slope * h[j]), m), "partition function")


def p(j):
    return exp(s[j] / eps + lp[j] - slope * h[j]) / Z


def u(j):
    return v.sum(lambda c: g[c] * V[j, c], d)


loss = v.sum(lambda c: g[c] * v.sum(lambda j: p(j) * V[j, c], m), d)
mean = v.let("D", v.sum(lambda j: p(j) * u(j), m), "mean price")
H = v.let("H", -v.sum(lambda j: p(j) * log(p(j)), m), "entropy", unit="nat")


def G(j):
    return p(j) * (u(j) - mean)


theorem = v.theorem(
    title="Softmax backward as an advantage gradient",
    cite=("litman2025", "abstract: the backward pass as an advantage-based policy gradient; number not confirmed"),
    claim=[
        Eq(diff(loss, s[a]), G(a) / eps),
        Eq(v.sum(lambda j: p(j) * diff(log(p(j)), s[a]) * (u(j) - b), m), G(a) / eps),
        Eq(loss, mean),
        Eq(diff(loss, lp[a]), G(a)),
        Eq(diff(loss, eps), -v.sum(lambda j: G(j) * s[j], m) / eps**2),
        Eq(diff(loss, slope), -v.sum(lambda j: G(j) * h[j], m)),
        Eq(diff(H, lp[a]), -p(a) * (log(p(a)) + H)),
    ],
    kind="identity",
    outputs={"score gradient": G(a) / eps, "mean price": mean},
    values=[
        value(number, "u = (1, -2, 1/2, 3)", of="score gradient", m=4, d=1, eps="0.7", a=k, slope=0, g=[1],
              s=["0.3", "-1.2", 2, "0.7"], lp=[0] * 4, h=[0] * 4, V=[[1], [-2], ["0.5"], [3]])
        for k, number in enumerate(
            ("0.0175062830502289", "-0.0332777894786316", "-0.370754641683858", "0.386526148112261"), 1
        )
    ],
)  # fmt: skip
