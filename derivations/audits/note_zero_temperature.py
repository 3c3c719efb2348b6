r"""At temperature zero softmax is uniform on the set of maximisers, not one-hot.

The table of the note says "approximately one-hot". With scores $(1, 1, 0, -2)$ the first weight never exceeds one
half; it tends to $(1/2, 1/2, 0, 0)$. The table completed: $\varepsilon \to 0$ the set of maximisers, $\varepsilon =
\sqrt d$ on raw scores standard attention, $\varepsilon \to \infty$ uniform, within $R/(4\varepsilon)$ in total
variation for scores of range $R$.
"""

from fractions import Fraction

from dltsym import Scope, exp, value

v = Scope()
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
first = v.let("p", exp(1 / eps) / (2 * exp(1 / eps) + 1 + exp(-2 / eps)), "first weight of scores 1, 1, 0, -2")

audit = v.audit(
    title="Low temperature is uniform on ties, not one-hot",
    source=("note000", "section 1, table of temperatures"),
    prints="eps -> 0: attention is approximately one-hot",
    claim=first >= Fraction(9, 10),
    at={"eps": "1/100"},
    verdict="holds with correction",
    corrected="It tends to the uniform law on the set of maximisers; one-hot needs a gap between the two best scores.",
    outputs={"first": first, "both": 2 * first},
    values=[
        value("0.5", "almost cold", of="first", digits=12, eps="1/100"),
        value("0.935535068471642", "eps = 1/2", of="both", eps="1/2"),
        value("0.990922268562679", "eps = 1/4", of="both", eps="1/4"),
    ],
    see=("attention.argmax_ties", "information.uniform_limit"),
)
