r"""Progress of Sinkhorn's iteration adds up: after $K$ column steps one column error is at most $\sqrt{2D_0/K}$.

Column step $k$ starts from a plan with column sums $c_k$. By `attention.sinkhorn_pythagoras` it brings the relative
entropy $F_k$ to the solution down by at least that of $b$ to $c_k$, and the row step after it cannot raise $F$ again.
The sum telescopes, so it stays below $D_0 = F_1$, and Pinsker's inequality turns each term into half the square of the
sum of absolute errors: with signs $\sigma_{kj}$ of $b_j - c_{kj}$ the error is $\sum_j\sigma_{kj}(b_j - c_{kj})$. A row
step before each column step makes the column sums add up to 1. The bound says how many steps suffice at worst; it is
far above what is seen, so stop on the error itself.
"""

from dltsym import Eq, Scope, derive, sqrt, thm, value, xlogx

v = Scope()
m, K = v.count("m", "number of columns"), v.count("K", "number of column steps")
b = v.array("b", m, "column target", lo=0, lo_open=True)
c = v.array("c", (K, m), "column sums before a step", lo=0, lo_open=True)
si = v.array("si", (K, m), "signs, or anything between", lo=-1, hi=1, latex=r"\sigma")
F = v.array("F", K + 1, "relative entropy of the solution to a plan", lo=0)
E = v.nonneg("E", "smallest error")
k = v.index("k", K)


def kl(k):
    """Return the relative entropy of the target to the column sums of step k."""
    return v.sum(lambda s: c[k, s] * xlogx(b[s] / c[k, s]), m)


def error(k):
    """Return the sum of signed errors of step k."""
    return v.sum(lambda s: si[k, s] * (b[s] - c[k, s]), m)


pinsker = thm("information.pinsker_tangent", p=lambda s: b[s], w=lambda s: c[k, s], e=lambda s: si[k, s], lam=E / 2)

theorem = v.theorem(
    title="Accumulated progress of Sinkhorn's column steps",
    cite=("chizat2018", "information projections; number not confirmed, derived here"),
    given=[
        Eq(v.sum(lambda s: b[s], m), 1),
        Eq(v.sum(lambda s: c[k, s], m), 1),
        F[k + 1] + kl(k) <= F[k],
        error(k) >= E,
    ],
    claim=sqrt(2 * F[1] / K) >= E,
    proof=[
        derive(E * (error(k) - E)).ge(0, "E is the smallest").named("smallest"),
        derive(E**2 / 2).le(2 * (E / 2) * error(k) - 2 * (E / 2) ** 2, by="smallest")
        .le(kl(k), "Pinsker's inequality", by=pinsker).le(F[k] - F[k + 1], "Pythagoras", hint="z3").named("step"),
        derive(K * E**2 / 2)
        .eq(v.sum(lambda t: E**2 / 2, K), "equal terms")
        .le(v.sum(lambda t: F[t] - F[t + 1], K), "step by step", by="step", hint="termwise")
        .eq(F[1] - F[K + 1], "the sum telescopes")
        .le(F[1], "relative entropy is not negative")
        .named("sum"),
        derive(E).eq(sqrt(E**2)).le(sqrt(2 * F[1] / K), by="sum"),
    ],
    outputs={"bound": sqrt(2 * F[1] / K)},
    values=[
        value("0.0748611725093", "S(4, 6), eps 1/2, 100 steps", of="bound", K=100, F=["0.280209757473368"] + [0] * 100),
    ],
)  # fmt: skip
