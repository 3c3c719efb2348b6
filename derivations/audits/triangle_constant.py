r"""Distances to a common point bound distances between points with a factor of four.

The paper's step labelled e:ineqsecondpart has constant 1: $1 - \langle x_i, x_j\rangle \le \max_i (1 - \langle x_i,
x^*\rangle)$. Two points at angles $\pm\theta$ from $x^*$ have ratio $2(1 + \cos\theta)$, which tends to 4. The
constant 4 is right: $2(1 - \langle x, y\rangle) = \lVert x - y\rVert^2$, the triangle inequality, and $(u + v)^2 \le
4\max(u, v)^2$. A constant does not change an exponential rate.
"""

from dltsym import Scope, cos, value

v = Scope()
th = v.pos("th", "angle of each point from the common one", unit="rad", latex=r"\theta")

audit = v.audit(
    title="A triangle inequality on the sphere lost its constant",
    source=("geshkovski2025", "bound labelled e:ineqsecondpart in the preprint; second-hand"),
    prints="1 - <x_i, x_j> <= max over i of 1 - <x_i, x*>",
    claim=1 - cos(2 * th) <= 1 - cos(th),
    at={"th": "1/10"},
    verdict="holds with correction",
    corrected="1 - <x_i, x_j> <= 4 max over i of 1 - <x_i, x*>; the constant 4 cannot be lowered.",
    outputs={"ratio": (1 - cos(2 * th)) / (1 - cos(th)), "closed": 2 * (1 + cos(th))},
    values=[
        value("3.99000833055605", "angle 1/10", of="ratio", th="1/10"),
        value("3.999999", "angle 1/1000", of="ratio", digits=7, th="1/1000"),
        value("3.99000833055605", "angle 1/10", of="closed", th="1/10"),
    ],
    see=("particles.cone_collapse",),
)
