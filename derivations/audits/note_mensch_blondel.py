r"""A paper on dynamic programming is not about transport.

The note credits a paper on differentiable dynamic programming with the first link between attention and transport. It
regularises maxima, and its abstract mentions attention as an application, but no transport. Read in the abstract
only.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="A paper on dynamic programming is not about transport",
    source=("mensch2018", "abstract"),
    prints="Mensch and Blondel (2018) first linked attention and optimal transport",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="That paper smooths the maximum in dynamic programming; its abstract contains no optimal transport.",
    see=("attention.one_sided_eot",),
)
