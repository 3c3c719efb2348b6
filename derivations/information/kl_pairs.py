r"""The relative entropy of independent pairs is twice that of one member.

A loss of two independent draws from a posterior, such as the disagreement of two voters, is a loss of one draw from
the product law; its price against the product of the prior is doubled.
"""

from dltsym import Eq, Scope, derive, log, value

v = Scope()
n = v.count("n", "number of outcomes")
P, Q = (v.array(name, n, "probabilities", lo=0, lo_open=True) for name in "PQ")
single = v.sum(lambda i: Q[i] * log(Q[i] / P[i]), n)
pairs = v.sum(lambda i, j: Q[i] * Q[j] * (log(Q[i] / P[i]) + log(Q[j] / P[j])), n, n)
i, j = v.index("i", n), v.index("j", n)

theorem = v.theorem(
    title="Relative entropy of pairs",
    cite=("cover2006", "Theorem 2.5.3, chain rule"),
    given=Eq(v.sum(lambda i: Q[i], n), 1),
    claim=[
        Eq(log(Q[i] * Q[j] / (P[i] * P[j])), log(Q[i] / P[i]) + log(Q[j] / P[j])),
        Eq(pairs, 2 * single),
    ],
    proof=derive(pairs).eq(2 * single, "each factor has mass 1"),
    outputs={"single": single, "pairs": pairs},
    values=[
        value(
            "0.143841036225890", "(1/2, 1/2) against (1/4, 3/4)", of="single", n=2, Q=["1/2", "1/2"], P=["1/4", "3/4"]
        ),
        value("0.287682072451781", "twice that", of="pairs", n=2, Q=["1/2", "1/2"], P=["1/4", "3/4"]),
    ],
)
