r"""Two bits are taken off a message that does not have them.

When no scale of the posterior is optimised, a public code subtracts 2 from the message length. A prior that gives two
bits less is four times as large and need not sum to 1. On row 9 of its tables the certified inverse moves from
.8604203 to .8605920.
"""

from dltsym import Scope, log, sqrt, value

v = Scope()
n = v.count("n", "training examples")
bits, extra = v.pos("bits", "length of the prefix-free message"), v.real("extra", "bits added to it")
q, dlt = v.prob("q", "empirical risk"), v.prob("dlt", "failure probability", open=True, latex=r"\delta")
bound = v.real("bound", "certified inverse at the length with the extra bits")
honest = v.real("honest", "certified inverse at the length of the message")


def fixture(m, n, bits, extra, q, dlt):
    """Invert relative entropy at both lengths."""

    def inverse(length):
        c = (length * m.log(2) + m.log(2 * m.sqrt(m.number(n)) / dlt)) / n
        return m.root(lambda p: m.kl_bernoulli(q, p) - c, q, m.number("0.999999"))

    return {"bound": inverse(bits + extra), "honest": inverse(bits)}


row = {"n": 12000, "bits": "400.1624011638499", "extra": -2, "q": "0.7797500044107437", "dlt": "0.05"}
audit = v.audit(
    title="Two bits that were not there",
    source=("lotfi2022", "public code, misc_extra_bits"),
    prints="the bound with two bits less is legal",
    claim=honest <= bound,
    at=row,
    fixture=fixture,
    verdict="refuted",
    corrected="Extra bits are at least 0: a message as long as it is sent.",
    outputs={"bound": bound, "honest": honest, "nats": (bits + extra) * log(2) + log(2 * sqrt(n) / dlt) + 0 * q},
    values=[
        value("0.8604202907", "row 9, two bits taken off", of="bound", **row),
        value("0.8605920054", "row 9, no extra bits", of="honest", **row),
    ],
    see=("information.kraft_prefix", "pac_bayes.seeger_maurer"),
)
