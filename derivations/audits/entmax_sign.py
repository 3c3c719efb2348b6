r"""The documentation of entmax has a sign that its code does not have.

It says that the map maximises $\langle x, p\rangle - H_\alpha(p)$ with $H_\alpha$ the Tsallis entropy. The code
computes the maximiser with a plus. For scores $(1, 1/2)$ and $\alpha = 2$ it returns $(3/4, 1/4)$, and the printed
objective is larger at the vertex.
"""

from dltsym import Scope, value

v = Scope()
x, y = v.real("x", "first score"), v.real("y", "second score")
p = v.let("p", (1 + x - y) / 2, "first weight of sparsemax, for scores less than 1 apart")
H = v.let("H", (1 - p**2 - (1 - p) ** 2) / 2, "Tsallis entropy at alpha = 2")

audit = v.audit(
    title="Entmax maximises score plus entropy",
    source=("peters2019", "docstrings of the library, not the paper"),
    prints="entmax is the maximiser of <x, p> - H_alpha(p)",
    claim=p * x + (1 - p) * y - H >= x,
    at={"x": 1, "y": "1/2"},
    verdict="holds with correction",
    corrected="It maximises <x, p> + H_alpha(p).",
    outputs={"printed": p * x + (1 - p) * y - H, "right": p * x + (1 - p) * y + H},
    values=[
        value("11/16", "printed objective; the vertex has 1", of="printed", x=1, y="1/2"),
        value("17/16", "right objective; the vertex has 1", of="right", x=1, y="1/2"),
    ],
    see=("attention.entmax",),
)
