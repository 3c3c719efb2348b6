r"""A power of order below one lies below its tangent (Bernoulli's inequality for exponents in the unit interval).

For $0 < \beta < 1$ and positive $x$, $x^{1-\beta} \le 1 + (1 - \beta)(x - 1)$, with equality at $x = 1$ only. Orders
above one are in `information.power_tangent`; outside the unit interval the inequality turns round.
"""

from dltsym import Break, Scope, derive, value

v = Scope()
x = v.pos("x", "base")
be = v.prob("be", "1 minus the order", open=True, latex=r"\beta")

theorem = v.theorem(
    title="Tangent of a concave power at 1",
    cite=("hardy1952", "Section 2.15, Theorem 42; number not confirmed"),
    claim=x ** (1 - be) <= 1 + (1 - be) * (x - 1),
    proof=derive(x ** (1 - be)).le(1 + (1 - be) * (x - 1), "ladder from the contact x = 1", hint="x @ 1"),
    tight={x: 1},
    outputs={"power": x ** (1 - be)},
    values=[value("2.82842712474619", "8 to the 1/2", x=8, be="1/2")],
    breaks=[Break({"x": 2, "be": -1}, "an order of 2")],
)
