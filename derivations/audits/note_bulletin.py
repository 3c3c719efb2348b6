r"""The reference to the mathematical perspective is right.

The note's reference agrees with the venue of the published paper. It is a fact of bibliography: nothing is computed.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="The reference to the mathematical perspective is right",
    source=("geshkovski2025", "title page"),
    prints="Geshkovski et al. (2025)",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Correct: Bulletin of the American Mathematical Society 62(3), pages 427 to 479; the preprint is of "
    "2023.",
    see=("particles.equiangular_ode",),
)
