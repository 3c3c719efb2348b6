r"""Clipping a bound at 1 is right for error rates and wrong for code lengths.

The printed function returns $\min(\cdot, 1)$ whatever the loss is. A code length of two bits is no error: the trivial
value of a smoothed code length is $\log_2 V$ bits, about 15 for a vocabulary of 32000. With an empirical code length
of 3.5 the function returns 1, less than what was measured.
"""

from dltsym import Scope, log, value

v = Scope()
s = v.pos("s", "empirical code length", unit="bit")
F, m = v.pos("F", "compute", unit="FLOP"), v.pos("m", "samples")
V = v.integer("V", "vocabulary size", lo=2)
out = v.real("out", "value returned by the printed function")


def fixture(num, s, F, m):
    """Run the printed function."""
    term = num.sqrt((F / m + num.log(2 * num.sqrt(F))) / m)
    return {"out": num.min([s + term, num.number(1)])}


audit = v.audit(
    title="A clip at 1 for a code length",
    source=("note000", "section 3, function compute_token_pac_bayes_bound"),
    prints="min(empirical risk + complexity, 1) bounds the risk",
    claim=out >= s,
    at={"s": "3.5", "F": "1e25", "m": "1e12"},
    fixture=fixture,
    verdict="refuted",
    corrected="Clip at the upper end of the declared range of the loss, and call it vacuous above log2 V.",
    outputs={"out": out, "guess": log(V) / log(2)},
    values=[
        value("1", "a code length of 3.5 bits", of="out", digits=12),
        value("14.9657842847", "V", of="guess", V=32000),
    ],
    see=("llm_bounds.prediction_smoothing", "pac_bayes.vacuity"),
)
