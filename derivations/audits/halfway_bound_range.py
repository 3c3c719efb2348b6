r"""The exponential bound near consensus does not hold from time zero.

For orthogonal tokens the paper's appendix states $1 - \gamma(t) \le \frac12\exp(\frac{n}{n + e^{\beta/2}}(\frac{n
e^\beta}{2} - t))$ for all $t \ge 0$. At $n = 2$, $\beta = 0$ ($\gamma = \tanh t$) it fails at $t = 0$, and up to $t =
0.0717\ldots$; at $n = 2$ it fails at $t = 0$ for every $\beta$ below the root enclosed here. For $n = 3$ it holds at
$t = 0$ already, and a search over $n$ from 3 to 128 and $\beta$ up to 4 found no failure (no proof). The derivation
is right from $t = n e^\beta/2$ on.
"""

from dltsym import Scope, exp, tanh, value

v = Scope()
t = v.nonneg("t", "time")
n = v.count("n", "number of tokens", lo=2)
last, warm = v.real("last", "last time at which it fails"), v.real("warm", "root in beta at t = 0")
bound = v.let("B", exp(2 * (1 - t) / 3) / 2, "printed bound at n = 2, beta = 0")
start = v.let("s", exp(n**2 / (2 * (n + 1))) / 2, "printed bound at t = 0, beta = 0")


def fixture(m, t):
    """Enclose the two ends of the range in which the printed bound fails for two tokens."""

    def excess(t):
        return m.log(2 * (1 - m.tanh(t))) - 2 * (1 - t) / 3

    def edge(be):
        return 4 * m.exp(be) / (2 * (2 + m.exp(be / 2))) - m.log(2)

    return {"last": m.root(excess, 0, 1), "warm": m.root(edge, -2, 2)}


audit = v.audit(
    title="The bound near consensus needs a time to start",
    source=("geshkovski2025", "appendix D of the preprint, bound labelled e:ybetacloseto1; second-hand"),
    prints="1 - gamma(t) <= (1/2) exp(n/(n + e^(beta/2)) (n e^beta/2 - t)) for all t >= 0",
    claim=1 - tanh(t) <= bound,
    at={"t": 0},
    fixture=fixture,
    verdict="holds with correction",
    corrected="It holds for t >= n e^beta/2.",
    outputs={"bound": bound, "last": last, "warm": warm, "start": start},
    values=[
        value("0.973867020527338", "n = 2, beta = 0, t = 0: less than 1", of="bound", t=0),
        value("0.0717302975875201", "fails up to here", of="last"),
        value("1.54011", "n = 3 at t = 0: more than 1", of="start", digits=6, n=3),
    ],
    see=("particles.halfway_bound",),
)
