r"""The tangent of the logarithm at 1 lies above it.

Every comparison of relative entropies in this catalogue comes down to this line: $\log t \le t - 1$, with equality
at $t = 1$ only. It is proved once, by a derivative ladder from the contact point.
"""

from dltsym import Scope, log, value

v = Scope()
t = v.pos("t", "any positive number, usually a likelihood ratio")

theorem = v.theorem(
    title="Tangent bound of the logarithm",
    cite=("cover2006", "Chapter 2, used for the information inequality; number not confirmed"),
    claim=log(t) <= t - 1,
    kind="upper bound",
    tight={t: 1},
    values=[value("0.693147180559945", "ln 2 against 1", of="log", t=2)],
    outputs={"log": log(t), "bound": t - 1},
)
