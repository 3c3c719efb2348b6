r"""The one-step lemma behind Bennett's inequality.

For $u \le 1$ the exponential remainder is at most quadratic: $e^{cu} - 1 - cu \le u^2(e^c - 1 - c)$, with equality at
$u = 0$ and $u = 1$. Both sides and their slopes in $c$ vanish at $c = 0$, and the second slopes differ by $u^2(e^c -
e^{cu}) \ge 0$. At $c = 1$ it is the form $e^x \le 1 + x + (e - 2)x^2$ of empirical Bernstein bounds. For $u > 1$ it
is false.
"""

from dltsym import Break, Scope, derive, exp, value

v = Scope()
c, u = v.nonneg("c", "step size times the largest value"), v.real("u", "value over the largest value", hi=1)

theorem = v.theorem(
    title="Quadratic bound of the exponential remainder",
    cite=("boucheron2013", "Section 2.7, proof of Bennett's inequality; number not confirmed"),
    claim=exp(c * u) - 1 - c * u <= u**2 * (exp(c) - 1 - c),
    proof=derive(exp(c * u) - 1 - c * u).le(u**2 * (exp(c) - 1 - c), "equal to second order at c = 0", hint="c @ 0"),
    kind="upper bound",
    tight=[{u: 0}, {u: 1}],
    outputs={"remainder": exp(c * u) - 1 - c * u, "bound": u**2 * (exp(c) - 1 - c)},
    values=[
        value("0.718281828459045", "e - 2, the contact u = 1", of="remainder", c=1, u=1),
        value("0.718281828459045", "e - 2, at u = -1 against 1/e", of="bound", c=1, u=-1),
    ],
    breaks=[Break({"c": 1, "u": 2}, "a value above the largest")],
)
