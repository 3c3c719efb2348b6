r"""A released certificate is careful twice where once is enough, and fails on one batch.

The final certificate of a public code spends the confidence of the test draws in both places and ignores the other,
and divides a sum over $B$ batches by $B - 1$. Both make the number larger, so it stays a certificate; with one batch
it divides by 0. Read in the code, not run.
"""

from dltsym import Scope, value

v = Scope()
B = v.count("B", "batches", lo=2)
total = v.nonneg("total", "sum of the risks of the batches")

audit = v.audit(
    title="The mean over batches of a released certificate",
    source=("perezortiz2021", "public code, final certificate"),
    prints="the mean risk over B batches, divided by the index of the last one, B - 1",
    claim=total / (B - 1) <= total / B,
    at={"B": 10, "total": 3},
    verdict="holds with correction",
    corrected="Divide by B, and spend delta on the bound and delta' on the draws; the printed number is larger: legal.",
    outputs={"printed": total / (B - 1), "mean": total / B},
    values=[
        value("1/3", "ten batches", of="printed", digits=12, B=10, total=3),
        value("3/10", "the mean", of="mean", digits=12, B=10, total=3),
    ],
    see=("pac_bayes.monte_carlo_layer",),
)
