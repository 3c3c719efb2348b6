r"""An additive guard makes a scaling depend on the units of the scores.

Adding a constant to all scores multiplies the kernel by a constant $c$ and must not change attention. With $1/(x +
10^{-8})$ in place of $1/x$ it does as soon as the kernel is small: at scores lowered by 20 a row of weight 1 has
weight 0.17, and at 40 almost none.
"""

from dltsym import Eq, Scope, exp, value

v = Scope()
c = v.real("c", "constant added to all scores")
g = v.pos("g", "guard")
row = v.let("row", exp(c) / (exp(c) + g), "sum of a row whose kernel sums to exp(c)")

audit = v.audit(
    title="The guards of the printed attention are not free of scale",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="+ 1e-8 in every denominator",
    claim=Eq(row, exp(0 * c) / (exp(0 * c) + g)),
    at={"c": -20, "g": "1e-8"},
    verdict="refuted",
    corrected="Subtract the maximum of the scores and divide without a guard; only a fully masked row needs a rule.",
    outputs={"row": row},
    values=[
        value("0.170891883695", "lowered by 20", of="row", digits=6, c=-20, g="1e-8"),
        value("0.99999999", "not lowered", of="row", digits=9, c=0, g="1e-8"),
    ],
    see=("attention.sinkhorn",),
)
