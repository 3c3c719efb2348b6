r"""The derivative of the balanced plan, computed: one regular linear system.

The system of the implicit derivative is singular, with null vector $(1, -1)$. Adding that direction, $\sigma = \sum_i
x_i - \sum_j y_j$ to every row equation and $-\sigma$ to every column equation, makes it regular; and since its right
side is orthogonal to the null vector, the solution has $\sigma = 0$: it solves the old system. The algorithm encloses
the plan by the contraction of Sinkhorn's map (Birkhoff and Hopf), eliminates, and returns $n\,dP$ for marginals $1/n$
and $1/m$.
"""

from dltsym import Eq, Scope, value

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
S, D = v.array("S", (n, m), "scores"), v.array("D", (n, m), "direction of the scores", latex="dS")
P = v.array("P", (n, m), "balanced plan", lo=0)
x, y = v.array("x", n, "derivative of f"), v.array("y", m, "derivative of g")
gauge = v.let("sig", v.sum(lambda r: x[r], n) - v.sum(lambda s: y[s], m), "gauge part", latex=r"\sigma")


def derivative(m, S, D, eps):
    """Enclose n dP for marginals 1/n and 1/m: contraction certifies P, elimination solves the system."""
    rows, keys = range(len(S)), range(len(S[0]))
    K = [[m.exp(s / eps) for s in line] for line in S]
    flipped = [list(c) for c in zip(*K, strict=True)]

    def half(matrix, w):
        return [1 / (len(matrix) * m.sum(k * z for k, z in zip(line, w, strict=True))) for line in matrix]

    w = [m.number(1) for _ in keys]
    for _ in range(120):
        w = [m.middle(z) for z in half(flipped, half(K, w))]
    last = half(flipped, half(K, w))
    ratios = [m.log(p / q) for p, q in zip(last, w, strict=True)]
    odds = [[m.log(p / q) for p, q in zip(r, s, strict=True)] for r in K for s in K]
    kappa2 = m.tanh(m.max([m.max(o) - m.min(o) for o in odds]) / 4) ** 2
    factor = m.exp(m.widen(0, kappa2 * (m.max(ratios) - m.min(ratios)) / (1 - kappa2)))
    P = [
        [u * k * z * factor for k, z in zip(line, last, strict=True)] for u, line in zip(half(K, last), K, strict=True)
    ]
    wide = [[0] * len(rows) + line for line in P] + [list(c) + [0] * len(keys) for c in zip(*P, strict=True)]
    signs = [1] * len(rows) + [-1] * len(keys)  # adding the gauge direction makes the system regular
    moves = [-m.sum(p * d for p, d in zip(line, move, strict=True)) for line, move in zip(P, D, strict=True)]
    moves += [-m.sum(P[r][s] * D[r][s] for r in rows) for s in keys]
    A = [
        [z + p * q + (m.sum(line) if k == c else 0) for c, (z, q) in enumerate(zip(line, signs, strict=True))] + [move]
        for k, (line, p, move) in enumerate(zip(wide, signs, moves, strict=True))
    ]
    for c in range(len(A)):
        A = [q if k == c else [s - q[c] / A[c][c] * z for s, z in zip(q, A[c], strict=True)] for k, q in enumerate(A)]
    z = [line[-1] / line[k] for k, line in enumerate(A)]
    return {"dP": [[len(P) * P[r][s] * (D[r][s] + z[r] + z[len(P) + s]) / eps for s in keys] for r in rows]}


def rows(body):
    """Return the sum over row equations of the regular system, by the shift of an entry."""
    return v.sum(lambda r: v.sum(lambda s: P[r, s] * body(r, s), m) + gauge, n)


def columns(body):
    """Return the sum over column equations of the regular system, by the shift of an entry."""
    return v.sum(lambda s: v.sum(lambda r: P[r, s] * body(r, s), n) - gauge, m)


unit = [[1 if (r, s) == (1, 2) else 0 for s in range(6)] for r in range(4)]
scores = [[f"sin({(r + 1) * (s + 2)})" for s in range(6)] for r in range(4)]
found = [("2,3", "0.146622085495936"), ("1,1", "-0.0133394083915871"), ("4,6", "0.0149664221297105")]

theorem = v.theorem(
    title="Regular system for the derivative of the balanced plan",
    cite=("sander2022", "balanced attention; the system is derived here"),
    claim=Eq(rows(lambda r, s: x[r] + y[s]) - columns(lambda r, s: x[r] + y[s]), (n + m) * gauge),
    outputs={"gauge": gauge},
    algorithm=derivative,
    computes=("dP",),
    values=[value(number, "unit direction", of=f"dP[{at}]", S=scores, D=unit, eps="1/2") for at, number in found],
)
