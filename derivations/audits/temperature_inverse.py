r"""The temperature of standard attention is the root of d, not its inverse.

A restatement says that $\tau$ is typically $1/\sqrt d$. Standard attention divides raw scores by $\sqrt d$, so the
temperature on raw scores is $\sqrt d$; a library's keyword `scale` is the inverse. At $d = 64$ the two differ by a
factor of 64.
"""

from dltsym import Eq, Scope, sqrt, value

v = Scope()
d = v.count("d", "width of a head")

audit = v.audit(
    title="The temperature is the root of d",
    source=("litman2025", "secondary restatements of the paper, not the paper"),
    prints="tau is typically 1/sqrt(d)",
    claim=Eq(1 / sqrt(d), sqrt(d)),
    at={"d": 64},
    verdict="holds with correction",
    corrected="tau = sqrt(d) on raw scores; 1/sqrt(d) is the factor that multiplies them.",
    outputs={"ratio": sqrt(d) / (1 / sqrt(d))},
    values=[value("64", "d = 64", of="ratio", d=64)],
    see=("attention.one_sided_eot",),
)
