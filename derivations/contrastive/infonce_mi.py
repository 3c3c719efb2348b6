r"""InfoNCE never exceeds the mutual information.

For any $T > 0$, $I \ge E\log T - E_{\otimes}T + 1$, where the second mean is over independent pairs, because $\log u
\le u - 1$. Take $T = e^{f(x, y_1)} / \frac1K\sum_j e^{f(x, y_j)}$ with the negatives $y_2, \dots$ drawn apart from
$(x, y_1)$, the context: its law cancels in $I$. Under independence all $K$ positions are alike, and their terms sum
to $K$ (`contrastive.infonce_cap`, which has the cap $\log K$), so that $E_\otimes T = 1$ exactly. The best critic is
$\log p(y \mid x)/p(y)$ up to a function of $x$; for a uniform bit $y$ and $K = 2$ it gives $I/2$. If the positive is
left out of the denominator the cap fails; if negatives depend on the pair, the rest does. The paper proves the case
of the best critic.
"""

from dltsym import Eq, Scope, derive, log, premise, thm, value

v = Scope()
K = v.count("K", "batch size")
n, m = v.count("n", "outcomes of a pair with its context"), v.count("m", "values of x")
p = v.array("p", n, "their probabilities", lo=0, lo_open=True)
u = v.array("u", n, "their probabilities for an independent pair", lo=0, lo_open=True)
T = v.array("T", n, "any positive function of a pair and its context", lo=0, lo_open=True)
z = v.index("z", n)
q = v.array("q", (m, 2), "joint probabilities of x and a binary y", lo=0)
e = v.array("e", (m, 2), "exponentials of the critic", lo=0)
nce, info = v.real("nce", "expected estimate", unit="nat"), v.nonneg("info", "mutual information", unit="nat")


mutual = v.sum(lambda z: p[z] * log(p[z] / u[z]), n)
apart, paired = v.sum(lambda z: u[z] * T[z], n), v.sum(lambda z: p[z] * log(T[z]), n)


def enumerate_batches(m, q, e, K):
    """Average over all batches: of K - 1 further letters of a binary y only the number of ones counts."""
    letters, alike = (0, 1), [m.sum(col) for col in zip(*q, strict=True)]
    rows = [m.sum(row) for row in q]
    nce, chosen = m.number(0), 1
    for ones in range(K):
        weight = chosen * alike[1] ** ones * alike[0] ** (K - 1 - ones)
        for row, f in zip(q, e, strict=True):
            mass = [(f[y] + ones * f[1] + (K - 1 - ones) * f[0]) / K for y in letters]
            nce += weight * m.sum(row[y] * m.log(f[y] / mass[y]) for y in letters)
        chosen = chosen * (K - 1 - ones) // (ones + 1)
    info = m.sum(q[x][y] * m.log(q[x][y] / (rows[x] * alike[y])) for x in range(len(q)) for y in letters)
    return {"nce": nce, "info": info}


A, B = (("0.45", "0.05"), ("0.05", "0.45")), (("0.4", "0.2"), ("0.1", "0.3"))
best, other = ((9, 1), (1, 9)), ((3, 1), (1, 2))
theorem = v.theorem(
    title="InfoNCE is at most the mutual information", cite=("oord2018", "Section 2.3 and appendix"),
    given=[
        Eq(v.sum(lambda z: p[z], n), 1),
        premise("exchangeable", Eq(apart, 1), ("poole2019", "Section 2.3"), "K like positions, whose terms sum to K"),
    ],
    claim=paired <= mutual,
    proof=[
        derive(p[z] * log(u[z] * T[z] / p[z]))
        .le(p[z] * (u[z] * T[z] / p[z] - 1), "log t <= t - 1", by=thm("information.log_bound", t=u[z] * T[z] / p[z]))
        .eq(u[z] * T[z] - p[z], "multiply out").named("one outcome"),
        derive(paired - mutual)
        .eq(v.sum(lambda z: p[z] * log(u[z] * T[z] / p[z]), n), "one logarithm")
        .le(v.sum(lambda z: u[z] * T[z] - p[z], n), "outcome by outcome", by="one outcome", hint="termwise")
        .eq(apart - 1, "mass 1").eq(0, "exchangeable positions", by="exchangeable").named("any T"),
        derive(paired).le(mutual, by="any T"),
    ],
    kind="upper bound", algorithm=enumerate_batches, computes=("nce", "info"),
    also=[("poole2019", "Section 2.3")],
    values=[
        value("0.36806420716850", "joint A", of="info", K=2, q=A, e=best),
        value("0.086304621735534", "joint B", of="info", K=2, q=B, e=((8, 4), (2, 6))),
        *(value(number, what, of="nce", K=size, q=joint, e=critic) for number, what, size, joint, critic in [
            ("0.1840321035842", "joint A", 2, A, best), ("0.2809147420199", "joint A", 4, A, best),
            ("0.3263334913847", "joint A", 8, A, best), ("0.3476481030987", "joint A", 16, A, best),
            ("0.1284928084093", "another critic", 2, A, other), ("0.1940861964599", "the same", 4, A, other),
            ("0.04315231086777", "joint B, best critic: half of I", 2, B, ((8, 4), (2, 6))),
            ("0.05775877014794", "joint B, best critic", 3, B, ((8, 4), (2, 6))),
        ]),
    ],
)  # fmt: skip
