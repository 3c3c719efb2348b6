r"""One iteration of semi-relaxed attention contracts the sup norm of its potential by exactly $\tau$.

Let $g$ exceed $h$ by at most $D$ in every entry. Log-sum-exp moves by at most as much as its argument, so the row
potentials of $h$ exceed those of $g$ by at most $D$. Wherever row potentials $w$ exceed $u$ by at most $D$, the damped
column step gives potentials of which that of $u$ exceeds that of $w$ by at most $\tau D$, $\tau = \rho/(\rho +
\varepsilon)$. With $u$ and $w$ the row potentials of $g$ and $h$ the next $g$ thus exceeds the next $h$ by at most
$\tau D$, and with $g$ and $h$ exchanged this bounds the sup norm. A constant shift of $g$ comes back as $\tau$ times
itself: the factor is attained. At $\rho = \infty$ ($\tau = 1$) a shift stays for ever.
"""

from dltsym import Eq, Scope, derive, exp, log, value

v = Scope()
n, m = v.count("n", "number of queries"), v.count("m", "number of keys")
eps = v.pos("eps", "temperature, in units of the scores", latex=r"\varepsilon")
rho = v.pos("rho", "price of leaving the column marginal", latex=r"\rho")
S, g, h = v.array("S", (n, m), "scores"), v.array("g", m, "potential"), v.array("h", m, "another potential")
a, b = (v.array(x, s, "mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
u, w = v.array("u", n, "row potential"), v.array("w", n, "another row potential")
D, t = v.nonneg("D", "largest excess of one potential over the other"), v.real("t", "shift of all potentials")
i, j = v.index("i", n), v.index("j", m)
tau = v.let("tau", rho / (rho + eps), "damping of the column step", latex=r"\tau")


def mass(x, i, *t):
    """Return the normaliser of row i."""
    return v.sum(lambda s: b[s] * exp((sum(t, x[s]) + S[i, s]) / eps), m)


def part(x, j, *t):
    """Return the normaliser of column j."""
    return v.sum(lambda r: a[r] * exp((sum(t, x[r]) + S[r, j]) / eps), n)


def row(x, i, *t):
    """Return the row potential that the row step gives."""
    return -eps * log(mass(x, i, *t))


def column(x, j, *t):
    """Return the column potential that the damped column step gives."""
    return -tau * eps * log(part(x, j, *t))


def moves(low, high, total, name):
    """Return the chains that bound the logarithm of one normaliser by that of the other."""
    return [
        derive(total(low)).le(total(high, D), "term by term", by=name, hint="termwise")
        .eq(exp(D / eps) * total(high), "a common factor").named(f"{name}: sums"),
        derive(log(total(low))).le(log(exp(D / eps) * total(high)), "log is increasing", by=f"{name}: sums")
        .eq(D / eps + log(total(high)), "log of a product").named(f"{name}: logs"),
    ]  # fmt: skip


theorem = v.theorem(
    title="Sup-norm contraction of semi-relaxed attention",
    cite=("chizat2018", "scaling algorithms; the factor is derived here"),
    given=[g[j] - h[j] <= D, w[i] - u[i] <= D],
    claim=[
        row(h, i) - row(g, i) <= D,
        column(u, j) - column(w, j) <= tau * D,
        Eq(row(g, i, t), row(g, i) - t),
        Eq(column(u, j, -t), column(u, j) + tau * t),
    ],
    proof=[
        derive(g[j]).le(h[j] + D).named("columns"),
        *moves(g, h, lambda x, *t: mass(x, i, *t), "columns"),
        derive(row(h, i) - row(g, i)).le(D, by="columns: logs"),
        derive(w[i]).le(u[i] + D).named("rows"),
        *moves(w, u, lambda x, *t: part(x, j, *t), "rows"),
        derive(column(u, j) - column(w, j)).le(tau * D, by="rows: logs"),
    ],
    outputs={"tau": tau, "row": row(g, i)},
    values=[
        value("2/3", "the sup-norm factor", of="tau", digits=12, rho=1, eps="0.5"),
        value("0.9995", "the same", of="tau", digits=4, rho=1000, eps="0.5"),
    ],
)
