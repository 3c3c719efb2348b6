r"""The printed Sinkhorn attention overflows for ordinary scores.

It takes $\exp(s/\varepsilon)$ without subtracting a maximum. In single precision that is infinite beyond
$s/\varepsilon = 88.7$. Queries $(3.1, 3.1)$ and keys $6.2$ times a unit vector have score 9.61, and with the default
$\varepsilon = 0.1$ the exponent is 96.1: infinity, then infinity over infinity, and every output is not a number.
"""

from dltsym import Scope, exp, log, value

v = Scope()
s = v.real("s", "score after the division by the root of d")
eps = v.pos("eps", "regularisation", latex=r"\varepsilon")
largest = v.let("M", 2**128 - 2**104, "largest finite number of single precision")

audit = v.audit(
    title="The printed Sinkhorn attention overflows",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="K = exp(score/eps), with eps = 0.1 by default",
    claim=exp(s / eps) <= largest,
    at={"s": "9.61", "eps": "0.1"},
    verdict="refuted",
    corrected="Work with logarithms: log-sum-exp with the maximum taken out, for rows and for columns.",
    outputs={"threshold": log(largest), "exponent": s / eps},
    values=[
        value("88.7228390520684", "where single precision overflows", of="threshold"),
        value("96.1", "the witness", of="exponent"),
    ],
    see=("information.lse_sandwich", "attention.sinkhorn"),
)
