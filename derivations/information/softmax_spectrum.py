r"""Eigenvalues of the softmax Jacobian.

The Jacobian $(\mathrm{diag}\,p - pp^\top)/\varepsilon$ is a diagonal matrix less one of rank one. Constants are in
its null space. Every other eigenvalue $\lambda/\varepsilon$ that is not one of the diagonal entries solves the
secular equation $\sum_j p_j^2/(p_j - \lambda) = 1$, with eigenvector $x_j = p_j/(p_j - \lambda)$: the first claim. By
the second claim its left side grows in $\lambda$ between neighbouring weights from $-\infty$ to $\infty$: if all
weights differ, there is exactly one eigenvalue between each two neighbours, and with 0 these are all. A weight that
occurs $k$ times is an eigenvalue itself, $k - 1$ times. The algorithm solves the secular equation and needs different
weights.
"""

from itertools import pairwise

from dltsym import Eq, Ne, Scope, diff, exp, value

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
s = v.array("s", m, "scores")
lam = v.real("lam", "eigenvalue of the Jacobian times the temperature", latex=r"\lambda")
a, j = v.index("a", m), v.index("j", m)
Z = v.let("Z", v.sum(lambda i: exp(s[i] / eps), m), "partition function")


def soft(i):
    """Return the softmax weight of key i."""
    return exp(s[i] / eps) / Z


def jacobian(x):
    return (soft(a) * x(a) - soft(a) * v.sum(lambda i: soft(i) * x(i), m)) / eps


def secular(z):
    return v.sum(lambda i: soft(i) ** 2 / (soft(i) - z), m)


def spectrum(m, s, eps):
    """Solve the secular equation between neighbouring weights."""
    scores = sorted(s, key=m.middle)
    total = m.logsumexp([x / eps for x in scores])
    p = [m.exp(x / eps - total) for x in scores]
    roots = [m.number(0)]
    for low, high in pairwise(p):
        edge = (high - low) / 2**40
        roots.append(m.root(lambda z: m.sum([x * x / (x - z) for x in p]) - 1, low + edge, high - edge) / eps)
    return {"eigenvalues": roots}


theorem = v.theorem(
    title="Eigenvalues of the softmax Jacobian",
    cite=("boyd2004", "Section 3.1.5; the secular equation of a rank-one change is standard"),
    given=Ne(soft(j), lam),
    claim=[
        Eq(
            jacobian(lambda i: soft(i) / (soft(i) - lam)) - lam / eps * soft(a) / (soft(a) - lam),
            soft(a) * (1 - secular(lam)) / eps,
        ),
        diff(secular(lam), lam) > 0,
    ],
    algorithm=spectrum,
    computes=("eigenvalues",),
    values=[
        value(number, "4 scores", of=f"eigenvalues[{k}]", m=4, eps="0.7", s=["0.3", "-1.2", 2, "0.7"])
        for k, number in enumerate(("0.0153581375", "0.123704475", "0.352678839"), 2)
    ],
)
