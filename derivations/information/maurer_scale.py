r"""The numbers behind Maurer's moment: where two multiples of $\sqrt n$ cross $\sqrt n$ and $2\sqrt n$.

$2 + e^{1/(12n)}\sqrt{\pi n/2}$ is below $2\sqrt n$ from $n = 7.48$ on, and $2 + e^{-1/6}\sqrt{\pi/2}(\sqrt n - 2)$
above $\sqrt n$ from $n = 4$ on. Each is stated for every $n \ge 1$, times a factor that is 0 before.
"""

from dltsym import Scope, derive, exp, max_, pi, sqrt, value

v = Scope()
n = v.count("n", "number of trials")
sixth, tall, wide = v.read("exp(-1/6)"), v.read("6267/5000"), v.read("53/50")
root, above = sqrt(n), 2 + exp(1 / (12 * n)) * sqrt(pi / 2) * sqrt(n)
rough = 2 + (1 + 1 / (11 * n)) * tall * root
below = 2 + sixth * sqrt(pi / 2) * (root - 2)
many, long = max_(2 * n - 15, 0), max_(n - 4, 0)

theorem = v.theorem(
    title="Crossings of the bounds of Maurer's moment",
    cite=("maurer2004", "proof of Theorem 1"),
    claim=[many * (2 * root - above) >= 0, long * (below - root) >= 0],
    proof=[
        derive(exp(1 / (12 * n))).le(1 + 1 / (11 * n), "exponent at most 1/12").named("exp"),
        derive(sqrt(pi / 2)).le(tall, "1.25332").named("1.2534"),
        derive(above).le(rough, "both factors", by=("exp", "1.2534")).named("above"),
        derive(many * (2 * root - above))
        .ge(many * (2 * root - rough), "both factors", by="above")
        .ge(0, "a quadratic in the root"),
        derive(sixth * sqrt(pi / 2)).ge(wide, "1.0609").named("1.06"),
        derive(long * (root - 2)).ge(0, "n >= 4").named("root"),
        derive(long * (below - root))
        .eq(long * (root - 2) * (sixth * sqrt(pi / 2) - 1), "factor")
        .ge(0, "both factors", by=("root", "1.06")),
    ],
    outputs={"above": above, "below": below},
    values=[value("14.54359001063", "n = 100, computed here", of="above", n=100)],
)
