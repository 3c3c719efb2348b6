r"""The fully empirical Freedman-type bound, deterministic part and one-step lemma.

Losses $X_k$ are compared with predictable guesses $Y_k$ on the scale $\Delta$. For $s$ in a grid fixed in advance the
product of $(1 + sA_k)e^{-s a_k}$, with $A_k = (Y_k - X_k)/\Delta$ and $a_k$ its conditional mean, is a
supermartingale; Markov's inequality and a union bound over the grid give the cited event below. Everything else is
algebra: the guesses cancel, and the bound contains observed quantities only. Here $\mu_k = E[X_k \mid F_{k-1}]$. The
moments are in `concentration.freedman_supermartingale`, the best grid point and the limit for a small $C$ in
`concentration.freedman_variation`. Only predictability excludes the guess $Y_k = X_k - \Delta$, which would make the
bound absurd; $A_k \ge -1$ is enough because $s < 1$.
"""

from dltsym import Bound, Scope, derive, exp, log, premise, sqrt, value

v = Scope()
n = v.count("n", "number of steps")
s = v.prob("s", "grid point", open=True)
W = v.pos("W", "range scale", latex=r"\Delta")
C = v.pos("C", "log(grid size / failure probability) per step", unit="nat")
X, Y = v.array("X", n, "observed losses"), v.array("Y", n, "predictable guesses")
mu = v.array("mu", n, "conditional means of the losses")
i = v.index("i", n)
u = v.real("u", "any step size", lo=-1, lo_open=True)


def score(j):
    return (Y[j] - X[j]) / W


waste = v.let("S", v.sum(lambda j: s * score(j) - log(1 + s * score(j)), n) / n, "mean of v(sA), v(x) = x - log(1 + x)")
gap = v.let("g", v.sum(lambda j: mu[j] - X[j], n) / n, "conditional risk minus empirical risk")
sigma = v.let("Sigma", W * sqrt(C) * (1 - s) / s + W * waste / (sqrt(C) * s), "empirical variation", latex=r"\Sigma")
event = v.sum(lambda j: log(1 + s * score(j)) - s * (Y[j] - mu[j]) / W, n) <= n * C
ten = {
    "n": 10, "W": "10.8", "X": ["0.05", "0.2", "0.6", "1.1", "1.9", "2.4", "3.7", "6.2", "0.3", "10.5"],
    "Y": ["0.4", "0.5", "0.9", "1.2", "1.5", 2, "2.2", "3.1", "0.8", 4],
}  # fmt: skip
probably = "holds for all grid points at once with probability at least 1 - delta"
grid = [("1e-4", "0.0635"), ("1e-2", "0.5245"), ("1/9", "0.9995")]
numbers = ("3.2459079687096", "2.6282188522005", "1.2473745869731")

bound = Bound(
    units={"n": "martingale token"}, about="context risk", holds_for="one hypothesis", before=("guesses", "grid", "W"),
    events=(), delta="", risk="", complexity="", loss="W", gap=True, free=("s",), tied=("s",), rises=("C",),
)  # fmt: skip
theorem = v.theorem(
    title="Fully empirical Freedman-type bound",
    cite=("finzi2025", "fully empirical Freedman-type theorem; number not confirmed"),
    given=[
        (Y[i] - X[i]) / W >= -1,
        premise("event", event, ("finzi2025", "supermartingale, Markov and union over the grid"), probably),
    ],
    claim=[gap <= W * C + sigma * sqrt(C), 1 + u <= exp(u)],
    proof=[
        derive(s * gap / W)
        .eq(v.sum(lambda j: log(1 + s * score(j)) - s * (Y[j] - mu[j]) / W, n) / n + waste, "the guesses cancel")
        .named("cancel"),
        derive(gap)
        .le(W * C / s + W * waste / s, "solve for the gap", by=["event", "cancel"])
        .eq(W * C + sigma * sqrt(C), "split off W C"),
        derive(1 + u).le(exp(u), "one step of the supermartingale", hint="u @ 0"),
    ],
    outputs={"sigma": sigma, "bound": W * C + sigma * sqrt(C)},
    bound=bound,
    values=[
        *[
            value(number, "ten steps", of="sigma", C=c, s=at, **ten)
            for (c, at), number in zip(grid, numbers, strict=True)
        ],
        value("0.37082188522005", "ten steps", of="bound", C="1e-2", s="0.5245", **ten),
    ],
)
