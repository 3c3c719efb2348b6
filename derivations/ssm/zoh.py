r"""Zero-order hold is exact for a held input.

One mode of a state space model with a constant input over a step has the exact solution $e^{at}x_0 +
\frac{e^{at}-1}{a} b u$, and two half steps compose to one step. For an input that is sampled rather than held the
rule is only first-order accurate. At $a = 0$ the second coefficient is its limit $t b$, written with $\varphi_1$.
"""

from dltsym import Eq, Ne, Ode, Scope, derive, diff, exp, phi1, value

v = Scope()
t = v.nonneg("t", "time since the start of the step")
a = v.real("a", "state coefficient of one mode")
b = v.real("b", "input coefficient")
u = v.real("u", "input held over the step")
x0 = v.real("x0", "state at the start of the step")
x = v.real("x", "state")
step = v.pos("h", "step size", latex=r"\Delta")


def flow(time, start):
    """Return the state after `time` from `start`."""
    return exp(a * time) * start + (exp(a * time) - 1) / a * b * u


theorem = v.theorem(
    title="Zero-order hold discretisation",
    cite=("gu2023", "equation (4)"),
    given=Ne(a, 0),
    claim=[
        Ode(unknown=x, var=t, equation=Eq(diff(x, t), a * x + b * u), solution=flow(t, x0), start=0, initial=x0),
        Eq(flow(step, x0), flow(step / 2, flow(step / 2, x0))),
    ],
    proof=derive(flow(step, x0)).eq(flow(step / 2, flow(step / 2, x0)), "two half steps"),
    outputs={"A_bar": exp(a * step), "B_bar": step * b * phi1(a * step)},
    values=[
        value("1.648721270700128", "scipy test_cont2discrete", of="A_bar", a=1, b="0.5", h="0.5"),
        value("0.324360635350064", "scipy test_cont2discrete", of="B_bar", a=1, b="0.5", h="0.5"),
        value("0.9999999999995", "cancellation probe", of="B_bar", a="-1e-12", b=1, h=1),
    ],
)
