r"""A split bound charges its split twice.

The complexity of the split bound is $\log(4\sqrt n/\delta)$: two events at $\delta/2$ each. A public code passes
$\delta/2$ to a formula that already has the 4, and pays $\log 2$ once more. Conservative, and inactive at the shipped
threshold 0, where one half has no width. A helper beside it has an inverted test and returns $1 - 10^{-9}$ for almost
all inputs; nothing calls it.
"""

from dltsym import Eq, Scope, log, sqrt, value

v = Scope()
n, dlt = v.count("n", "examples"), v.prob("dlt", "failure probability", open=True, latex=r"\delta")

audit = v.audit(
    title="The split of a failure probability, charged twice",
    source=("wu2022", "public code of the split kl bound"),
    prints="the complexity log(4 sqrt(n)/(delta/2))",
    claim=Eq(log(4 * sqrt(n) / (dlt / 2)), log(4 * sqrt(n) / dlt)),
    at={"n": 5000, "dlt": "0.05"},
    verdict="holds with correction",
    corrected="log(4 sqrt(n)/delta) is enough; the code's bound is legal and looser by log 2 nats.",
    outputs={"excess": log(4 * sqrt(n) / (dlt / 2)) - log(4 * sqrt(n) / dlt)},
    values=[value("0.6931471805599453", "log 2", of="excess", digits=16, n=5000, dlt="0.05")],
    see=("concentration.split_kl",),
)
