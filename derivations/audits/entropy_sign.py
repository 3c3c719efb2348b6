r"""Minimising cost plus entropy is not entropic regularisation.

A restatement of one-sided attention minimises $\sum_j p_j C_j + \tau H(p)$ with $H = -\sum p\log p$. That objective
is concave: its minimum is at a vertex, the cheapest key. Softmax minimises cost minus $\tau H$. With costs $(0, 1)$
and $\tau = 1$ the vertex has objective 0 and softmax 0.85.
"""

from dltsym import Scope, exp, value, xlogx

v = Scope()
C, tau = v.pos("C", "cost of the second key, the first costs 0"), v.pos("tau", "temperature", latex=r"\tau")
p = v.let("p", 1 / (1 + exp(C / tau)), "softmax weight of the second key")
H = v.let("H", -xlogx(p) - xlogx(1 - p), "entropy of softmax", unit="nat")

audit = v.audit(
    title="The entropy has the wrong sign",
    source=("litman2025", "secondary restatements of the paper, not the paper"),
    prints="softmax minimises sum p_j C_j + tau H(p), with H(p) = -sum p log p",
    claim=p * C + tau * H <= 0,
    at={"C": 1, "tau": 1},
    verdict="holds with correction",
    corrected="It minimises sum p_j C_j - tau H(p); the certificate tau KL(p || softmax) >= 0 detects the wrong sign.",
    outputs={"softmax": p * C + tau * H, "right": p * C - tau * H},
    values=[
        value("0.851144530258213", "softmax, wrong sign; the vertex has 0", of="softmax", C=1, tau=1),
        value("-0.313261687518223", "softmax, right sign", of="right", C=1, tau=1),
    ],
    see=("information.gibbs_identity", "attention.one_sided_eot"),
)
