r"""What a programmable attention covers.

A modification of scores can express priors and masks, not a second marginal. Read in documentation and issues, not
run.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="What a programmable attention covers",
    source=("pytorch_sdpa", "flex_attention, issue 136232"),
    prints="score_mod covers every attention of this catalogue",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Any prior, ALiBi included, and log-sum-exp. No column step, entmax or entropy output; NaN in the "
    "backward pass with return_lse was reported.",
    see=("attention.kl_prior",),
)
