r"""Detaching a potential gives a wrong gradient.

One copy of the Sinkformers code takes the column potential out of the graph of derivatives. The gradient of the loop
is then wrong by three quarters of its norm, and more iterations do not help. The fixture differentiates the loop in
all sixteen scores, with and without that derivative.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
three, many = v.real("three", "relative error, 3 half-steps"), v.real("many", "relative error, 21 half-steps")


def fixture(m):
    """Differentiate sum cos(i+2j) P_ij by every score, S_ij = sin((i+1)(j+2)), four by four, eps = 1."""
    size = range(4)
    S = [[m.sin(m.number((i + 1) * (j + 2))) for j in size] for i in size]
    spots = [(i, j) for i in size for j in size]

    def masses(steps):
        u, w, out = [m.number(0)] * 4, [m.number(0)] * 4, []
        for step in range(steps):
            out.append([[m.exp(S[i][j] + u[i] + w[j]) for j in size] for i in size])
            if step % 2 == 0:
                u = [x - m.log(m.sum(row)) for x, row in zip(u, out[-1], strict=True)]
            else:
                w = [x - m.log(m.sum(row)) for x, row in zip(w, zip(*out[-1], strict=True), strict=True)]
        return out, [[m.exp(S[i][j] + u[i] + w[j]) for j in size] for i in size]

    def gradient(trace, end, spot, keep):
        du, dw = [0] * 4, [0] * 4
        dS = [[1 if (i, j) == spot else 0 for j in size] for i in size]
        for step, P in enumerate(trace):
            if step % 2 == 0:
                du = [-m.sum(P[i][j] * (dS[i][j] + dw[j]) for j in size) / m.sum(P[i]) for i in size]
            else:
                dw = [-keep * m.sum(P[i][j] * (dS[i][j] + du[i]) for i in size) / m.sum(p[j] for p in P) for j in size]
        return m.sum(m.cos(m.number(i + 2 * j)) * end[i][j] * (dS[i][j] + du[i] + dw[j]) for i, j in spots)

    def error(steps):
        run = masses(steps)
        right, wrong = ([gradient(*run, spot, keep) for spot in spots] for keep in (1, 0))
        return m.sqrt(m.sum((x - y) ** 2 for x, y in zip(wrong, right, strict=True)) / m.sum(x**2 for x in right))

    return {"three": error(3), "many": error(21)}


audit = v.audit(
    title="A detached potential spoils the gradient",
    source=("sander2022", "published code for language, column potential detached"),
    prints="the gradient of Sinkhorn attention is that of the loop with one potential detached",
    claim=many <= Fraction(1, 10),
    at={},
    fixture=fixture,
    verdict="refuted",
    corrected="Differentiate both potentials, or the limit by its implicit equation.",
    outputs={"three": three, "many": many},
    values=[
        value("0.7234", "3 half-steps", of="three", digits=4),
        value("0.7599", "21 half-steps", of="many", digits=4),
    ],
    see=("attention.sinkhorn_gradient",),
)
