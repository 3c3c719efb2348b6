r"""Negative: training compute is no complexity. Kept so that the formula is never added again.

Claimed: with $F$ FLOP and $m$ tokens, error $\le \min(\hat r + \sqrt{(F/m + \log(2\sqrt F))/m}, 1)$, which at $F =
10^{25}$, $m = 10^{12}$ is said to be about 0.2, non-vacuous. It is 3.16, and 1 after the clip. There is no $\delta$,
and FLOP stand where nats belong: count multiply-adds once and it changes. Since $F = 6Nm$ the leading term is $6N/m$,
parameter counting with a factor, and at 20 tokens per parameter it tends to $\sqrt{6/20}$ at every scale: see
`llm_bounds.compute_counts_parameters`. A mixture of experts computes with few of its parameters and describes all.
"""

from dltsym import Scope, log, sqrt, value

v = Scope()
F = v.pos("F", "training compute", unit="FLOP")
m = v.pos("m", "training tokens")
term = v.let("q", sqrt((F / m + log(2 * sqrt(F))) / m), "complexity term of the note")

audit = v.audit(
    title="Compute as complexity",
    source=("note000", "section 3, function compute_token_pac_bayes_bound"),
    prints="a bound with FLOP as complexity is about 0.2 for 1e25 FLOP and 1e12 tokens, non-vacuous",
    claim=term <= v.read("1/4"),
    at={"F": "1e25", "m": "1e12"},
    verdict="refuted",
    corrected="The term is 3.16. A bound for tokens counts the description length of the model, in nats, and has a "
    "failure probability.",
    outputs={"term": term},
    values=[
        value("3.16227766017303981", "inputs of the note", of="term", F="1e25", m="1e12"),
        value("2.23606797751", "multiply-adds counted once", of="term", F="5e24", m="1e12"),
        value("0.54772255750983", "1e25 FLOP at 20 tokens per parameter", of="term", F="1e25", m="sqrt(1e25*20/6)"),
        value("0.2", "the tokens it would need", of="term", F="1e25", m="1.58113883012e13", digits=9),
        value("0.2", "the compute it would need", of="term", F="4.0e22", m="1e12", digits=9),
    ],
    see=("llm_bounds.token_bound", "llm_bounds.compute_optimal", "llm_bounds.chinchilla_complexity"),
)
