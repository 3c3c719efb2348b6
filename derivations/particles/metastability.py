r"""Clusters that live long: a window of times, and when it is empty.

For $\beta > 1$ let the tokens start in caps of angular size $\varepsilon < 1/16$ that are separated; $\alpha$ is the
largest inner product between different caps of size $2\varepsilon$. The cited theorem (for both models, SA and USA)
says that the tokens stay in their caps up to $T_2$, and that within a cap all squared distances are at most
$2e^{-\lambda\beta}$ from $T_1$ to $T_2$; $\lambda$ lies below two explicit bounds that are not transcribed. It needs
the margin $\gamma > 0$. What that buys is checked here: the first part of the bound on $T_1$ is below $T_2$ if and
only if $\gamma > 0$, and the exponents of $T_2$ and $T_1$ differ by $1 - \alpha - 8\varepsilon$ per unit of $\beta$,
so the window opens for large $\beta$ only if $8\varepsilon < 1 - \alpha$. For $\gamma \le 0$ the theorem says
nothing. Nor is it a statement about $t \to \infty$: for $d \ge 3$ all clusters merge in the end.
"""

from fractions import Fraction

from dltsym import Break, Eq, Scope, derive, exp, log, premise, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be = v.real("be", "inverse temperature", latex=r"\beta", lo=1, lo_open=True)
eps = v.real("eps", "size of a cap", latex=r"\varepsilon", lo=0, lo_open=True, hi=Fraction(1, 16), hi_open=True)
al = v.real("al", "largest inner product between different caps", latex=r"\alpha", lo=-1, hi=1, hi_open=True)
lam = v.pos("lam", "rate inside a cap, below the bounds of the theorem", latex=r"\lambda")
t = v.nonneg("t", "time (depth)")
far = v.nonneg("D", "largest squared distance of two tokens of one cap at time t")
enter = v.let("E", 2 * n * exp(8 * eps * be), "time to gather, first part")
T1 = v.let("T1", enter + exp(1) * n * lam * be**2 / (be - 1), "time from which the clusters are tight", latex="T_1")
T2 = v.let("T2", eps / n * exp((1 - al) * be), "time up to which the tokens stay", latex="T_2")
margin = v.let("g", 1 - al - 8 * eps - log(2 * n**2 / eps) / be, "margin", latex=r"\gamma")

theorem = v.theorem(
    title="Metastable clusters",
    cite=("geshkovski2024", "main theorem on metastability; number not confirmed"),
    given=[
        margin > 0,
        t >= T1,
        t <= T2,
        premise(
            "window",
            far <= 2 * exp(-lam * be),
            ("geshkovski2024", "main theorem; number not confirmed"),
            "tokens that start in separated caps stay there up to T2 and are tight from T1 on",
        ),
    ],
    claim=[far <= 2 * exp(-lam * be), Eq(log(T2 / enter), be * margin), enter < T2, 8 * eps < 1 - al],
    proof=[
        derive(far).le(2 * exp(-lam * be), by="window"),
        derive(enter).lt(enter * exp(be * margin), "the margin is positive").eq(T2, "collect exponents"),
        derive(8 * eps)
        .lt(1 - al - log(2 * n**2 / eps) / be, "the margin is positive")
        .le(1 - al, "2 n^2 is at least eps"),
    ],
    outputs={"T1": T1, "T2": T2, "margin": margin},
    values=[
        value(
            "0.447139977504615",
            "computed here",
            of="margin",
            n=8,
            be=20,
            eps="0.01",
            al=0,
            lam="0.1",
            t=50000,
            D=0,
        )
    ],
    breaks=[Break({"n": 2, "be": 2, "eps": "1/20", "al": 0, "lam": "1/10", "t": 1, "D": 0}, "no margin", part=2)],
)
