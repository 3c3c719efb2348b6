r"""The smoothing term $\sqrt{2C}$ of the compute-optimal bound is true and loose.

The least cost of smoothing is $h_2(C) = (1 + C)\log(1 + C) - C\log C \le \sqrt2\log2\,\sqrt{2C}$. At $C = 1/9$ the
square root is 0.11 nats too large.
"""

from dltsym import Scope, log, sqrt, value

v = Scope()
C = v.pos("C", "complexity per token", unit="nat")
least = (1 + C) * log(1 + C) - C * log(C)

audit = v.audit(
    title="The square root in the smoothing term",
    source=("finzi2025", "smoothing term of the compute-optimal bound; second-hand"),
    prints="smoothing costs sqrt(2 C), and no less will do",
    claim=sqrt(2 * C) <= least,
    at={"C": "1/9"},
    verdict="holds with correction",
    corrected="An upper bound; the least cost is h2(C), at most 0.98 of it.",
    outputs={"usual": sqrt(2 * C), "least": least, "loss": sqrt(2 * C) - least},
    values=[
        value("0.47140452079103", "C = 1/9", of="usual", C="1/9"),
        value("0.3612033037682758", "C = 1/9", of="least", C="1/9"),
        value("0.1102012170", "C = 1/9", of="loss", C="1/9", digits=9),
    ],
    see=("llm_bounds.smoothing_optimum",),
)
