r"""Log-sum-exp lies between the maximum and the maximum plus a logarithm.

The scores are written with the $k$ maximisers first: they all equal $M$, and the other $l = m - k$ scores $r$ stay a
gap $D$ below. Counting maximisers sharpens the usual bounds $M$ and $M + \varepsilon\log m$ on both sides, and shows
the rate at which the temperature limit is reached. The mean score under softmax lies between $M - \varepsilon\log m$
and $M$, see `information.lse_thermodynamics`. Equality in the upper bound $M + \varepsilon\log(k + l)$ or in the
lower one needs $k = m$; in the middle one, that all other scores tie at the gap.
"""

from dltsym import Break, Scope, derive, exp, log, value

v = Scope()
k = v.count("k", "number of maximisers")
l = v.integer("l", "number of other scores", lo=0)
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
M = v.real("M", "largest score")
D = v.pos("D", "gap to the next score")
r = v.array("r", l, "scores that are not maximal")
i = v.index("i", l)
rest = v.sum(lambda j: exp(r[j] / eps), l)
Z = v.let("Z", k * exp(M / eps) + rest, "partition function")
L = v.let("L", eps * log(Z), "log-sum-exp")
x = exp(-D / eps)

theorem = v.theorem(
    title="Sandwich of log-sum-exp with counted maximisers",
    cite=("boyd2004", "Section 3.1.5"),
    given=r[i] <= M - D,
    claim=[M + eps * log(k) <= L, M + eps * log(k + l * x) >= L, M + eps * log(k + l * x) <= M + eps * log(k + l)],
    proof=[
        derive(rest).ge(0, "a sum of exponentials").named("positive rest"),
        derive(rest)
        .le(v.sum(lambda j: exp((M - D) / eps), l), "term by term", hint="termwise")
        .eq(l * exp(M / eps) * x, "equal terms")
        .named("small rest"),
        derive(M + eps * log(k)).eq(eps * log(k * exp(M / eps)), "log of a product").le(L, by="positive rest"),
        derive(L)
        .le(eps * log(k * exp(M / eps) + l * exp(M / eps) * x), "log is increasing", by="small rest")
        .eq(M + eps * log(k + l * x), "log of a product"),
        derive(x).le(1, "a negative exponent").named("x <= 1"),
        derive(M + eps * log(k + l * x)).le(M + eps * log(k + l), "log is increasing", by="x <= 1"),
    ],
    tight={l: 0},
    outputs={"lse": L, "lower": M + eps * log(k), "upper": M + eps * log(k + l * x), "crude": M + eps * log(k + l)},
    values=[
        value("1.37989191409496", "scores 1, 1, 0, -2", of="lse", k=2, l=2, M=1, D=1, eps="0.5", r=[0, -2]),
        value("1.34657359027997", "scores 1, 1, 0, -2", of="lower", k=2, l=2, M=1, D=1, eps="0.5", r=[0, -2]),
        value("1.69314718055995", "scores 1, 1, 0, -2", of="crude", k=2, l=2, M=1, D=1, eps="0.5", r=[0, -2]),
        value("1.06931471805599", "scores 1, 1, 0, -2", of="lower", k=2, l=2, M=1, D=1, eps="0.1", r=[0, -2]),
        value("1.06931698802672", "scores 1, 1, 0, -2", of="lse", k=2, l=2, M=1, D=1, eps="0.1", r=[0, -2]),
    ],
    breaks=[Break({"k": 1, "l": 1, "M": 0, "D": 1, "eps": 1, "r": [0]}, "a maximiser that is not counted", part=1)],
)
