r"""The loss of two orthonormal pairs is not half of log 2.

A notebook on contrastive losses asserts $\frac12\log2$ for two pairs with orthonormal embeddings at temperature 1.
Each row has the scores 1 and 0, so its loss is $\log(1 + e^{-1})$. The fixture is the loss as the record states it.
"""

from dltsym import Scope, log, value

v = Scope()
tau = v.pos("tau", "temperature", latex=r"\tau")
loss = v.real("loss", "mean loss of the two rows")


def fixture(m, tau):
    """Evaluate both rows."""
    scores = [[1 / tau, m.number(0)], [m.number(0), 1 / tau]]
    return {"loss": m.sum(m.logsumexp(row) - row[i] for i, row in enumerate(scores)) / 2}


audit = v.audit(
    title="Two orthonormal pairs",
    source=("contrastive_code", "a public notebook; second-hand"),
    prints="the loss of two orthonormal pairs is log(2)/2",
    claim=(loss - log(2) / 2) ** 2 <= v.read("1/10000"),
    at={"tau": 1},
    fixture=fixture,
    verdict="refuted",
    corrected="log(1 + exp(-1)).",
    outputs={"loss": loss, "printed": log(2) / 2},
    values=[
        value("0.3132616875182228", "temperature 1", of="loss"),
        value("0.346573590279973", "as asserted", of="printed"),
    ],
    see=("contrastive.infonce_mi", "contrastive.infonce"),
)
