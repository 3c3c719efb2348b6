r"""The paper that the note calls a complete theory is not identified.

The note cites a complete theory of 2025 that we could not identify. What can be cited for the one-sided reading is a
preprint of 2025, and for softmax as the first half iteration of Sinkhorn a paper of 2022. Nothing here is decided by
computation.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="The paper that the note calls a complete theory is not identified",
    source=("litman2025", "abstract"),
    prints="a complete theory of semi-relaxed transport attention, OpenReview 2025",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="No such paper was found. The one-sided reading is in the paper cited here (abstract; number of the "
    "theorem not confirmed), and the remark on the half iteration is older (Sander et al., 2022).",
    see=("attention.one_sided_eot",),
)
