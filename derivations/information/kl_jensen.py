r"""Jensen's inequality for the relative entropy of Bernoulli laws, in both arguments at once.

Relative entropy is jointly convex: it lies above its tangent planes (`information.kl_tangent_plane`), and planes are
linear. So the mean of relative entropies over any weights is at least the relative entropy of the means. This is the
step of a PAC-Bayes bound that goes from single hypotheses to the mean risks of a posterior. Single first means may be
0 or 1; their mean is 0 or 1 only if all that carry weight are, and then the inequality is the one for the logarithm.
"""

from dltsym import Eq, Scope, derive, kl_bernoulli, log, thm

v = Scope()
N = v.count("N", "number of hypotheses")
Q = v.array("Q", N, "weights", lo=0)
q = v.array("q", N, "first means", lo=0, hi=1)
p = v.array("p", N, "second means", lo=0, hi=1, lo_open=True, hi_open=True)
i = v.index("i", N)
s = v.let("s", v.sum(lambda j: Q[j] * q[j], N), "mean of the first means")
r = v.let("r", v.sum(lambda j: Q[j] * p[j], N), "mean of the second means")
mean_kl = v.sum(lambda j: Q[j] * kl_bernoulli(q[j], p[j]), N)
z, x = v.pos("z", "ratio of the odds of the means"), v.prob("x", "mean of the second means", open=True)
A, B, G = log(z), (1 - z) / (1 - x + x * z), -log(1 - x + x * z) - x * (1 - z) / (1 - x + x * z)
tangent = thm("information.kl_tangent_plane", q="q[i]", p="p[i]", r=x, z=z)
plane = thm("information.supporting_plane", K=lambda j: kl_bernoulli(q[j], p[j]), A=A, B=B, G=G)

theorem = v.theorem(
    title="Jensen's inequality for the Bernoulli relative entropy",
    cite=("cover2006", "Theorem 2.7.2"),
    given=[Eq(v.sum(lambda j: Q[j], N), 1), Eq(x, r), Eq(z, s * (1 - x) / (x * (1 - s))), s > 0, s < 1],
    claim=mean_kl >= kl_bernoulli(s, x),
    proof=[
        derive(kl_bernoulli(q[i], p[i])).ge(G + A * q[i] + B * p[i], "tangent plane", by=tangent).named("plane"),
        derive(mean_kl)
        .ge(G + A * s + B * r, "mean of a plane", by=(plane, "plane"))
        .eq(kl_bernoulli(s, x), "the point of contact"),
    ],
    kind="lower bound",
    outputs={"mean": mean_kl, "kl": kl_bernoulli(s, r)},
    values=[],
    breaks=[],
)
