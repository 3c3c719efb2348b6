r"""A posted certificate is the inverse of relative entropy with its bisection reversed.

A user posts a certificate for 1000 examples of which 403 are right, with $\mathrm{KL} = 2.85 \cdot 10^6$ and $\delta
= 0.05$: error at most 59.70 %. That is the error that was counted. The radius is 2850 nats per example, and the
inverse is 1 up to $e^{-7073}$: the bound says nothing. The other posted numbers (Hoeffding, empirical Bernstein,
Wilson) are right.
"""

from dltsym import Scope, exp, log, sqrt, value

v = Scope()
n, D = v.count("n", "examples"), v.nonneg("D", "KL(posterior || prior)", unit="nat")
q, dlt = v.prob("q", "empirical risk"), v.prob("dlt", "failure probability", open=True, latex=r"\delta")
posted = v.prob("posted", "posted bound")
t = v.real("t", "minus the logarithm of 1 minus the inverse")


def fixture(m, n, D, q, dlt, posted):
    """Solve kl(q || 1 - exp(-t)) = c for t, the form that keeps its digits near 1."""
    c = (D + m.log(2 * m.sqrt(m.number(n)) / dlt)) / n
    entropy = m.binary_entropy(q)
    return {"t": m.root(lambda t: (1 - q) * t - entropy - q * m.log1p(-m.exp(-t)) - c, m.number(1), m.number(10**6))}


point = {"n": 1000, "D": 2850000, "q": "0.597", "dlt": "0.05", "posted": "0.597"}
audit = v.audit(
    title="A certificate that is the empirical error",
    source=("hrm_issue", "issue 85, certificate by relative entropy"),
    prints="error at most 59.70 %",
    claim=1 - exp(-t) <= posted,
    at=point,
    fixture=fixture,
    verdict="refuted",
    corrected="The inverse is 1 - exp(-7073.6): vacuous. The bisection moved the wrong end.",
    outputs={"t": t, "radius": (D + log(2 * sqrt(n) / dlt)) / n},
    values=[
        value("7073.65", "minus log of 1 minus the inverse", of="t", digits=6, **point),
        value("2850.007143", "nats per example", of="radius", digits=10, **point),
    ],
    see=("information.kl_inverse", "pac_bayes.seeger_maurer"),
)
