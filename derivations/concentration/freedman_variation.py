r"""The empirical variation of the Freedman-type bound: its best grid point, and its limit for small complexity.

$v(x) = x - \log(1 + x)$ is at most $x^2/2$ for $x \ge 0$ and at most $x^2/(2(1 + x))$ below. So the variation at $s$
is at most a quadratic in $s$, and for a small complexity $C$ its least value tends to the root of twice the mean
square of guess minus loss. The algorithm takes the least value over the grid of 1000 equispaced points, fixed in
advance, and for a population (exponential losses of mean 3/2, capped just below the scale, with the guess 3/2) the
value at one grid point.
"""

from dltsym import Scope, log, min_, sqrt, value

v = Scope()
n = v.count("n", "number of steps")
W = v.pos("W", "range scale", latex=r"\Delta")
C = v.pos("C", "log(grid size / failure probability) per step", unit="nat")
s = v.prob("s", "grid point of the population", open=True)
X, Y = v.array("X", n, "observed losses"), v.array("Y", n, "predictable guesses")
x = v.real("x", "a scaled score", lo=-1, lo_open=True)
ten = {
    "n": 10, "W": "10.8", "X": ["0.05", "0.2", "0.6", "1.1", "1.9", "2.4", "3.7", "6.2", "0.3", "10.5"],
    "Y": ["0.4", "0.5", "0.9", "1.2", "1.5", 2, "2.2", "3.1", "0.8", 4], "s": "1/2",
}  # fmt: skip


def variation(m, W, C, X, Y, s):
    """Return the least variation of the sample over the grid, and the variation of the population at s."""
    root, a = m.sqrt(C), [(y - x) / W for x, y in zip(X, Y, strict=True)]

    def at(g, waste):
        return W * root * (1 - g) / g + W * waste / (root * g)

    def sample(j):
        g = m.number(2 * j + 1) / 2000
        return at(g, m.sum(g * u - m.log(1 + g * u) for u in a) / len(a))

    def waste(x):
        return s * (m.number(3) / 2 - x) / W - m.log(1 + s * (m.number(3) / 2 - x) / W)

    cap = W * 999 / 1000
    inside = m.integral(lambda x: waste(x) * m.exp(-x * 2 / 3) * 2 / 3, 0, cap)
    return {
        "least": m.min([sample(j) for j in range(1000)]),
        "population": at(s, inside + waste(cap) * m.exp(-cap * 2 / 3)),
    }


theorem = v.theorem(
    title="Empirical variation of the Freedman-type bound",
    cite=("finzi2025", "fully empirical Freedman-type theorem and its discussion; number not confirmed"),
    claim=x - log(1 + x) <= x**2 / (2 * (1 + min_(x, 0))),
    tight={x: 0},
    outputs={"limit": sqrt(2 * v.sum(lambda j: (Y[j] - X[j]) ** 2, n) / n)},
    algorithm=variation,
    computes=("least", "population"),
    values=[
        value("3.2459079687096", "ten steps", of="least", C="1e-4", **ten),
        value("2.6282188522005", "ten steps", of="least", C="1e-2", **ten),
        value("1.2473745869731", "ten steps", of="least", C="1/9", **ten),
        value("3.31639864914", "ten steps", of="limit", **ten),
        value("2.081824732", "exponential losses", of="population", C="1e-5", **{**ten, "s": "0.0325"}),
        value("1.278887239", "exponential losses", of="population", C="1e-2", **{**ten, "s": "0.8065"}),
    ],
)
