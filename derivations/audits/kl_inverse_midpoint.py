r"""The last midpoint of a bisection is not an upper bound.

A widely copied inverse of relative entropy bisects until the relative width is below $10^{-5}$ and returns the last
midpoint, whichever side of the root it lies on. About half of all results lie below the root, by up to $10^{-5}$: no
certificate. For $q \ge 1 - 10^{-5}$ the loop never runs and 0 is returned. Elsewhere the upper start $1 - 10^{-10}$
and the tolerance show: radius $10^{-12}$ gives seven times the true distance, and large radii stop short of 1.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
below = v.real("below", "results below the root, of 100")
tiny, large = v.real("tiny", "result for q = 1/2, c = 1e-12"), v.real("large", "result for q = 0.3, c = 1e4")
high, lost = v.real("high", "result for q = 0.9999, c = 1e-3"), v.real("lost", "result for q = 0.99999, c = 1e-3")


def fixture(m):
    """Bisect from q to 1 - 1e-10, keep the last midpoint, and hold it against relative entropy."""

    def printed(q, c):
        low, top, last = m.number(q), 1 - m.number("1e-10"), m.number(0)
        while (top - low) / top >= m.number("1e-5"):
            last = m.middle((low + top) / 2)
            low, top = (low, last) if m.kl_bernoulli(q, last) > c else (last, top)
        return last

    pairs = [(Fraction(i, 11), Fraction(j * j, 200)) for i in range(1, 11) for j in range(1, 11)]
    return {
        "below": m.number(sum(bool(m.kl_bernoulli(m.number(q), printed(q, c)) < c) for q, c in pairs)),
        "tiny": printed(Fraction(1, 2), Fraction(1, 10**12)),
        "large": printed(Fraction(3, 10), 10**4),
        "high": printed(Fraction(9999, 10**4), Fraction(1, 1000)),
        "lost": printed(Fraction(99999, 10**5), Fraction(1, 1000)),
    }


audit = v.audit(
    title="Inverse of relative entropy by the last midpoint",
    source=("perezortiz2021", "public code, function inv_kl"),
    prints="the returned number bounds the inverse from above",
    claim=below <= 0,
    at={},
    fixture=fixture,
    verdict="refuted",
    corrected="Return the upper end of a proved bisection, or one tangent step of the convex function, rounded up.",
    outputs={"below": below, "tiny": tiny, "large": large, "high": high, "lost": lost},
    values=[
        value("0.5000038147", "radius 1e-12; the inverse is 0.5000007071", of="tiny"),
        value("0.9999946593", "radius 1e4; the inverse is 1 up to exp(-14286)", of="large"),
        value("0.99999375", "close to 1", of="high"),
        value("0", "the loop does not run", of="lost", digits=12),
    ],
    see=("information.kl_inverse", "pac_bayes.kl_inverse"),
)
