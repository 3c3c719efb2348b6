r"""Paying $\log(2\sqrt m)$ and then minimising over $\lambda$ is right.

It can look as if a bound of Catoni's type had paid for a union it does not use. The payment is what makes the bound
hold for all $\lambda$ at once: each bound is then implied by the one event of the kl form, and the least over
$\lambda$ is its inverse. It would be too much only for a $\lambda$ fixed before the data.
"""

from dltsym import Scope, exp, kl_bernoulli, value

v = Scope()
q, p = v.prob("q", "empirical risk"), v.prob("p", "true risk", open=True)
C = v.pos("C", "any value, also one chosen after the data")

audit = v.audit(
    title="A Catoni bound minimised after paying for the kl form",
    source=("nozawa2020", "the contrastive PAC-Bayes bound"),
    prints="the bound with log(2 sqrt(m)/delta) may be minimised over lambda",
    claim=(1 - exp(-C)) * p <= 1 - exp(-C * q - kl_bernoulli(q, p)),
    verdict="holds",
    corrected="Nothing to correct. With lambda fixed before the data, log(1/delta) would do.",
    outputs={"left": (1 - exp(-C)) * p, "right": 1 - exp(-C * q - kl_bernoulli(q, p))},
    values=[
        value("0.189636167648567", "C = 1, q = 0.1, p = 0.3", of="left", digits=15, C=1, q="0.1", p="0.3"),
        value("0.194523907063", "C = 1, q = 0.1, p = 0.3", of="right", C=1, q="0.1", p="0.3"),
    ],
    see=("pac_bayes.catoni_uniform", "information.kl_dual"),
)
