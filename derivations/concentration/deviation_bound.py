r"""From a bound of the variance to one of the standard deviation: the algebra of empirical Bernstein bounds.

On the unit scale let the mean be off by at most $D \le \sigma g + g^2/6$ and let the variance be at most the measured
one plus $D^2 + \sigma g$. A deviation of at most $1/2$ is then at most the measured one plus $\frac43 g$: for larger
$g$ there is nothing to show, and for smaller ones the quadratic decides.
"""

from dltsym import Break, Scope, value

v = Scope()
g = v.nonneg("g", "root of twice the log-confidence per sample")
s, w = v.nonneg("s", "standard deviation"), v.nonneg("w", "measured standard deviation")
D = v.nonneg("D", "error of the mean")

theorem = v.theorem(
    title="Standard deviation from a quadratic",
    cite=("audibert2009", "proof of Theorem 1; the constant 4/3 is derived here"),
    given=[D <= s * g + g**2 / 6, s**2 <= w**2 + D**2 + s * g, 2 * s <= 1],  # noqa: SIM300
    claim=s <= w + 4 * g / 3,
    outputs={"bound": w + 4 * g / 3},
    breaks=[Break({"D": "33/50", "s": 1, "g": "3/5", "w": 0}, "a deviation above 1/2")],
    values=[value("0.5", "w = 0.1, g = 0.3", w="0.1", g="0.3", of="bound")],
)
