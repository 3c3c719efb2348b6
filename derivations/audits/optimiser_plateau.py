r"""A bound printed as 100 % because the search started on a plateau.

The tables of a paper on compression bounds contain 21 cells of 100 % among 111, although the same formula has values
below 1. The search passes an interval to a routine that takes it for a bracket, and Brent's method stops where the
clipped bound is constant. One value of $\lambda$ is enough to show it: on row 9, $\lambda = e^{8.8343}$ gives 0.8625.
The other cells are right.
"""

from fractions import Fraction

from dltsym import Scope, exp, log, value

v = Scope()
n = v.count("n", "training examples")
q, bits = v.prob("q", "empirical risk"), v.pos("bits", "length of the message")
g = v.nonneg("g", "logarithm of lambda")
al, dlt = v.pos("al", "step of the grid", latex=r"\alpha"), v.prob("dlt", "failure probability", open=True)
printed = v.prob("printed", "cell of the table")
x = v.let("x", q + (1 + al) * exp(-g) * (bits * log(2) + log(1 / dlt) + 2 * log(2 + g / log(1 + al))), "tilted risk")
a = v.let("a", exp(g) / n, "lambda / n")
B = v.let("B", (1 - exp(-a * x)) / (1 - exp(-a)), "Catoni's bound at this lambda")
row = {
    "n": 12000, "q": "0.7797500044107437", "bits": "398.1624011638499", "al": Fraction(1, 10**4),
    "dlt": "0.05", "g": "8.83426855", "printed": 1,
}  # fmt: skip

audit = v.audit(
    title="A cell of 100 % whose formula gives 86 %",
    source=("lotfi2022", "public result tables, row 9 of rot_mnist"),
    prints="error at most 100 %, the least value of the bound over lambda",
    claim=printed <= B,
    at=row,
    verdict="refuted",
    corrected="0.862539604881 is the least value; the inverse of relative entropy gives 0.860420290717.",
    outputs={"bound": B},
    values=[value("0.8625396049", "row 9 at a good lambda", of="bound", digits=10, **row)],
    see=("pac_bayes.catoni_grid", "pac_bayes.seeger_maurer", "pac_bayes.vacuity"),
)
