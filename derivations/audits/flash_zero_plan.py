r"""A tolerance that accepts the zero plan tests nothing.

A library compares row sums with targets $a = 1/100$ at an absolute tolerance of 0.05. The plan that is zero
everywhere has error 0.01 and passes. For targets of order $1/n$ the error has to be relative to $1/n$; every
tolerance must reject the zero output.
"""

from dltsym import Scope, value

v = Scope()
a = v.pos("a", "target of a row")
tol = v.pos("tol", "absolute tolerance")

audit = v.audit(
    title="The zero plan passes a test of marginals",
    source=("flashsinkhorn2026", "test of marginals in the repository"),
    prints="row sums within 0.05 of a = 1/100 show that the plan is right",
    claim=a > tol,
    at={"a": "1/100", "tol": "1/20"},
    verdict="refuted",
    corrected="Test relative to the target, and show that zero, NaN and the softmax over the other axis are rejected.",
    outputs={"error": a},
    values=[value("0.01", "error of the zero plan", of="error", a="1/100")],
    see=("attention.finite_sinkhorn_error",),
)
