r"""Sinkhorn attention: both marginals of the plan are asked for, the column one at a price.

From $v = 0$, a row step makes the rows of the plan right and a column step its columns, or, at a finite price $\rho$,
goes a part $\kappa = \rho/(\rho + \varepsilon)$ of the way. Half-steps are counted: the first one alone is softmax
attention with prior $b$, so that attention is half an iteration, not one. The last step is a row step, which keeps
every output an average of values. The kernel is $T$ half-steps, written out; marginals are given as log weights and
made to sum to 1.
"""

from sympy import oo

from dltsym import Eq, Operator, Scope, cases_, exp, log
from dltsym.relations import transport_average

w = Scope()
n, m = w.count("n", "number of queries"), w.count("m", "number of keys")
d, dv = w.count("d", "length of a query"), w.count("dv", "length of a value")
q, k, v = w.array("q", (n, d), "queries"), w.array("k", (m, d), "keys"), w.array("v", (m, dv), "values")
eps = w.pos("eps", "temperature", latex=r"\varepsilon")
la, lb = w.array("la", n, "log weight of a query"), w.array("lb", m, "log weight of a key")
rho = w.nonneg("rho", "price of leaving the column marginal", latex=r"\rho")
i, j, c = w.index("i", n), w.index("j", m), w.index("c", dv)
S, u, x = w.array("S", (n, m), "scores"), w.array("u", n, "potential of rows"), w.array("x", m, "potential of columns")
a, b = w.array("a", n, "mass of a row", lo=0, lo_open=True), w.array("b", m, "mass of a column", lo=0, lo_open=True)
L = w.real("L", "log-sum-exp of a column")

row_sum = w.sum(lambda s: b[s] * exp(S[i, s] / eps + x[s]), m)
column_sum = w.sum(lambda r: a[r] * exp(S[r, j] / eps + u[r]), n)
damped = -rho / (rho + eps) * L


def statement(T, marginal, causal):
    kappa = rho / (rho + eps) if marginal == "relaxed" else 1

    def term(r, s, hidden, potential):
        score = exp(w.sum(lambda e: q[r, e] * k[s, e], d) / eps + potential)
        return cases_((hidden <= -oo, 0), *[(s > r + m - n, 0)] * causal, score)

    def row(r, t):
        total = w.sum(lambda s: term(r, s, lb[s], lb[s] + column(s, t - 1)), m)
        return log(w.sum(lambda s: exp(lb[s]), m)) - log(total)

    def sums(s, t):
        total = w.sum(lambda r: term(r, s, la[r], la[r] + row(r, t)), n)
        return log(total) - log(w.sum(lambda r: exp(la[r]), n))

    def column(s, t):
        return -kappa * sums(s, t - 1) if t > 0 else 0

    def weight(s):
        return term(i, s, lb[s], lb[s] + column(s, T - 1))

    out = w.sum(lambda s: weight(s) * v[s, c], m) / w.sum(weight, m)
    mass = exp(lb[j] + column(j, T - 1) + sums(j, T)) / w.sum(lambda s: exp(lb[s]), m)
    return {"o": out, "row": row(i, T), "column": cases_((j > m, 1), column(j, T - 1)), "mass": mass}


theorem = w.theorem(
    title="Sinkhorn attention",
    cite=("sander2022", "Section 3; half-steps and damping are written out here"),
    claim=[
        Eq(w.sum(lambda s: b[s] * exp(S[i, s] / eps - log(row_sum) + x[s]), m), 1),
        Eq(w.sum(lambda r: a[r] * b[j] * exp(S[r, j] / eps + u[r] - log(column_sum)), n), b[j]),
        Eq(-rho / eps * (damped + L), damped),
    ],
    kind="identity",
    operator=Operator(
        statement,
        axes={"o": "i c", "row": "i", "column": "j", "mass": "j"},
        modes={"T": (3, 1, 5), "marginal": ("balanced", "relaxed"), "causal": (False, True)},
        absent={"la": 0.0, "lb": 0.0},
        grads=("q", "k", "v", "eps", "la", "lb"),
        weights=("la", "lb"),
        relations=transport_average(("q", "k", "v"), "eps", ("la", "lb"), ("o", "row", "column", "mass")),
    ),
)
