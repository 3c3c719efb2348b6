r"""Why compute is no new complexity: what the refuted formula says on the compute-optimal frontier.

The formula of `llm_bounds.compute_as_complexity` has the term $(F/m + \log(2\sqrt F))/m$. Training costs $F = 6Nm$
FLOP, so $F/m$ is six times the number of parameters, and at $m = \rho N$ tokens the term exceeds $6/\rho$ by a
logarithm over $m$ that vanishes: the square root tends to $\sqrt{6/\rho}$, which no scale improves, and is always
above it.
"""

from dltsym import Eq, Scope, derive, log, sqrt, value

v = Scope()
F, N = v.pos("F", "training compute", unit="FLOP"), v.pos("N", "parameters")
m, rho = v.pos("m", "training tokens"), v.pos("rho", "tokens per parameter", latex=r"\rho")
x = v.real("x", "training compute, at least 1", lo=1)


def term(F, m):
    return (F / m + log(2 * sqrt(F))) / m


theorem = v.theorem(
    title="FLOP per token count parameters",
    cite=("hoffmann2022", "training compute of 6 N D FLOP; the rest is derived here"),
    given=[Eq(F, 6 * N * m), Eq(m, rho * N), Eq(x, F)],
    claim=[
        Eq(F / m, 6 * N),
        Eq(term(F, m) - 6 / rho, log(2 * sqrt(F)) / m),
        sqrt(term(x, m)) > sqrt(6 / rho),
        "limit(log(2*sqrt(6*m**2/rho))/m, m, oo) = 0",
    ],
    proof=[
        derive(term(x, m))
        .eq(6 / rho + log(2 * sqrt(x)) / m, "on the frontier")
        .gt(6 / rho, "log of more than 1")
        .named("more"),
        derive(sqrt(term(x, m))).gt(sqrt(6 / rho), "roots increase", by="more"),
    ],
    outputs={"limit": sqrt(6 / rho)},
    values=[value("0.54772255750517", "20 tokens per parameter", of="limit", rho=20)],
)
