r"""Two quoted numbers for the loss variation do not fit together.

A quoted sum has $\Sigma\sqrt C \approx 1/30$ at $C \approx 1/9$, and a quoted fit $\Sigma \approx 0.27 + 8337
N^{-0.54}$. The fit never gives less than 0.27, hence $\Sigma\sqrt C \ge 0.09$. Both are second-hand; which one the
paper means was not resolved, so this catalogue prints neither as a result.
"""

from fractions import Fraction

from dltsym import Scope, sqrt, value

v = Scope()
N = v.pos("N", "parameters")
C = v.pos("C", "complexity per token", unit="nat")
fit = v.let("S", "27/100 + 8337*N**(-(54/100))", "quoted fit", unit="nat", latex=r"\Sigma")

audit = v.audit(
    title="The loss variation of compute-optimal models",
    source=("finzi2025", "quoted decomposition and quoted fit; second-hand"),
    prints="the variation term is about 1/30",
    claim=fit * sqrt(C) <= Fraction(1, 30),
    at={"N": 12000000000, "C": "1/9"},
    verdict="refuted",
    corrected="By the quoted fit it is 0.10 at 12e9 parameters. Unresolved: one of the two quotations is wrong.",
    outputs={"fit": fit, "term": fit * sqrt(C)},
    values=[
        value("0.30007821", "12e9 parameters", of="fit", N=12000000000),
        value("0.75378997", "70e6 parameters", of="fit", N=70000000),
        value("0.10002607", "12e9 parameters", of="term", N=12000000000, C="1/9"),
    ],
    see=("llm_bounds.compute_optimal",),
)
