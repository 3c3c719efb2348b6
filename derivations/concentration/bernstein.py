r"""The one-step lemma behind Bernstein's inequality.

A centred variable bounded above by $b$ with variance $v$ has
$\log E e^{sX} \le v (e^{sb} - 1 - sb)/b^2$; with $x = sb$ the bound below turns this into the sub-gamma form
$s^2 v / (2(1 - sb/3))$. It has a pole at $x = 3$, which is why the step size of a Bernstein argument is capped.
"""

from dltsym import Scope, derive, exp, value

v = Scope()
x = v.real("x", "step size times range", lo=0, hi=3, hi_open=True)

theorem = v.theorem(
    title="Sub-gamma bound of the exponential remainder",
    cite=("boucheron2013", "Section 2.8, proof of Bernstein's inequality; number not confirmed"),
    claim=exp(x) - 1 - x <= x**2 / (2 * (1 - x / 3)),
    proof=derive(exp(x) - 1 - x).le(x**2 / (2 * (1 - x / 3)), "compare power series at 0", hint="x @ 0 +"),
    kind="upper bound",
    tight={x: 0},
    outputs={"remainder": exp(x) - 1 - x, "bound": x**2 / (2 * (1 - x / 3))},
    values=[
        value("0.718281828459045", "e - 2", of="remainder", x=1),
        value("0.75", "3/4, against e - 2 = 0.718", of="bound", x=1),
    ],
)
