r"""A bound that uses training compute as complexity is vacuous, not non-vacuous.

The note offers $\min(\hat r + \sqrt{(F/m + \log(2\sqrt F))/m}, 1)$ for $F$ FLOP and $m$ tokens and quotes about 0.2
at $F = 10^{25}$, $m = 10^{12}$. The formula gives 3.16 there, clipped to 1. Since $F = 6Nm$, the ratio $F/m$ is six
times the parameter count: the "new" complexity is parameter counting again, and no failure probability enters.
"""

from dltsym import Scope, log, sqrt, value

v = Scope()
F = v.pos("F", "training compute", unit="FLOP")
m = v.pos("m", "training tokens")
q = v.let("q", sqrt((F / m + log(2 * sqrt(F))) / m), "complexity term of the note")

audit = v.audit(
    title="Compute as complexity: the quoted non-vacuous bound is vacuous",
    source=("note000", "section 3, function compute_token_pac_bayes_bound"),
    prints="1e25 FLOP and 1e12 samples give a bound of about 0.2, non-vacuous",
    claim=q < 1,
    at={"F": "1e25", "m": "1e12"},
    verdict="refuted",
    corrected="The term is 3.162..., so the returned bound is 1. Token-level bounds count description length in nats "
    "and carry a failure probability: see the compute-optimal bound.",
    outputs={"complexity": q},
    values=[
        value("3.16227766017303981", "note's own inputs", of="complexity", F="1e25", m="1e12"),
        value(
            "0.210818510682552",
            "the number of tokens that would have given about 0.2",
            of="complexity",
            F="1e25",
            m="1.5e13",
        ),
        value("0.243252127709920", "1.3e13 tokens", of="complexity", F="1e25", m="1.3e13"),
        value("2.23606797751", "multiply-adds counted once", of="complexity", F="5e24", m="1e12"),
    ],
    see=("llm_bounds.compute_as_complexity", "llm_bounds.compute_optimal"),
)
