r"""The embedding dimension does not drive contrastive bounds.

What enters is the capacity of the encoders, through a number of parameters, norms or logarithms. The witness is a
class of two encoders into $d = 4096$ dimensions: a union over it costs $\log 2$, and its deviation at $n = 50000$ is
0.0064, far below $\sqrt{d/(n\log k)}$ at $k = 256$.
"""

from dltsym import Scope, log, sqrt, value

v = Scope()
d, n, k = v.count("d", "dimension"), v.count("n", "examples"), v.count("k", "negatives", lo=2)
G = v.count("G", "encoders of the class")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
needed = v.let("a", sqrt(log(G / dlt) / (2 * n)), "deviation of the class, losses in [0, 1]")
note = v.let("q", sqrt(d / (n * log(k))), "bound of the note")
call = {"d": 4096, "n": 50000, "k": 256, "G": 2, "dlt": "0.05"}

audit = v.audit(
    title="Dimension is not capacity",
    source=("note000", "section 6"),
    prints="the representation dimension drives the generalisation error of contrastive learning",
    claim=needed >= note,
    at=call,
    verdict="refuted",
    corrected="The capacity of the class does; the dimension enters through norms or logarithms.",
    outputs={"needed": needed, "note": note},
    values=[value("0.0060736", "two encoders", of="needed", digits=5, **call),
            value("0.121545", "the note", of="note", digits=5, **call)],
    see=("contrastive.sqrt_d_over_n_log_k", "pac_bayes.occam"),
)  # fmt: skip
