r"""A reason without a theorem: few examples suffice because of transfer.

Plausible, and nothing that could be evaluated. Bounds that carry a contrastive loss over to a probe exist.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "theorems attached")

audit = v.audit(
    title="Why few examples suffice",
    source=("note000", "section 7, table of gaps"),
    prints="few examples suffice because of transfer from pre-training",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="No theorem is attached. A bound for the probe needs the pre-trained prior fixed before its data.",
    see=("contrastive.transfer_bound",),
)
