r"""The open problems that the second note lists.

A fair list. One of them, scaling laws from first principles, is partly answered by the code of a learner: a power law
of the loss implies how much its model has to know.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "claims that could be evaluated")

audit = v.audit(
    title="Open problems of generalisation",
    source=("note001", "section 7.5"),
    prints="scaling laws from first principles are open",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Open, with a partial answer.",
    see=("llm_bounds.prequential_code",),
)
