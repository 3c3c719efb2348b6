r"""InfoNCE in the form that does not cancel.

The loss of a pair is the log-sum-exp of its row minus its own score. When the pair is well separated both are large
and nearly equal, and their difference has no digits left. Taking the own score out of the sum first gives the
softplus of the gap between the log-sum-exp of the other scores and the own one: the same number, with full relative
precision, and $1 - p_{ii}$ is the sigmoid of that gap. It also shows at once that the loss is not negative. The
symmetric loss of a pair is the mean of the losses of its row and of its column.
"""

from dltsym import Eq, Ne, Operator, Scope, cases_, derive, exp, log, softplus
from dltsym.relations import euler, permuted, rotated, swapped

v = Scope()
N = v.count("N", "number of pairs")
d = v.count("d", "dimension")
x = v.array("x", (N, d), "embeddings")
y = v.array("y", (N, d), "embeddings of their partners")
T = v.pos("T", "logit scale, 1 / temperature")
i = v.index("i", N)
F = v.array("F", (N, N), "scores, row against column")


def Z(r, c):
    return T * v.sum(lambda k: x[r, k] * y[c, k], d)


def row(r):
    return log(v.sum(lambda j: exp(Z(r, j)), N)) - Z(r, r)


def column(c):
    return log(v.sum(lambda j: exp(Z(j, c)), N)) - Z(c, c)


def gap_form(score):
    return lambda r: softplus(log(v.sum(lambda j: cases_((Ne(j, r), exp(score(r, j))), 0), N)) - score(r, r))


def loss_of(of_row, of_column):
    def statement(loss):
        def pair(r):
            return (of_row(r) + of_column(r)) / 2 if loss == "symmetric" else of_row(r)

        return {"loss": v.sum(pair, N) / N, "rows": pair(i)}

    return statement


total = v.sum(lambda j: exp(F[i, j]), N)
others = total - exp(F[i, i])
loss_of_row = log(total) - F[i, i]

theorem = v.theorem(
    title="InfoNCE as the softplus of a gap",
    cite=("oord2018", "Section 2.2, the loss; the form is derived here"),
    claim=[Eq(exp(loss_of_row), 1 + others * exp(-F[i, i])), loss_of_row >= 0],
    proof=[
        derive(exp(F[i, i])).le(total, "one term of a positive sum", hint="termwise").named("one"),
        derive(exp(loss_of_row)).eq(1 + others * exp(-F[i, i]), "divide by the own exponential"),
        derive(loss_of_row).ge(0, "the sum is at least one of its terms", by="one"),
    ],
    kind="identity",
    operator=Operator(
        loss_of(row, column),
        axes={"loss": "", "rows": "i"},
        modes={"loss": ("symmetric", "one_sided")},
        grads=("x", "y", "T"),
        relations=(
            swapped("x", "y", when=lambda x, m: m.get("loss") != "one_sided"),
            permuted({"x": -2, "y": -2}, {"rows": -1}),
            rotated(("x", "y")),
            euler({"x": 1, "y": -1}),
            euler({"x": 1, "T": -1}),
        ),
        forms={"off_diagonal": loss_of(gap_form(Z), gap_form(lambda c, r: Z(r, c)))},
    ),
)
