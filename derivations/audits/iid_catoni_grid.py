r"""Catoni's bound minimised over seven values at the price of one.

A public code for contrastive certificates evaluates the bound at seven values of $\lambda$ after seeing the data and
reports the least, each at the full $\delta$. Every fixed value holds with probability $1 - \delta$, the best of seven
only with $1 - 7\delta$. The union costs $\log 7$ nats, which the printed number lacks.
"""

from dltsym import Eq, Scope, log, value

v = Scope()
G = v.count("G", "number of values tried")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
paid, owed = v.let("a", log(1 / dlt), "nats paid"), v.let("b", log(G / dlt), "nats owed")

audit = v.audit(
    title="The least of seven Catoni bounds",
    source=("vanelst2025", "public code, i.i.d. variant of Catoni's bound"),
    prints="the least bound over seven values of lambda holds at level delta",
    claim=Eq(paid, owed),
    at={"G": 7, "dlt": "0.04"},
    verdict="refuted",
    corrected="Add log 7 to the complexity, or use the form that holds for all lambda at once.",
    outputs={"missing": owed - paid},
    values=[value("1.945910149055313", "log 7", of="missing", digits=16, G=7, dlt="0.04")],
    see=("pac_bayes.catoni_fixed", "pac_bayes.catoni_uniform"),
)
