r"""Signs in the metastability paper that are said to be wrong.

Other readers report two slips in the constants of that paper. They were not recomputed, so nothing is claimed about
them, and the entry exists to say so.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="Signs in the metastability paper that are said to be wrong",
    source=("geshkovski2024", "label lambda.3 and a restatement of Otto and Reznikoff; second-hand"),
    prints="first bound on lambda with the printed sign of a logarithm; a constant 2c",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Said elsewhere to have the wrong sign, and c/2 in place of 2c. Not recomputed here: no erratum.",
    see=("particles.metastability",),
)
