r"""Pinsker's inequality for Bernoulli laws.

Relative entropy dominates twice the squared difference of the means. Fix $q$ and move $p$: both sides vanish with
zero slope at $p = q$, and the derivative of their difference is $(p - q)(2p - 1)^2/(p(1 - p))$, which has the sign of
$p - q$. The two ends $q = 0$ and $q = 1$ (where $0 \log 0 = 0$) are proved separately by the checker. Laws on more
outcomes are in `information.pinsker_l1`.
"""

from dltsym import Scope, derive, kl_bernoulli, value

v = Scope()
q = v.prob("q", "first mean, for example an empirical risk")
p = v.prob("p", "second mean, for example a true risk", open=True)
w = v.prob("w", "first mean strictly between 0 and 1", open=True)

theorem = v.theorem(
    title="Pinsker's inequality (Bernoulli form)",
    cite=("cover2006", "Lemma 11.6.1"),
    claim=[
        kl_bernoulli(q, p) >= 2 * (p - q) ** 2,
        "diff(kl(w, p) - 2*(p - w)**2, p) = (p - w)*(2*p - 1)**2/(p*(1 - p))",
    ],
    proof=derive(kl_bernoulli(q, p)).ge(2 * (p - q) ** 2, "ladder from the contact p = q", hint="p @ q"),
    tight={q: p},
    outputs={"kl": kl_bernoulli(q, p), "bound": 2 * (p - q) ** 2},
    values=[
        value("0.338919144154881", "0.4 log(7/3)", of="kl", q="0.3", p="0.7"),
        value("0.32", "2 * 0.4^2", of="bound", q="0.3", p="0.7"),
        value("0.105360515657826", "-log(0.9), the end q = 0", of="kl", q=0, p="0.1"),
    ],
)
