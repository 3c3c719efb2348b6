r"""Relative entropy is at least the difference of the masses (Gibbs' inequality, generalised form).

For non-negative $p$ and positive $w$ of any length, $\sum_j p_j \log(p_j/w_j) \ge \sum_j p_j - \sum_j w_j$, with $0
\log 0 = 0$. Each term is the tangent bound of the logarithm at $w_j/p_j$, times $p_j$. For probability vectors the
right side is 0: relative entropy is never negative.
"""

from dltsym import Scope, derive, log, value, xlogx

v = Scope()
m = v.count("m", "length")
p = v.array("p", m, "non-negative weights", lo=0)
w = v.array("w", m, "positive weights", lo=0, lo_open=True)
kl = v.sum(lambda j: xlogx(p[j]) - p[j] * log(w[j]), m)
mass = v.sum(lambda j: p[j], m) - v.sum(lambda j: w[j], m)

theorem = v.theorem(
    title="Gibbs' inequality",
    cite=("cover2006", "Theorem 2.6.3"),
    claim=kl >= mass,
    proof=derive(kl).ge(mass, "term by term, the tangent of the logarithm", hint="termwise"),
    kind="lower bound",
    tight={p: lambda j: w[j]},
    outputs={"kl": kl, "mass": mass},
    values=[value("0.338919144154881", "Bernoulli laws 0.3 and 0.7", of="kl", m=2, p=["0.3", "0.7"], w=["0.7", "0.3"])],
)
