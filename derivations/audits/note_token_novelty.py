r"""What the bounds with tokens as data count.

The note says that their point is to measure complexity by compute and not by parameters. They count *tokens*, through
martingales, and the description length of the model. The witness: two models of the same description length and
trained on the same tokens have the same bound, whatever the compute. For a mixture of experts the note's own chapter
has compute proportional to the active experts only, while the description holds all of them.
"""

from dltsym import Scope, value

v = Scope()
N, m = v.pos("N", "parameters"), v.pos("m", "tokens")
F, G = v.pos("F", "compute of a model", unit="FLOP"), v.pos("G", "compute of another model", unit="FLOP")
b, dlt = v.pos("b", "bits per parameter"), v.prob("dlt", "failure probability", open=True, latex=r"\delta")
first, second = v.real("first", "radius of the first model"), v.real("second", "radius of the second")


def fixture(num, N, m, F, G, b, dlt):
    """Evaluate the token bound for two models that differ in compute only."""

    def radius(_compute):
        return num.sqrt((b * N * num.log(num.number(2)) - num.log(dlt)) / (2 * m))

    return {"first": radius(F), "second": radius(G)}


audit = v.audit(
    title="Tokens as data are not compute as complexity",
    source=("note000", "section 3, core novelty of the token framework"),
    prints="the novelty is to measure complexity by compute instead of parameters: more compute, another bound",
    claim=(first - second) ** 2 >= v.read("1e-12"),
    at={"N": 7000000000, "m": 1200000000000, "F": "5e22", "G": "1e23", "b": 2, "dlt": "0.05"},
    fixture=fixture,
    verdict="refuted",
    corrected="The complexity is the description length; the novelty is that dependent tokens count as data.",
    outputs={"first": first},
    values=[value("0.0635874", "7e9 parameters of 2 bits, 1.2e12 tokens", of="first")],
    see=("llm_bounds.token_bound", "llm_bounds.compute_optimal"),
)
