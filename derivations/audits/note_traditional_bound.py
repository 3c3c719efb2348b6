r"""The "about 1" of a classical bound for a large model is a clip.

The note compares with `traditional_bound(1.7e12 params, 1e12 samples)`, a function that it never defines. With one
nat per parameter the term is 0.92 and with 16, 4 or 2 bits per parameter it is 3.07, 1.54 and 1.09; $\sqrt{N/m}$
would be 1.30. The classical statement is indeed empty here, but not by these numbers: what counts is the length of a
compressed model.
"""

from dltsym import Scope, sqrt, value

v = Scope()
N, m = v.pos("N", "parameters"), v.pos("m", "samples")
b = v.pos("b", "nats per parameter")
term = v.let("q", sqrt((N * b) / (2 * m)), "complexity term of a bound of McAllester type, leading part")
sizes = {"N": 1700000000000, "m": 1000000000000}

audit = v.audit(
    title="A classical bound for 1.7e12 parameters",
    source=("note000", "section 3, call of traditional_bound"),
    prints="the classical bound is about 1 for 1.7e12 parameters and 1e12 samples, hence vacuous",
    claim=term >= 1,
    at=sizes | {"b": 1},
    verdict="holds with correction",
    corrected="The number depends on the nats per parameter, and 1 is a clip; it is below 1 at one nat per parameter.",
    outputs={"term": term, "root": sqrt(N / m)},
    values=[
        value("0.9219544457", "one nat per parameter", of="term", b=1, **sizes),
        value("3.070309700", "16 bits", of="term", b="16*log(2)", **sizes),
        value("1.535154850", "4 bits", of="term", b="4*log(2)", **sizes),
        value("1.085518405", "2 bits", of="term", b="2*log(2)", **sizes),
        value("1.303840481", "no factor 2", of="root", **sizes),
    ],
    see=("llm_bounds.token_bound", "llm_bounds.chinchilla_complexity"),
)
