r"""The temperature of attention is not the coupling strength of Kuramoto's model.

The note's table pairs them. On the circle, at $\beta = 0$, attention is Kuramoto's model with coupling 1; at other
$\beta$ (in the normalised model) close tokens still attract with coupling 1, and what changes is how far they see
each other. The fixture measures the coupling of two tokens from their drift. Nor is there a desynchronised phase:
that needs a spread of frequencies or noise.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
a = v.pos("a", "angle between two tokens", unit="rad")
free, cold = v.real("free", "coupling at beta = 0"), v.real("cold", "coupling at beta = 5")
far = v.real("far", "coupling at beta = 5 and an angle of 2")


def fixture(m, a):
    """Divide the drift of the first of two tokens by the drift of Kuramoto's model with coupling 1."""

    def coupling(be, angle):
        w = m.exp(be * m.cos(angle))
        return w * m.sin(angle) / (m.exp(be) + w) / (m.sin(angle) / 2)

    return {
        "free": coupling(m.number(0), a),
        "cold": coupling(m.number(5), a),
        "far": coupling(m.number(5), m.number(2)),
    }


audit = v.audit(
    title="Temperature is a range, not a coupling strength",
    source=("note000", "section 2, table of the Kuramoto analogy"),
    prints="coupling strength corresponds to temperature, synchronisation and desynchronisation to clustering "
    "and dispersion",
    claim=(free - cold) ** 2 >= Fraction(1, 100),
    at={"a": "1/1000"},
    fixture=fixture,
    verdict="refuted",
    corrected="The coupling is 1 at beta = 0 and at close range for every beta; beta sets the range, about "
    "beta^(-1/2).",
    outputs={"free": free, "cold": cold, "far": far},
    values=[
        value("1", "beta = 0", of="free", digits=12),
        value("0.99999875", "beta = 5", of="cold", digits=8),
        value("0.00168089682438317", "beta = 5, out of range", of="far"),
    ],
    see=("particles.kuramoto_limit",),
)
