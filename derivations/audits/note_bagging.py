r"""Is conditional computation like bagging?

The note offers it as a conjecture about sparse experts. There is no theorem, and none should be made of it: bagging
averages all its members, a router picks few of them, and it is trained with them.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "theorems attached")

audit = v.audit(
    title="Conditional computation and bagging",
    source=("note001", "problem 7.3"),
    prints="conditional computation is similar to bagging",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="A conjecture without a statement; not to be used.",
    see=("audits.note_expert_compute",),
)
