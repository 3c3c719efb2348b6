r"""A temperature chosen by the name of the task says nothing.

The note's function returns 0.1, 0.5 or 1.0 by task. What decides is the gap between the two best scores, the number
of keys and the mass that may be missed. With 1024 keys and a gap of one tenth, "sharp" attention at 0.1 can miss
99.7% of the mass; the rule with a proof asks for 0.0087 to miss at most 1%.
"""

from fractions import Fraction

from dltsym import Scope, exp, log, value

v = Scope()
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
D = v.pos("D", "gap between the two best scores", latex=r"\Delta")
m = v.count("m", "number of keys")
missed = v.let("q", (m - 1) * exp(-D / eps) / (1 + (m - 1) * exp(-D / eps)), "mass missed, all others tied")

audit = v.audit(
    title="The suggested temperatures have no theorem behind them",
    source=("note000", "section 1, function suggest_attention_temperature"),
    prints="0.1 for tasks that need sharp attention, 0.5 for balanced ones, 1.0 for smooth ones",
    claim=missed <= Fraction(1, 100),
    at={"eps": "1/10", "D": "1/10", "m": 1024},
    verdict="refuted",
    corrected="eps <= gap/log((m - 1)(1 - delta)/delta) misses at most delta, and is necessary in the worst case.",
    outputs={"missed": missed, "rule": D / log((m - 1) * 99)},
    values=[
        value("0.997349874837355", "gap 0.1, 1024 keys", of="missed", eps="1/10", D="1/10", m=1024),
        value("0.0867632688849675", "gap 1, 1024 keys, 1%", of="rule", D=1, m=1024),
    ],
    see=("attention.temperature_rule", "attention.gap_law"),
)
