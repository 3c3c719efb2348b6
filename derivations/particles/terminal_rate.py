r"""Near consensus all tokens merge at one rate: $e^{-2t}$ for the cosine gaps of SA, whatever $n$ and $\beta$.

Tokens close to a common direction are $x_i = \sqrt{1 - s^2|\xi_i|^2}\,x^* + s\xi_i$ with $\xi_i$ orthogonal to $x^*$.
To first order in $s$ the weights are those of consensus, because their variation multiplies a drift that vanishes:
the tangent coordinates obey $\xi_i' = c(\bar\xi - \xi_i)$ with $c = 1$ (SA) and $c = e^\beta$ (USA). Their mean stays
and the deviations decay like $e^{-ct}$; one minus an inner product is half a squared distance, so it decays like
$e^{-2ct}$. The slopes of the equiangular equation at consensus, $-2$ and $-2e^\beta$, agree. This is a statement
about the limit only: before the last merger a run can be slow for a time exponential in $\beta$.
"""

from dltsym import Eq, Ode, Scope, diff, exp, sqrt, value

v = Scope()
n = v.count("n", "number of tokens")
be = v.real("be", "inverse temperature", latex=r"\beta")
s = v.real("s", "distance to consensus", lo=-1, hi=1)
q = v.array("q", n, "squared lengths of the tangent vectors", lo=0, hi=1)
p = v.array("p", (n, n), "inner products of the tangent vectors")
x = v.array("x", n, "one coordinate of the tangent vectors", latex=r"\xi")
i, j = v.index("i", n), v.index("j", n)
g = v.real("g", "common inner product of equiangular tokens", latex=r"\gamma")
c = v.pos("c", "rate: 1 for SA, exp(beta) for USA")
xbar = v.real("xbar", "mean of the coordinate, at rest", latex=r"\bar\xi")
y, y0 = v.real("y", "coordinate of one token", latex=r"\xi_1"), v.real("y0", "its initial value")
t = v.nonneg("t", "time (depth)")


def inner(a, b, s):
    """Return the inner product of tokens a and b."""
    return sqrt(1 - s**2 * q[a]) * sqrt(1 - s**2 * q[b]) + s**2 * p[a, b]


def drift(s, scale):
    """Return the tangent coordinate of the unnormalised drift of token i, for coordinates times `scale`."""
    return v.sum(lambda j: exp(be * inner(i, j, s)) * (scale * x[j] - inner(i, j, s) * scale * x[i]), n)


def norm(s):
    """Return the normaliser of token i."""
    return v.sum(lambda j: exp(be * inner(i, j, s)), n)


mean = v.sum(lambda j: x[j], n) / n
gap = (s**2 * (q[i] + q[j] - 2 * p[i, j]) + (sqrt(1 - s**2 * q[i]) - sqrt(1 - s**2 * q[j])) ** 2) / 2


def sa(g):
    """Return the speed of the equiangular cosine over 1 - g, SA."""
    return 2 * ((n - 1) * g + 1) / (exp(be * (1 - g)) + n - 1)


def usa(g):
    """Return the speed of the equiangular cosine over 1 - g, USA."""
    return 2 * exp(be * g) * ((n - 1) * g + 1) / n


one = 1 + 0 * n

theorem = v.theorem(
    title="Terminal rate of consensus",
    cite=("geshkovski2025", "derived here; the same local rates are stated in arXiv:2512.01868"),
    claim=[
        Eq(norm(0), n * exp(be)),
        Eq(drift(s, s), s * drift(s, 1)),
        Eq(drift(0, 1) / norm(0), mean - x[i]),
        Eq(drift(0, 1) / n, exp(be) * (mean - x[i])),
        Eq(v.sum(lambda j: mean - x[j], n), 0),
        Ode(
            unknown=y,
            var=t,
            equation=Eq(diff(y, t), c * (xbar - y)),
            solution=xbar + (y0 - xbar) * exp(-c * t),
            start=0,
            initial=y0,
        ),
        Eq(1 - inner(i, j, s), gap),
        Eq(sa(one), 2),
        Eq(usa(one), 2 * exp(be)),
    ],
    outputs={"sa": sa(one), "usa": usa(one)},
    values=[
        value("2", "also fitted to simulations", of="sa", n=8, be="1/2"),
        value("3.29744254140025629", "also fitted to simulations", of="usa", n=8, be="1/2"),
    ],
)
