r"""The input coefficient of zero-order hold has a limit at a = 0.

The exact coefficient of a held input is the step size times $b$ times $\varphi_1(z) = (e^z - 1)/z$ at $z =
a\Delta$. The formula divides by zero for an integrator, but the singularity is removable: $\varphi_1(z) \to 1$, so
the coefficient tends to the Euler value. For positive $z$ it is larger than 1, so Euler underestimates the input of
an unstable mode.
"""

from dltsym import Scope, derive, exp, phi1, value

v = Scope()
z = v.real("z", "state coefficient times step size")
w = v.pos("w", "state coefficient times step size, unstable mode")

theorem = v.theorem(
    title="Removable singularity of the held-input coefficient",
    cite=("gu2023", "equation (4), at a vanishing eigenvalue"),
    claim=["limit((exp(z) - 1)/z, z, 0) = 1", phi1(w) > 1],
    proof=[
        derive(exp(w) - 1).gt(w, "the exponential lies above its tangent", hint="w @ 0").named("tangent"),
        derive(phi1(w)).eq((exp(w) - 1) / w, "definition").gt(1, "divide by w", by="tangent"),
    ],
    outputs={"phi1": phi1(z)},
    values=[
        value("0.9999999999995", "cancellation probe", of="phi1", z="-1e-12"),
        value("1", "at the singularity", of="phi1", z=0),
        value("1.71828182845905", "e - 1", of="phi1", z=1),
    ],
)
