r"""Sparse experts: parameters grow with all experts, compute with the active ones.

True, with $E$ experts of $P$ parameters of which a token uses $k$: and a counter-example to compute as complexity,
for a description of the model holds all experts. Two such models with equal compute per token have description
lengths that differ by any factor.
"""

from dltsym import Eq, Scope, log, value

v = Scope()
E = v.count("E", "experts")
k = v.integer("k", "active experts", lo=1, hi=E)
P, b = v.pos("P", "parameters of an expert"), v.pos("b", "bits per parameter")
active = v.let("a", k * P, "parameters that a token uses")
length = v.let("D", E * P * b * log(2), "description length", unit="nat")

audit = v.audit(
    title="Compute and description of sparse experts",
    source=("note001", "section 7.3.2"),
    prints="a layer of E experts has E P parameters and uses k P of them for a token",
    claim=Eq(length / active, E * b * log(2) / k),
    verdict="holds",
    corrected="Right. The description length per active parameter grows with E at the same compute.",
    outputs={"ratio": length / active},
    values=[
        value("22.1807097779182", "64 experts, 2 active, one bit", of="ratio", E=64, k=2, P=1, b=1),
        value("2.77258872223978", "8 experts, 2 active, one bit", of="ratio", E=8, k=2, P=1, b=1),
    ],
    see=("llm_bounds.compute_as_complexity",),
)
