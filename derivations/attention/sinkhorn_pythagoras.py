r"""Every half step of Sinkhorn's iteration makes an exact, known progress.

A row step multiplies row $i$ by $a_i/r_i$, with $r$ the row sums before it. The relative entropy (generalised, with
the difference of the masses) of any plan with row sums $a$ to the iterate then falls by exactly that of $a$ to $r$;
likewise for columns. So the entropy of the marginals is a lower bound of the distance to the solution, a step makes
no progress only where its marginal is already right, and progress adds up (`attention.sinkhorn_progress`). For iterates
that are not normalised the ordinary relative entropy obeys no such law.
"""

from dltsym import Eq, Scope, exp, log, value, xlogx

v = Scope()
n, m = v.count("n", "number of rows"), v.count("m", "number of columns")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
S = v.array("S", (n, m), "scores")
Q, P = v.array("Q", (n, m), "solution", lo=0, latex="P^*"), v.array("P", (n, m), "iterate", lo=0, lo_open=True)
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
i, j = v.index("i", n), v.index("j", m)


def kl(p, q):
    return xlogx(p) - p * log(q) - p + q


def row(r):
    return v.sum(lambda s: P[r, s], m)


def col(s):
    return v.sum(lambda r: P[r, s], n)


def far(X):
    return v.sum(lambda r, s: kl(Q[r, s], X(r, s)), n, m)


def soft(r, s):
    return a[r] * b[s] * exp(S[r, s] / eps) / v.sum(lambda t: b[t] * exp(S[r, t] / eps), m)


sines = {
    "n": 4,
    "m": 6,
    "S": [[f"sin({(r + 1) * (c + 2)})" for c in range(6)] for r in range(4)],
    "a": ["1/4"] * 4,
    "b": ["1/6"] * 6,
}

theorem = v.theorem(
    title="Pythagoras for Sinkhorn's half steps",
    cite=("chizat2018", "information projections; number not confirmed, derived here"),
    given=[Eq(a[i], v.sum(lambda s: Q[i, s], m)), Eq(b[j], v.sum(lambda r: Q[r, j], n))],
    claim=[
        Eq(far(lambda r, s: P[r, s]), far(lambda r, s: P[r, s] * a[r] / row(r)) + v.sum(lambda r: kl(a[r], row(r)), n)),
        Eq(far(lambda r, s: P[r, s]), far(lambda r, s: P[r, s] * b[s] / col(s)) + v.sum(lambda s: kl(b[s], col(s)), m)),
    ],
    outputs={"progress": v.sum(lambda s: kl(b[s], v.sum(lambda r: soft(r, s), n)), m)},
    values=[
        value(number, "S(4, 6), after the first row step", of=of, eps=at, **sines)
        for of, at, number in [
            ("progress", "0.5", "0.275438042400017"),
            ("progress", 1, "0.0770274595843905"),
        ]
    ],
)  # fmt: skip
