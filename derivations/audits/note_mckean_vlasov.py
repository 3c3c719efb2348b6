r"""The continuum limit of attention dynamics has no diffusion.

The note calls it a McKean-Vlasov equation. The law of the tokens solves a nonlinear continuity equation of first
order: tokens move along a velocity field that depends on their law. A McKean-Vlasov diffusion has noise: even a token
without company would move. Here a lone token stands still.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
be = v.real("be", "inverse temperature", latex=r"\beta")
speed = v.real("speed", "squared speed of a lone token")
pair = v.real("pair", "squared speed of a token with one orthogonal companion")


def fixture(m, be):
    """Evaluate the self-attention drift of the first token, alone and with a companion."""

    def squared(tokens):
        x = tokens[0]
        inner = [sum(a * b for a, b in zip(x, y, strict=True)) for y in tokens]
        weights = [m.exp(be * s) for s in inner]
        mean = [m.sum(w * y[c] for w, y in zip(weights, tokens, strict=True)) / m.sum(weights) for c in range(2)]
        along = sum(a * b for a, b in zip(x, mean, strict=True))
        return m.sum((a - along * b) ** 2 for a, b in zip(mean, x, strict=True))

    return {"speed": squared([(1, 0)]), "pair": squared([(1, 0), (0, 1)])}


audit = v.audit(
    title="The continuum limit is a continuity equation, not a diffusion",
    source=("note000", "section 2"),
    prints="in the continuous limit the system is a McKean-Vlasov equation",
    claim=speed >= Fraction(1, 10**6),
    at={"be": 1},
    fixture=fixture,
    verdict="holds with correction",
    corrected="d_t mu + div(X[mu] mu) = 0: nonlinear and nonlocal, but of first order. With noise added it is "
    "McKean-Vlasov.",
    outputs={"speed": speed, "pair": pair},
    values=[
        value("0", "a lone token", of="speed", digits=12),
        value("0.0723294881285133", "with a companion", of="pair"),
    ],
    see=("particles.mean_field",),
)
