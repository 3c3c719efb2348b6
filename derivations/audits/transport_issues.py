r"""Reported failures of transport libraries.

What the issue trackers say. Not run here.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources that say what is printed")

audit = v.audit(
    title="Reported failures of transport libraries",
    source=("geomloss", "GeomLoss issues 24, 25, 51, 58, 74; OTT issues 6, 415, 496"),
    prints="the libraries return accurate values at any regularisation",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Reports: negative divergences from loose defaults, disagreement of primal and dual at small blur, a "
    "crash for equal points; NaN at tiny eps in log mode, stalls suspected from reduced precision, a wish"
    " for gradients without a linear solve.",
    see=("attention.gaussian_eot",),
)
