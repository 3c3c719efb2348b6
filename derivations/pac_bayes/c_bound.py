r"""The C-bound: a majority vote may be better than its voters.

Let $y$ be the margin of the vote, of mean $\mu_1 = 1 - 2R$ and mean square $\mu_2 = 1 - 2d$, for Gibbs risk $R < 1/2$
and expected disagreement $d$ of two voters. The vote errs only where $y \le 0$, and there $(1 - ty)^2 \ge 1$ for
every $t \ge 0$; at $t = \mu_1/\mu_2$ the mean of this square is $1 - \mu_1^2/\mu_2$: Cantelli's inequality, an
equality for margins with two values, one of them 0. With $R = e + d/2$ it grows in $d$ up to $d = 2e$ and falls after
it. Markov's inequality gives $2R$. In the empirical forms $R$ and $d$ are replaced by inverses of kl. Disagreement is
a loss of pairs of voters, and the relative entropy of pairs is $2\,\mathrm{KL}$ (`information.kl_pairs`). For $R \ge
1/2$ there is no bound below 1, and $\hat d > 2\hat R(1 - \hat R)$ is impossible data. The joint forms are in
`pac_bayes.c_bound_joint`.
"""

from dltsym import Bound, Break, Eq, Scope, derive, diff, value

v = Scope()
n, M = v.count("n", "training examples, i.i.d."), v.count("M", "number of outcomes")
w, y = v.array("w", M, "probabilities of the outcomes", lo=0), v.array("y", M, "margin of the vote", lo=-1, hi=1)
b = v.array("b", M, "1 where the vote errs, else 0", lo=0, hi=1)
m1, m2 = v.pos("m1", "mean margin, 1 - 2R", latex=r"\mu_1"), v.pos("m2", "mean square, 1 - 2d", latex=r"\mu_2")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s, z = v.prob("s", "empirical Gibbs risk", latex=r"\hat R"), v.prob("z", "empirical disagreement", latex=r"\hat d")
R, e = v.prob("R", "Gibbs risk"), v.prob("e", "probability that two voters both err")
d = v.real("d", "disagreement", lo=0, hi=v.read("1/2"), hi_open=True)
i = v.index("i", M)
t = m1 / m2
error = v.sum(lambda j: w[j] * b[j], M)


def empirical(m, n, D, dlt, s, z):
    """Bound the risk of the vote by twice the Gibbs risk, and by the C-bound at two inverses of kl."""
    x, total = [m.number(0)], m.number(0)
    for k in range(1, n + 1):
        total = total + m.log(k)
        x.append(k * m.log(k) - total)
    xi = m.log(m.sum(m.exp(x[k] + x[n - k] - x[n]) for k in range(n + 1))) - m.log(dlt)
    risk = m.min(m.number("1/2"), m.kl_upper(s, (D + xi + m.log(2)) / n))  # at 1/2 the C-bound is 1
    apart = m.kl_lower(z, (2 * D + xi + m.log(2)) / n)
    twice = 2 * m.min(m.number("1/2"), m.kl_upper(s, (D + xi) / n))
    return {"twice": twice, "separate": 1 - (1 - 2 * risk) ** 2 / (1 - 2 * apart)}


def certificate(of, *events):
    return Bound(
        of=of, units={"n": "i.i.d. example"}, about="majority vote", holds_for="all posteriors",
        before=("prior", "loss"), events=events, emp_risk="s", complexity="D", falls=("z",) if of == "separate" else (),
    )  # fmt: skip


at = {"n": 1000, "D": 2, "dlt": "0.05", "s": "0.2", "z": "0.3"}
theorem = v.theorem(
    title="C-bound for the majority vote",
    cite=("germain2015", "the C-bound and its empirical forms 0 and 1; numbers not confirmed"),
    given=[Eq(v.sum(lambda j: w[j], M), 1), v.sum(lambda j: w[j] * y[j], M) >= m1,
        v.sum(lambda j: w[j] * y[j] ** 2, M) <= m2, b[i] * y[i] <= 0],
    claim=[error <= 1 - m1**2 / m2, error <= 1 - m1, Eq(diff(1 - (1 - 2 * e - d) ** 2 / (1 - 2 * d), d),
        2 * (1 - 2 * e - d) * (2 * e - d) / (1 - 2 * d) ** 2)],
    proof=[derive(b[i]).le((1 - t * y[i]) ** 2, "at least 1 where the vote errs", hint="sos").named("square"),
        derive(error).le(v.sum(lambda j: w[j] * (1 - t * y[j]) ** 2, M), "outcome by outcome", by="square",
        hint="termwise").eq(1 - 2 * t * v.sum(lambda j: w[j] * y[j], M) + t**2 * v.sum(lambda j: w[j] * y[j] ** 2, M),
        "expand").le(1 - m1**2 / m2, "mean and mean square"), derive(error).le(v.sum(lambda j: w[j] * (1 - y[j]), M),
        "Markov", hint="termwise").eq(1 - v.sum(lambda j: w[j] * y[j], M), "mass 1").le(1 - m1, "mean")],
    outputs={"vote": 1 - (1 - 2 * R) ** 2 / (1 - 2 * d)}, algorithm=empirical, computes=("twice", "separate"),
    bound=[certificate("twice", ("Gibbs risk", "dlt")),
        certificate("separate", ("Gibbs risk", "dlt/2"), ("disagreement", "dlt/2"))],
    breaks=[Break({"M": 1, "w": [1], "b": [1], "y": [1], "m1": 1, "m2": 1}, "an error at a positive margin")],
    values=[value("0.5120518557", "public code, bound 0", of="twice", **at),
        value("0.5605437258", "public code, bound 1", of="separate", **at),
        value("0.1", "1 - 0.36/0.4, R = 0.2 and d = 0.3", of="vote", R="0.2", d="0.3")],
)  # fmt: skip
