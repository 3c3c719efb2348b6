r"""The best smoothing weight for a complexity of $C$ nats per token.

Smoothing with weight $\alpha$ costs $-\log(1-\alpha)$ and widens the loss range, which the bound pays for with
$C\log(1/\alpha)$. The sum has one minimum, at $\alpha = C/(1+C)$, and its value is an entropy-like function of $C$.
The usual $\sqrt{2C}$ is a looser closed form for it.
"""

from dltsym import Convex, Optimum, Scope, exp, log, value

v = Scope()
C = v.pos("C", "complexity per token", unit="nat")
al = v.prob("al", "smoothing weight", open=True, latex=r"\alpha")
t = v.real("t", "log odds of the weight")
h = v.let("h", (1 + C) * log(1 + C) - C * log(C), "cost of smoothing at its best", unit="nat", latex="h_2")

theorem = v.theorem(
    title="Optimal smoothing weight",
    cite=("finzi2025", "smoothing term of the compute-optimal bound; exact minimum derived here"),
    claim=Optimum(
        "min",
        C * log(1 / al) - log(1 - al),
        over=(al,),
        at={al: C / (1 + C)},
        value=h,
        proof=Convex(t, inverse=log(al / (1 - al)), param={al: 1 / (1 + exp(-t))}),
    ),
    outputs={"weight": C / (1 + C), "cost": h},
    values=[
        value("0.3612033037682758", "C = 1/9", of="cost", C="1/9"),
        value("1.386294361119891", "2 ln 2 at C = 1", of="cost", C=1),
        value("0.3445536321", "3 bits per parameter at 20 tokens per parameter", of="cost", C="0.103972077084"),
    ],
)
