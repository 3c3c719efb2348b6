r"""Bennett's exponent is at least Bernstein's.

Bennett's inequality has the exponent $h(x) = (1 + x)\log(1 + x) - x$, exact for Poisson tails but awkward to invert.
Bernstein's rational lower bound can be solved for $x$, agrees to third order at 0, and has the wrong growth for large
$x$: there $h$ grows like $x \log x$ and the bound like $3x/2$ only.
"""

from dltsym import Scope, derive, log, value

v = Scope()
x = v.nonneg("x", "deviation times range over variance")
h = v.let("h", (1 + x) * log(1 + x) - x, "Bennett's exponent")

theorem = v.theorem(
    title="Bennett's exponent dominates Bernstein's",
    cite=("boucheron2013", "Section 2.7, comparison of Bennett's and Bernstein's inequalities; number not confirmed"),
    claim=h >= x**2 / (2 * (1 + x / 3)),
    proof=derive(h).ge(x**2 / (2 * (1 + x / 3)), "both vanish to second order at 0", hint="x @ 0 +"),
    kind="lower bound",
    tight={x: 0},
    outputs={"exponent": h, "bound": x**2 / (2 * (1 + x / 3))},
    values=[
        value("0.386294361119891", "2 log 2 - 1", of="exponent", x=1),
        value("0.375", "3/8, against 2 log 2 - 1 = 0.386", of="bound", x=1),
    ],
)
