r"""Are classical PAC-Bayes bounds empty for large language models?

Yes for uncompressed weights, and the sentence needs two corrections: the complexity is in nats, and it is that of the
model after compression. At 16 bits for each of $1.7 \cdot 10^{12}$ parameters the term exceeds 3. The same
inequality, with a model of $10^4$ nats and 8 million documents, leaves 0.037 of the range.
"""

from dltsym import Scope, sqrt, value

v = Scope()
D, n = v.pos("D", "description length", unit="nat"), v.pos("n", "samples")
term = v.let("q", sqrt(D / (2 * n)), "complexity term, leading part")

audit = v.audit(
    title="Classical bounds and large language models",
    source=("note000", "section 3"),
    prints="classical PAC-Bayes bounds are vacuous for models like GPT-4, whatever their code",
    claim=term >= 1,
    at={"D": 10000, "n": 8009762},
    verdict="holds with correction",
    corrected="True for the weights as stored; a compressed model can have a bound that says something.",
    outputs={"term": term},
    values=[
        value("3.070309700", "16 bits per parameter", of="term", D="16*log(2)*1700000000000", n=1000000000000),
        value("0.0249847", "10^4 nats, 8 million documents", of="term", digits=5, D=10000, n=8009762),
    ],
    see=("llm_bounds.subsampled_bound", "llm_bounds.token_bound"),
)
