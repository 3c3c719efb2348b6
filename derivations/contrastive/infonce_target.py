r"""InfoNCE of queries against a table of keys.

Each query names one key as its own. The loss is the log-sum-exp of all its scores minus the own score. Its exponential
is 1 plus the mass of the other keys over that of the own one, so that it is not negative, whatever the scores $F$ are.
The batch form, where query $i$ owns key $i$, is the square case of it.
"""

from dltsym import Eq, Ne, Operator, Scope, cases_, derive, exp, log, softplus, value
from dltsym.relations import euler, permuted, rotated

v = Scope(base=0)
N = v.count("N", "number of queries")
M = v.count("M", "number of keys")
d = v.count("d", "dimension")
x = v.array("x", (N, d), "queries")
y = v.array("y", (M, d), "keys")
T = v.pos("T", "logit scale, 1 / temperature")
t = v.array("t", N, "key of each query", lo=0, hi=M - 1, entries="integer")
i = v.index("i", N)
F = v.array("F", (N, M), "scores, query against key")
g = v.real("g", "log of the mass of the other keys over that of the own one")


def Z(r, c):
    return T * v.sum(lambda k: x[r, k] * y[c, k], d)


def row(r):
    return log(v.sum(lambda j: exp(Z(r, j)), M)) - Z(r, t[r])


def row_by_gap(r):
    others = v.sum(lambda j: cases_((Ne(j, t[r]), exp(Z(r, j))), 0), M)
    return softplus(log(others) - Z(r, t[r]))


def loss_of(of_row):
    return lambda: {"loss": v.sum(of_row, N) / N, "rows": of_row(i)}


total = v.sum(lambda j: exp(F[i, j]), M)
own = F[i, t[i]]
loss_of_row = log(total) - own

theorem = v.theorem(
    title="InfoNCE with targets",
    cite=("oord2018", "Section 2.2, the loss"),
    claim=[
        Eq(exp(loss_of_row), 1 + (total - exp(own)) * exp(-own)),
        loss_of_row >= 0,
        Eq(log(1 + exp(g)), softplus(g)),
    ],
    proof=[
        derive(exp(own)).le(total, "one term of a positive sum", hint="termwise").named("one"),
        derive(exp(loss_of_row)).eq(1 + (total - exp(own)) * exp(-own), "divide by the own exponential"),
        derive(loss_of_row).ge(0, "the sum is at least one of its terms", by="one"),
    ],
    kind="identity",
    outputs={"row": softplus(g)},
    values=[value("0.6931471805599453", "as much mass on the others", of="row", g=0)],
    operator=Operator(
        loss_of(row),
        axes={"loss": "", "rows": "i"},
        grads=("x", "y", "T"),
        relations=(
            permuted({"x": -2, "t": -1}, {"rows": -1}),
            rotated(("x", "y")),
            euler({"x": 1, "y": -1}),
            euler({"x": 1, "T": -1}),
        ),
        forms={"off_diagonal": loss_of(row_by_gap)},
    ),
)
