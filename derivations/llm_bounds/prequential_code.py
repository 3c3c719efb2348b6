r"""The code length of a model that is learned as its data are coded.

Whoever knows the learner can code the data and with it the model: token $k$ costs the risk $R_k$ of the learner after
$k$ tokens, and against a model known from the start the extra length is at most $\sum_k (R_k - R_D)$. For a loss law
$R_k = R_\infty + Bk^{-\beta}$ with $0 < \beta < 1$ that sum lies between $\frac{B\beta}{1-\beta}D^{1-\beta}$ and this
less $\frac{B}{1-\beta}$, because $k^{-\beta}$ lies between neighbouring differences of $k^{1-\beta}/(1-\beta)$. Per
token the complexity falls like $D^{-\beta}$, where counting parameters is constant on the frontier; `crossing` is
where the two meet. A law fitted on other data is no certificate. For $\beta \ge 1$ the sum converges and the formula
is wrong.
"""

from dltsym import Scope, derive, log, premise, thm, value

v = Scope()
D = v.count("D", "tokens")
B, be = (
    v.pos("B", "scale of the loss law", unit="nat"),
    v.prob("be", "exponent of the loss law", open=True, latex=r"\beta"),
)
length = v.real("L", "extra code length", unit="nat")
N, rho, b = (
    v.pos("N", "parameters"),
    v.pos("rho", "tokens per parameter", latex=r"\rho"),
    v.pos("b", "bits per parameter"),
)


def primitive(k):
    return k ** (1 - be) / (1 - be)


law = v.sum(lambda j: j ** (-be), (1, D))
extra = v.sum(lambda j: B * (j ** (-be) - D ** (-be)), (1, D))
closed = v.let("A", B * be / (1 - be) * D ** (1 - be), "closed form", unit="nat")
per_token = B * be / (1 - be) * (rho * N) ** (-be)

crossing = (per_token / (b * log(2) / rho) * N**be) ** (1 / be)
theorem = v.theorem(
    title="Prequential code length under a power law",
    cite=("finzi2025", "Equation (6); number second-hand"),
    given=premise("code", length <= extra, ("finzi2025", "telescoping code length"), "by the learner so far"),
    claim=[length <= closed, extra >= closed - B / (1 - be)],
    proof=[
        derive(length)
        .le(extra, "code", by="code")
        .eq(B * law - B * D ** (1 - be), "constant terms")
        .le(B * primitive(D) - B * D ** (1 - be), "the sum", by=thm("information.power_sum", 0))
        .eq(closed, "collect"),
        derive(extra)
        .eq(B * law - B * D ** (1 - be), "constant terms")
        .ge(B * (primitive(D) - primitive(1)) - B * D ** (1 - be), "the sum", by=thm("information.power_sum", 1))
        .eq(closed - B / (1 - be), "collect"),
    ],
    outputs={"length": closed, "per_token": per_token, "crossing": crossing},
    values=[
        value(number, "20 tokens per parameter", of="per_token", B=scale, be=power, N=size, rho=20)
        for number, scale, power, size in [
            ("0.2675976894", "410.7", "0.28", 410000000), ("0.1039659413", "410.7", "0.28", 12000000000),
            ("0.2842758541", "2085.43", "0.3658", 410000000), ("0.08266692971", "2085.43", "0.3658", 12000000000),
        ]
    ]
    + [
        value(number, "3 bits per parameter", of="crossing", B=scale, be=power, rho=20, b=3, N=1, digits=8)
        for number, scale, power in [("11997471000", "410.7", "0.28"), ("6411247700", "2085.43", "0.3658")]
    ],
)  # fmt: skip
