r"""The printed Sinkhorn attention is not Sinkhorn attention.

Balanced attention weights over a constant value vector must return that constant. The printed loop multiplies the
scalings into the marginals, a map of degree 2 whose scale error squares at every step, ends on a column scaling, and
never uses the targets. On a fixed $4 \times 4$ example its rows do not sum to 1; at the default $\varepsilon = 0.1$
they vanish. The fixture below is that loop, statement by statement, in ball arithmetic.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
eps = v.pos("eps", "regularisation", latex=r"\varepsilon")
y = [v.real(f"y{r}", f"output of row {r} for a constant value of 1") for r in range(1, 5)]
half = [v.real(f"half{r}", f"the same at half the regularisation, row {r}") for r in range(1, 5)]
tenth = v.real("tenth", "largest output at a tenth of the regularisation")


def fixture(m, eps):
    """Run the printed loop for ten iterations on Q_ik = sin(1+i+2k), K_jk = cos(j+3k), V = 1."""
    size, guard = range(4), m.number(1e-8)
    score = [
        [sum(m.sin(m.number(1 + i + 2 * k)) * m.cos(m.number(j + 3 * k)) for k in size) / 2 for j in size] for i in size
    ]

    def rows(eps):
        kernel = [[m.exp(score[i][j] / eps) for j in size] for i in size]
        b = [m.number(Fraction(1, 4))] * 4
        u = w = b
        for _ in range(10):
            u = [1 / (sum(kernel[i][j] * b[j] for j in size) + guard) for i in size]
            w = [1 / (sum(kernel[i][j] * u[i] for i in size) + guard) for j in size]
            b = [b[j] * w[j] for j in size]
        return [sum(u[i] * kernel[i][j] * w[j] for j in size) for i in size]

    one, two = rows(eps), rows(eps / 2)
    return (
        {f"y{i + 1}": one[i] for i in size} | {f"half{i + 1}": two[i] for i in size} | {"tenth": m.max(rows(eps / 10))}
    )


audit = v.audit(
    title="The printed Sinkhorn attention does not average its values",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="ten iterations of the function return full entropic-transport attention",
    claim=(y[0] - 1) ** 2 + (y[1] - 1) ** 2 + (y[2] - 1) ** 2 + (y[3] - 1) ** 2 <= Fraction(1, 10**6),
    at={"eps": 1},
    fixture=fixture,
    verdict="refuted",
    corrected="Standard attention is one row scaling, half an iteration, of the one-sided problem. Balanced attention "
    "alternates u = a/(K v) and v = b/(K^T u) in the log domain, ends on the step whose marginal must be exact, and "
    "returns n u K v V.",
    outputs={name.name: name for name in (*y, *half, tenth)},
    values=[
        value(number, "V = 1 must return 1", of=f"{name}{r}", digits=12)
        for name, numbers in [
            ("y", ("0.941227944157632", "0.877363167887771", "1.05912466644519", "1.12228422150941")),
            ("half", ("1.00235668947082", "0.697017896922212", "1.10615837120713", "1.19446704239983")),
        ]
        for r, number in enumerate(numbers, 1)
    ],
    see=("attention.one_sided_eot", "attention.sinkhorn"),
)
