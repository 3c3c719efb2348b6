r"""The unnormalised bound near consensus needs two tokens.

A remark of the paper gives $1 - \gamma(t) \le \frac12\exp(-e^{\beta/2}(t - n/2))$ for the unnormalised model. With $n
= 1$, $\beta = 0$, $t = 0$ the right side is 0.82, below 1. The paper assumes $n \ge 2$ throughout; then it holds from
$t = n/2$ on, and a search found no failure earlier.
"""

from dltsym import Scope, exp, value

v = Scope()
n = v.count("n", "number of tokens")
t = v.nonneg("t", "time")
bound = v.let("B", exp(-(t - n / 2)) / 2, "printed bound at beta = 0")

audit = v.audit(
    title="The unnormalised bound near consensus needs two tokens",
    source=("geshkovski2025", "appendix D of the preprint, remark labelled usa.d; second-hand"),
    prints="1 - gamma(t) <= (1/2) exp(-e^(beta/2)(t - n/2)), n not restricted where it is stated",
    claim=1 + 0 * t <= bound,
    given="t = 0",
    at={"n": 1, "t": 0},
    verdict="holds with correction",
    corrected="For n >= 2 (the standing assumption) and t >= n/2.",
    outputs={"bound": bound},
    values=[
        value("0.824360635350064", "n = 1", of="bound", n=1, t=0),
        value("1.35914091422952", "n = 2", of="bound", n=2, t=0),
    ],
    see=("particles.halfway_bound",),
)
