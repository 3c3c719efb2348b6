r"""A row with every key masked has no softmax.

The prior problem has no feasible point when every prior weight is zero: the quotient is $0/0$. Recent versions of a
widely used library return 0 for the output of such a row, older ones and the plain softmax return NaN, and whether
NaN would be right is disputed. A rule is needed, and so is a flag: with the rule 0 the row does not sum to 1, and the
output is no average of values.
"""

from dltsym import Eq, Scope, value

v = Scope()
n = v.count("n", "number of keys")
masked = v.real("masked", "sum of the weights of a fully masked row, with the rule 0")
partial = v.real("partial", "sum of the weights when one key is left")


def fixture(m, n):
    """Apply masked softmax with the rule that an empty row is 0."""

    def row(allowed):
        weights = [m.exp(m.number(j)) if keep else m.number(0) for j, keep in enumerate(allowed)]
        total = m.sum(weights)
        return m.sum(w / total for w in weights) if any(allowed) else m.number(0)

    n = int(n)
    return {"masked": row([False] * n), "partial": row([True] + [False] * (n - 1))}


audit = v.audit(
    title="Rows of attention sum to 1 unless everything is masked",
    source=("pytorch_sdpa", "scaled_dot_product_attention, issues 131060 and 131863; dispute in iree issue 24178"),
    prints="every row of the attention matrix sums to 1",
    claim=Eq(masked, 1),
    at={"n": 4},
    fixture=fixture,
    verdict="holds with correction",
    corrected="For rows with at least one allowed key. Define the empty row (0, and log-sum-exp minus infinity) and"
    " say so.",
    outputs={"masked": masked, "partial": partial},
    values=[
        value("0", "all keys masked", of="masked", digits=12),
        value("1", "one key left", of="partial", digits=12),
    ],
    see=("attention.kl_prior",),
)
