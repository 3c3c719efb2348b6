r"""The targets of the printed Sinkhorn attention never enter.

The vector $a$ is updated in every pass and read in none. So two different starts of $a$ give the same matrix, and no
target of the rows can be asked for; the factor $n$ between a plan and attention weights is missing as well.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
first, second = v.real("first", "first row sum, a = 1/4"), v.real("second", "first row sum, a = (7, 1, 1, 1)/10")


def fixture(m):
    """Run two passes of the printed loop, the vector a included, from two starts of a."""
    size, guard = range(4), m.number(1e-8)
    K = [[m.exp(m.sin(m.number((i + 1) * (j + 2)))) for j in size] for i in size]

    def loop(a):
        b = [m.number(Fraction(1, 4))] * 4
        u = w = b
        for _ in range(2):
            u = [1 / (sum(K[i][j] * b[j] for j in size) + guard) for i in size]
            a = [x * y for x, y in zip(a, u, strict=True)]
            w = [1 / (sum(K[i][j] * u[i] for i in size) + guard) for j in size]
            b = [x * y for x, y in zip(b, w, strict=True)]
        return sum(u[0] * K[0][j] * w[j] for j in size)

    return {
        "first": loop([m.number(Fraction(1, 4))] * 4),
        "second": loop([m.number(Fraction(k, 10)) for k in (7, 1, 1, 1)]),
    }


audit = v.audit(
    title="The printed Sinkhorn attention ignores its targets",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="a and b are the marginals of the plan, updated until both hold",
    claim=(first - second) ** 2 >= Fraction(1, 10**6),
    at={},
    fixture=fixture,
    verdict="refuted",
    corrected="Scale by the targets: u = a/(K w), w = b/(K^T u); attention weights are n times the plan for equal a.",
    outputs={"difference": first - second},
    values=[value("0", "the vector a is never read", of="difference", digits=12)],
    see=("attention.sinkhorn",),
)
