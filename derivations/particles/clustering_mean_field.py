r"""In the mean-field limit a law with a density and a mean collapses exponentially.

For a law of tokens with a square-integrable density and a mean that is not 0, and the unnormalised field with
$|\beta|$ below a number that depends on the law, the Wasserstein distance to one point is at most $C_0e^{-t/100}$
from some time on; the constants are not explicit. The density is needed: the law with mass $2/3$ at a point and $1/3$
at its antipode has a mean and does not move (`particles.mean_field`). The time at which the bound says that the
distance is below a given $\rho$ is computed.
"""

from dltsym import Eq, Scope, derive, exp, log, max_, premise

v = Scope()
be = v.real("be", "inverse temperature", latex=r"\beta")
b0 = v.pos("b0", "threshold, depends on the law, not explicit", latex=r"\beta_0")
R = v.pos("R", "squared length of the mean of the initial law, which has an L2 density", latex="R_0")
C, T = v.pos("C", "constant, not explicit", latex="C_0"), v.nonneg("T", "start of the bound, not explicit", latex="T_0")
t = v.real("t", "time (depth)", lo=T)
W = v.nonneg("W", "Wasserstein distance of order 2 to one point", latex="W_2")
rho = v.pos("rho", "distance wanted", latex=r"\rho")
due = v.let("D", 100 * log(C / rho), "time after which the bound is below the distance wanted")

theorem = v.theorem(
    title="Exponential collapse in the mean-field limit",
    cite=("chen2025", "main theorem, as quoted in arXiv:2512.01868; number not confirmed"),
    given=[
        be <= b0,
        be >= -b0,
        t >= due,
        premise(
            "collapse",
            C * exp(-t / 100) >= W,
            ("chen2025", "main theorem; number not confirmed"),
            "for t >= T_0, unnormalised field, square-integrable initial density with a mean that is not 0",
        ),
    ],
    claim=[rho >= W, Eq(C * exp(-due / 100), rho)],
    proof=derive(rho)
    .eq(C * exp(-due / 100), "definition of the time")
    .ge(C * exp(-t / 100), "t is at least that")
    .ge(W, by="collapse"),
    kind="cited theorem",
    outputs={"due": max_(due, T)},
)
