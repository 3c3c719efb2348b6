r"""The two references of the note on language models exist.

Nothing to compute. What the note says about them is in the other audits.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "theorems attached")

audit = v.audit(
    title="Two papers on bounds for language models",
    source=("note000", "references"),
    prints="Lotfi et al. (ICML 2024) and Finzi et al. (ICLR 2025)",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="They exist as cited: arXiv 2312.17173 and 2504.15208.",
    see=(
        "llm_bounds.document_bound",
        "llm_bounds.compute_optimal",
    ),
)
