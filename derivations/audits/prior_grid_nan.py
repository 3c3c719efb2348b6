r"""A prior variance above its grid gives the logarithm of a negative index.

The union over prior variances $c e^{-j/b}$, $j = 1, 2, \dots$, costs $2\log j$ and a constant. The commands in the
README of a public code start from a variance above $c$: the index is negative and the cost is not a number. An
earlier version also counted one union twice; both were mended later. Read in the repository; the index is evaluated
here.
"""

from dltsym import Scope, log, value

v = Scope()
b, c = v.pos("b", "precision of the grid"), v.pos("c", "largest variance of the grid")
s = v.pos("s", "prior variance used")
j = v.let("j", b * log(c / s), "its index")

audit = v.audit(
    title="A prior variance outside its grid",
    source=("dziugaite2017", "a public reimplementation, commands of its README"),
    prints="the index of any prior variance can be charged 2 log j",
    claim=j >= 1,
    at={"b": 100, "c": "0.1", "s": "0.2"},
    verdict="refuted",
    corrected="Require s < c exp(-1/b); the weights are 6/(pi^2 j^2) on j >= 1.",
    outputs={"index": j},
    values=[
        value("-69.3147180559945", "twice the largest variance", of="index", digits=15, b=100, c="0.1", s="0.2"),
        value("69.3147180559945", "half of it", of="index", digits=15, b=100, c="0.1", s="0.05"),
    ],
    see=("pac_bayes.gaussian_prior_grid",),
)
