r"""One step of self-attention dynamics on the sphere, and why it climbs its energy.

Tokens are unit vectors. A token feels the average $u$ of all tokens, weighted by $e^{\beta\langle x_i, x_j\rangle}$
over their sum $Z_i$ (SA) or over $n$ (USA), and moves along its tangential part $w = u - \langle u, x\rangle x$.
Because $\langle u, w\rangle = \lVert w\rVert^2$, the energy $E = \frac{1}{2\beta n^2}\sum_{ij}
e^{\beta\langle x_i, x_j\rangle}$ never falls in continuous time: it grows at the rate $\frac1n\sum_i
\frac{Z_i}{n}\lVert w_i\rVert^2$ (SA), $\frac1n\sum_i\lVert w_i\rVert^2$ (USA). A step of size $h$ either adds $h w$
and normalises, or follows the geodesic of length $h\lVert w\rVert$.
"""

from dltsym import Eq, Law, Operator, Scope, cases_, cos, exp, log, sin, sqrt, value
from dltsym.relations import permuted, rotated

v = Scope()
n, d = v.count("n", "number of tokens"), v.count("d", "dimension")
x, i, c = v.array("x", (n, d), "tokens"), v.index("i", n), v.index("c", d)
beta, h = v.pos("beta", "inverse temperature"), v.nonneg("h", "size of the step")
u = v.array("u", (n, d), "average that a token feels")


def inner(a, b):
    return v.sum(lambda e: a(e) * b(e), d)


def tangent(a):
    return u[i, a] - inner(lambda e: u[i, e], lambda e: x[i, e]) * x[i, a]


def step(rule="sa", move="project"):
    def weight(r, j):
        return exp(beta * v.sum(lambda e: x[r, e] * x[j, e], d))

    mass = v.sum(lambda j: weight(i, j), n)
    energy = log(v.sum(weight, n, n)) - log(2 * beta * n**2)
    share = {"sa": mass, "usa": n}[rule]

    def along(a):
        return v.sum(lambda j: weight(i, j) * x[j, a], n) / share

    def slide(a):
        return along(a) - inner(along, lambda e: x[i, e]) * x[i, a]

    square = inner(slide, slide)
    if move == "geodesic":
        turn = cases_((square > 0, sin(h * sqrt(square)) / sqrt(square)), h)
        y = cos(h * sqrt(square)) * x[i, c] + turn * slide(c)
    else:
        far = inner(lambda e: x[i, e] + h * slide(e), lambda e: x[i, e] + h * slide(e))
        y = (x[i, c] + h * slide(c)) / sqrt(far)
    return {"y": y, "l": log(mass), "speed2": square, "log_energy": energy}


on_sphere, radial = inner(lambda e: x[i, e], lambda e: x[i, e]), inner(lambda e: u[i, e], lambda e: x[i, e])
along_tangent = inner(lambda e: u[i, e], tangent)
theorem = v.theorem(
    title="A step of attention dynamics moves along the sphere and up its energy",
    cite=("geshkovski2025", "equations (SA), (USA), Lemma 3.7 and equation (3.6); numbering second-hand"),
    given=Eq(on_sphere, 1),
    claim=[Eq(inner(lambda e: x[i, e], tangent), 0), Eq(along_tangent, inner(tangent, tangent))],
    operator=Operator(
        step, axes={"y": "i c", "l": "i", "speed2": "i", "log_energy": ""},
        modes={"rule": ("sa", "usa"), "move": ("project", "geodesic")},
        relations=(
            rotated("x", -1, ["y"]), permuted({"x": -2}, {"y": -2, "l": -1, "speed2": -1}),
            Law("tokens stay on the sphere", lambda x, out: (out["y"] ** 2).sum(-1) - 1,
                lambda x, out, allowed: 2 * (abs(out["y"]) * allowed["y"]).sum(-1) + (allowed["y"] ** 2).sum(-1),
                when=lambda x, modes: modes.get("move", "project") == "project"),
        ),
    ),
    outputs={"climb": along_tangent},
    values=[value("0.16", "one token, by hand", of="climb", n=1, d=2, i=1, x=[["3/5", "4/5"]], u=[["1", "2"]])],
)  # fmt: skip
