"""Statements for functions that nobody here wrote, as a user would write them: an expression each."""

from functools import cache

from dltsym import Scope, erf, exp, iterate, log, phi1, scan_over, sqrt
from dltsym.notation.calls import erfc
from dltsym.notation.tree import Expr


@cache
def softmax() -> Expr:
    v = Scope()
    n = v.count("n")
    x, i = v.array("x", n), v.index("i", n)
    return exp(x[i]) / v.sum(lambda j: exp(x[j]), n)


@cache
def logsumexp() -> Expr:
    v = Scope()
    n = v.count("n")
    x = v.array("x", n)
    return log(v.sum(lambda j: exp(x[j]), n))


@cache
def log_softmax() -> Expr:
    v = Scope()
    n = v.count("n")
    x, i = v.array("x", n), v.index("i", n)
    return x[i] - log(v.sum(lambda j: exp(x[j]), n))


@cache
def expm1() -> Expr:
    v = Scope()
    n = v.count("n")
    return exp(v.array("x", n)[v.index("i", n)]) - 1


@cache
def gelu() -> Expr:
    v = Scope()
    n = v.count("n")
    x = v.array("x", n)[v.index("i", n)]
    return x * (1 + erf(x / sqrt(2))) / 2


@cache
def stable_gelu() -> Expr:
    """The same function without the cancellation."""
    v = Scope()
    n = v.count("n")
    x = v.array("x", n)[v.index("i", n)]
    return x * erfc(-x / sqrt(2)) / 2


@cache
def cross_entropy() -> Expr:
    v = Scope(base=0)
    n, c = v.count("n"), v.count("c")
    z = v.array("z", (n, c))
    y = v.array("y", n, lo=0, hi=c - 1, entries="integer")
    return v.sum(lambda r: log(v.sum(lambda j: exp(z[r, j]), c)) - z[r, y[r]], n) / n


@cache
def layer_norm() -> Expr:
    v = Scope()
    d = v.count("d")
    x, g, b = (v.array(name, d) for name in ("x", "g", "b"))
    i = v.index("i", d)
    eps = v.pos("eps")
    mean = v.sum(lambda j: x[j], d) / d
    variance = v.sum(lambda j: (x[j] - mean) ** 2, d) / d
    return g[i] * (x[i] - mean) / sqrt(variance + eps) + b[i]


@cache
def plan(rounds: int, damped: bool = False, rows_last: bool = True) -> dict[str, Expr]:
    """Transport plan after a number of full rounds, by scaled potentials from 0; columns first, then rows."""
    v = Scope()
    n, m = v.count("n"), v.count("m")
    C = v.array("M", (n, m))
    a, b = v.array("a", n, lo=0, lo_open=True), v.array("b", m, lo=0, lo_open=True)
    eps = v.pos("reg")
    i, j = v.index("i", n), v.index("j", m)
    rho = v.pos("rho") if damped else None
    kappa = rho / (rho + eps) if rho is not None else 1

    def row(f, g, s):
        return log(a[s]) - log(v.sum(lambda t: exp(g[t] - C[s, t] / eps), m))

    def column(f, g, t):
        return kappa * (log(b[t]) - log(v.sum(lambda s: exp(f[s] - C[s, t] / eps), n)))

    rows, columns = ([n], 0, lambda f, g, s: row(f, g, s)), ([m], 0, lambda f, g, t: column(f, g, t))
    states = {"g": columns, "f": rows} if rows_last else {"f": rows, "g": columns}
    return {"plan": iterate(rounds, states, lambda f, g: exp(f[i] + g[j] - C[i, j] / eps))}


@cache
def unbalanced(rounds: int) -> Expr:
    """Plan of semi-relaxed transport relative to the product of the marginals, rows first, then damped columns."""
    v = Scope()
    n, m = v.count("n"), v.count("m")
    C = v.array("M", (n, m))
    a, b = v.array("a", n, lo=0, lo_open=True), v.array("b", m, lo=0, lo_open=True)
    eps, rho = v.pos("reg"), v.pos("rho")
    i, j = v.index("i", n), v.index("j", m)
    kappa = rho / (rho + eps)
    states = {
        "f": ([n], 0, lambda f, g, s: -log(v.sum(lambda t: b[t] * exp(g[t] - C[s, t] / eps), m))),
        "g": ([m], 0, lambda f, g, t: -kappa * log(v.sum(lambda s: a[s] * exp(f[s] - C[s, t] / eps), n))),
    }
    return iterate(rounds, states, lambda f, g: a[i] * b[j] * exp(f[i] + g[j] - C[i, j] / eps))


@cache
def hold() -> dict[str, Expr]:
    """Zero-order hold of a scalar system."""
    v = Scope()
    n = v.count("n")
    A, B = v.array("A", n, hi=0), v.array("B", n)
    dt = v.pos("dt")
    i = v.index("i", n)
    return {"decay": exp(dt * A[i]), "gain": dt * phi1(dt * A[i]) * B[i]}


@cache
def scan() -> Expr:
    v = Scope()
    n = v.count("n")
    a, x = v.array("a", n, lo=0, hi=1), v.array("x", n)
    t = v.index("t", n)
    return scan_over(t, lambda s, h: a[s] * h + x[s], init=0)
