r"""A maximum that was not reached makes a certificate too small.

The bound on a majority vote is the largest value of the C-bound over a region of disagreements and joint errors. A
public code finds it by a nested search that stops early, and its README prints 0.360433. A point of the region gives
more. A minimum over parameters may be claimed from any point; a maximum may not.
"""

from dltsym import Scope, log, value

v = Scope()
e, d = v.pos("e", "joint error of two voters"), v.pos("d", "their disagreement")
printed = v.prob("printed", "number in the README")
kl3 = v.let(
    "K",
    "3/10*log(3/10/d) + 1/20*log(1/20/e) + 13/20*log(13/20/(1 - d - e))",
    "relative entropy of the empirical disagreement and joint error",
)
xi = v.pos("xi", "moment of 1000 examples", latex=r"\xi")
radius = v.let("R", (4 + log((xi + 1000) * 20)) / 1000, "radius: twice KL = 2, delta = 0.05")
bound = v.let("B", 1 - (1 - 2 * e - d) ** 2 / (1 - 2 * d), "C-bound")
point = {"e": "0.0944437", "d": "0.2768558", "xi": "40.30321292617815"}

audit = v.audit(
    title="The certificate of a majority vote, below its maximum",
    source=("germain2015", "public code of the bounds, README example 0.2 0.3 1000 2.0"),
    prints="the certificate is 0.360433",
    given=[kl3 <= radius, 2 * e + d < 1],
    claim=bound <= printed,
    at={**point, "printed": "0.360433"},
    verdict="refuted",
    corrected="0.36043570289947, proved from above; the variant with a bound on e gives 0.34826317783077.",
    outputs={"bound": bound, "slack": radius - kl3},
    values=[value("0.3604352514", "a point of the region", of="bound", digits=10, **point)],
    see=("pac_bayes.c_bound",),
)
