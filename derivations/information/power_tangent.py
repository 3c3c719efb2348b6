r"""A power of order above one lies above its tangent (Bernoulli's inequality for real exponents).

For $\alpha = 1 + \beta > 1$ and positive $x$, $x^\alpha \ge \alpha x - \beta$, with equality at $x = 1$ only.
"""

from dltsym import Scope, derive, value

v = Scope()
x = v.pos("x", "base")
be = v.pos("be", "order minus 1", latex=r"\beta")

theorem = v.theorem(
    title="Tangent of a power at 1",
    cite=("hardy1952", "Section 2.15, Theorem 42; number not confirmed"),
    claim=x * x**be >= x + be * (x - 1),
    proof=derive(x * x**be).ge(x + be * (x - 1), "ladder from the contact x = 1", hint="x @ 1"),
    tight={x: 1},
    outputs={"power": x * x**be},
    values=[value("2.82842712474619", "2 to the 3/2", x=2, be="1/2")],
)
