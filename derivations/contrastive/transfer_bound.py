r"""From a contrastive loss to the loss of a linear probe.

Both bounds add a constant that depends on the number of classes $K$, the number of negatives $m$ and the temperature,
and the spread $\sigma$ of a class about its mean. The first (van Elst and Ghoshdastidar, Theorem 3) multiplies the
contrastive loss by $\tau$, the second (Bao et al.) divides $\sigma$ by it; the constant of the first is never
negative, that of the second can be, for many negatives. Both are cited; what is proved is how the constants compare.
"""

from dltsym import Scope, cosh, derive, log, min_, premise, value

v = Scope()
K, m = v.count("K", "classes"), v.count("m", "negatives", latex="m^-")
tau = v.pos("tau", "temperature", latex=r"\tau")
L, probe, other = (
    v.real("L", "contrastive loss"),
    v.real("P", "loss of the probe"),
    v.real("Q", "the same in Bao's normalisation"),
)
sigma = v.nonneg("sigma", "mean distance to the mean of the class", latex=r"\sigma")
many = v.let("b", log(K / m * cosh(1 / tau) ** 2), "constant of Bao et al.")
own = min_(log(cosh(1) ** 2), tau * many) + log(K)

theorem = v.theorem(
    title="Contrastive loss and the loss of a linear probe",
    cite=("vanelst2025", "Theorem 3; formula from the authors' code"),
    given=[
        premise("probe", probe <= tau * L + sigma + own, ("vanelst2025", "Theorem 3; formula from the authors' code")),
        premise("Bao", other <= L + sigma / tau + many, ("bao2022", "main bound; number not confirmed")),
    ],
    claim=[probe <= tau * L + sigma + log(cosh(1) ** 2) + log(K), probe <= tau * (L + sigma / tau + many) + log(K)],
    proof=[
        derive(probe)
        .le(tau * L + sigma + own, "Theorem 3", by="probe")
        .le(tau * L + sigma + log(cosh(1) ** 2) + log(K), "a minimum", hint="reduction"),
        derive(probe)
        .le(tau * L + sigma + own, "Theorem 3", by="probe")
        .le(tau * L + sigma + tau * many + log(K), "a minimum", hint="reduction")
        .eq(tau * (L + sigma / tau + many) + log(K), "collect"),
    ],
    kind="upper bound",
    outputs={"constant": own, "Bao": many, "cap": log(cosh(1) ** 2)},
    values=[
        value("2.01814992792", "ten classes, 250 negatives, temperature 1/2", of="constant", K=10, m=250, tau="0.5"),
        value("-0.568870330152", "the same", of="Bao", K=10, m=250, tau="0.5"),
        value("0.8675616610", "log cosh(1)^2", of="cap"),
    ],
)
