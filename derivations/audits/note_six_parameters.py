r"""The "new" complexity of the note is six times the old one.

Its two calls have $1.7 \cdot 10^{12}$ parameters, $10^{12}$ tokens and $10^{25}$ FLOP: the usual $6ND$ gives $1.02
\cdot 10^{25}$. So compute over samples is the number of parameters times 6, and a bound that replaces one by the
other gets worse.
"""

from dltsym import Scope, value

v = Scope()
F, N, m = v.pos("F", "compute", unit="FLOP"), v.pos("N", "parameters"), v.pos("m", "samples")
call = {"F": "1e25", "N": 1700000000000, "m": 1000000000000}

audit = v.audit(
    title="Compute per sample counts parameters, times six",
    source=("note000", "section 3, inputs of the two calls"),
    prints="compute per sample is a smaller complexity than the number of parameters",
    claim=F / m < N,
    at=call,
    verdict="refuted",
    corrected="F = 6 N m, so F/m = 6 N.",
    outputs={"ratio": F / (N * m), "usual": 6 * N * m},
    values=[
        value("5.88235294117647", "inputs of the note", of="ratio", **call),
        value("10200000000000000000000000", "6 N m", of="usual", **call),
    ],
    see=("llm_bounds.compute_counts_parameters",),
)
