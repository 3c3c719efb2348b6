r"""Every softmax weight at high temperature, and how the distance from uniform starts.

Scores that vary by at most $R$ keep every weight between those of the two extreme cases, one key apart from all
others by $R$. In $\beta = 1/\varepsilon$ the relative entropy to the uniform law has the derivative
$\beta\,\mathrm{Var}$ and the variance has that of the third central moment, so that at $\beta = 0$ it starts as
$\beta^2\mathrm{Var}/2 + \beta^3\kappa_3/3$ with cumulants under the uniform law.
"""

from dltsym import Break, Eq, Scope, delta, derive, diff, exp, log, value

v = Scope()
m = v.count("m", "number of keys")
eps, be = v.pos("eps", "temperature", latex=r"\varepsilon"), v.real("be", "inverse temperature", latex=r"\beta")
s = v.array("s", m, "scores")
A, R = v.real("A", "lower bound of the scores"), v.pos("R", "bound on their range")
i, a = v.index("i", m), v.index("a", m)
Z = v.let("Z", v.sum(lambda j: exp(s[j] / eps), m), "partition function")
p = exp(s[a] / eps) / Z


def tilted(f):
    """Return the mean of f under softmax at inverse temperature be."""
    return v.sum(lambda j: exp(be * s[j]) * f(j), m) / v.sum(lambda j: exp(be * s[j]), m)


def moment(k):
    return tilted(lambda j: (s[j] - tilted(lambda c: s[c])) ** k)


def others(bound):
    return v.sum(lambda j: delta(a, j) * exp(s[j] / eps) + (1 - delta(a, j)) * exp(bound / eps), m)


def alone(bound):
    return exp(s[a] / eps) + (m - 1) * exp(bound / eps)


divergence = be * tilted(lambda j: s[j]) + log(m) - log(v.sum(lambda j: exp(be * s[j]), m))
theorem = v.theorem(
    title="Weights of softmax at high temperature",
    cite=("boyd2004", "Section 3.1.5 for log-sum-exp; bounds and series are derived here"),
    given=[s[i] >= A, s[i] <= A + R],
    claim=[
        p <= exp(R / eps) / (exp(R / eps) + m - 1),
        p >= exp(-R / eps) / (exp(-R / eps) + m - 1),
        Eq(diff(divergence, be), be * moment(2)),
        Eq(diff(moment(2), be), moment(3)),
    ],
    proof=[
        derive(Z).ge(others(A), "all others at least A", hint="termwise").eq(alone(A), "count").named("low"),
        derive(Z).le(others(A + R), "at most A + R", hint="termwise").eq(alone(A + R), "count").named("high"),
        derive(p)
        .le(exp(s[a] / eps) / alone(A), "the other keys", by="low")
        .le(exp(R / eps) / (exp(R / eps) + m - 1), "the score is at most A + R"),
        derive(p)
        .ge(exp(s[a] / eps) / alone(A + R), "the other keys", by="high")
        .ge(exp(-R / eps) / (exp(-R / eps) + m - 1), "the score is at least A"),
    ],
    outputs={"p": p, "upper": exp(R / eps) / (exp(R / eps) + m - 1)},
    values=[
        value("0.666666666667", "2/3, attained", of=name, m=3, eps=1, a=1, s=["log(4)", 0, 0], A=0, R="log(4)")
        for name in ("p", "upper")
    ],
    breaks=[Break({"m": 2, "eps": 1, "s": [4, 0], "A": 0, "R": 1, "a": 1, "be": 0}, "a score outside the range")],
)
