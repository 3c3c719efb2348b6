r"""When does a certificate say something? A predicate with a baseline.

A certified interval for a risk bound is non-vacuous if its upper end is below the baseline, vacuous if its lower end
is not, and undecided otherwise. The baseline is the risk of a trivial predictor, $1 - 1/k$ for $k$ balanced classes
and at the weakest the largest loss: without a baseline and a range of the loss there is no answer. That a value is
below 1 because it was clipped, or because an inverse of kl is always below 1, proves nothing. In the Pinsker form the
bound reaches 1 exactly when the complexity reaches $2n(1 - \hat r)^2$, a rule of thumb for the nats that a sample can
pay for.
"""

from dltsym import Break, Eq, Scope, derive, sqrt, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
K = v.nonneg("K", "complexity in all: KL, log(1/delta) and constants", unit="nat")
s = v.prob("s", "empirical risk, loss in [0, 1]", latex=r"\hat r")
r, hi = v.real("r", "true risk"), v.real("hi", "upper end of the certified bound")
base, k = v.real("base", "baseline"), v.count("k", "balanced classes")
any_hi, any_base = v.real("x", "upper end of a certified bound, any"), v.real("y", "a baseline, any")
pinsker = s + sqrt(K / (2 * n))
limit = 2 * n * (1 - s) ** 2

theorem = v.theorem(
    title="Vacuity of a certificate",
    cite=("dziugaite2017", "the notion of a non-vacuous bound; the predicate is a definition of this catalogue"),
    given=[r <= hi, hi < base],
    claim=[r < base, Eq(s + sqrt(limit / (2 * n)), 1)],
    proof=[
        derive(r).le(hi, "the certificate").lt(base, "non-vacuous"),
    ],
    outputs={"margin": any_base - any_hi, "guessing": 1 - 1 / k, "limit": limit, "pinsker": pinsker},
    values=[
        value("0.037460395119", "row 9 of a public table, printed as 1, against ten classes", of="margin",
              y="9/10", x="0.862539604881"),
        value("-2.16227766017303981", "a bound of a note, sqrt(10): vacuous for a loss in [0, 1]", of="margin", y=1,
              x="3.16227766017303981"),
        value("0.9", "ten balanced classes", of="guessing", k=10),
        value("30305.07241494", "nats that a public test point could pay for", of="limit", n=30000, s="0.289307"),
    ],
    breaks=[Break({"r": 1, "hi": 1, "base": "9/10"}, "a vacuous certificate")],
)  # fmt: skip
