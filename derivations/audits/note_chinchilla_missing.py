r"""The statement about the compute-optimal setting has no formula.

The note says that under the optimal allocation the generalisation error is ..., and the formula is missing. There is
nothing to evaluate.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "formulas printed")

audit = v.audit(
    title="A missing formula for the compute-optimal setting",
    source=("note000", "section 3, compute-optimal scaling"),
    prints="in the compute-optimal setting the generalisation error is (nothing)",
    claim=Eq(found, 1),
    verdict="not reproducible",
    corrected="On the frontier the complexity per token is constant; see the records.",
    see=("llm_bounds.compute_optimal", "llm_bounds.chinchilla_complexity"),
)
