r"""Minimality of the uniform law is not monotonicity of the energy.

A proposition about extreme laws is often quoted for a statement about time, and a qualitative theorem for a rate.
Metastability is left open in that paper, with simulations on the circle.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="Minimality of the uniform law is not monotonicity of the energy",
    source=("geshkovski2025", "Proposition 3.4, equation (3.6), Theorem 6.1; numbering second-hand"),
    prints="Proposition 3.4 shows that the energy decreases or increases along the dynamics; Theorem 6.1 gives a rate",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Proposition 3.4 is static: which laws have the least and the largest energy. Monotonicity is "
    "equation (3.6). Theorem 6.1 has no rate and no dependence on the dimension.",
    see=("particles.energy_dissipation",),
)
