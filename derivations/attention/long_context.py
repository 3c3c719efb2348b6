r"""Long contexts: attention with temperature like one over log n has a transition.

Take $n$ unit tokens with equal inner products $\rho$ and one attention layer with inverse temperature $\gamma\log n$,
no residual, values equal to tokens. The weight on oneself is $a = 1/(1 + (n-1) n^{-\gamma(1-\rho)})$ and every other
weight is $o = (1-a)/(n-1)$. The cosine of two outputs is then exact for every $n$, and it is a function of $a$ up to
$1/(n-1)$. Below $\gamma = 1/(1-\rho)$ the self weight $a$ vanishes and the outputs collapse (cosine to 1), above it
$a$ tends to 1 and nothing happens (cosine to $\rho$), and exactly there $a = 1/2 + O(1/n)$ and the cosine tends to
$4\rho/(1 + 3\rho)$. The bounds on $a$ give the rates, powers of $n$ whose exponent vanishes at the transition. A
residual connection changes the formula. Here $\kappa = \gamma(1-\rho)$.
"""

from dltsym import Eq, Scope, delta, derive, exp, log, value

v = Scope()
n, ga = v.count("n", "number of tokens", lo=2), v.pos("ga", "inverse temperature over log n", latex=r"\gamma")
rho = v.prob("rho", "common inner product of the tokens", open=True, latex=r"\rho")
w, u = v.array("w", n, "weights of one output"), v.array("u", n, "weights of another output")
i, j = v.index("i", n), v.index("j", n)
h, al = v.pos("h", "1/(n - 1)"), v.prob("al", "a self weight held fixed", latex=r"\alpha")
power = ga * (1 - rho) * log(n)
odds = v.let("r", (n - 1) * exp(-power), "odds against oneself")
a = v.let("a", 1 / (1 + odds), "weight on oneself")
o = v.let("o", (1 - a) / (n - 1), "weight on each other token")


def row(i, k):
    """Return the weight of token k in output i."""
    return o + (a - o) * delta(i, k)


def cosine(both, one):
    """Return the cosine from the product of two rows and the square of one."""
    return (rho + (1 - rho) * both) / (rho + (1 - rho) * one)


both, one = 2 * a * o + (n - 2) * o**2, a**2 + (n - 1) * o**2

theorem = v.theorem(
    title="Transition of one attention layer in long contexts",
    cite=("chen2025", "transition at gamma (1 - rho) = 1; number not confirmed, finite n derived here"),
    given=[Eq(v.sum(lambda k: w[k], n), 1), Eq(v.sum(lambda k: u[k], n), 1)],
    claim=[
        Eq(exp(ga * log(n)) / (exp(ga * log(n)) + (n - 1) * exp(ga * log(n) * rho)), a),
        Eq(
            v.sum(lambda k, l: w[k] * (rho + (1 - rho) * delta(k, l)) * u[l], n, n),
            rho + (1 - rho) * v.sum(lambda k: w[k] * u[k], n),
        ),
        Eq(v.sum(lambda k: row(i, k), n), 1),
        Eq(v.sum(lambda k: row(i, k) * row(j, k), n), both + (a - o) ** 2 * delta(i, j)),
        Eq(both + (a - o) ** 2, one),
        both <= 1 / (n - 1),
        a <= exp(power) / (n - 1),
        1 - a <= exp(log(n) - power),
        Eq(1 / (1 + (n - 1) * exp(-log(n))), n / (2 * n - 1)),
        "limit((rho + (1 - rho)*h*(1 - al)*(2*al + (1 - al)*(1 - h)))/(rho + (1 - rho)*(al**2 + h*(1 - al)**2)), h, 0)"
        " = rho/(rho + (1 - rho)*al**2)",
        "rho/(rho + (1 - rho)/4) = 4*rho/(1 + 3*rho)",
    ],
    proof=[
        derive(both).eq((1 - a**2) / (n - 1) - o**2, "the weights sum to 1").le(1 / (n - 1), "drop squares"),
        derive(odds).gt(0, "a positive number").named("positive"),
        derive(a).le(1 / odds, "drop the 1", by="positive").eq(exp(power) / (n - 1), "the odds"),
        derive(1 - a)
        .eq(odds / (1 + odds), "the rest")
        .le(odds, by="positive")
        .le(n * exp(-power), "n - 1 <= n")
        .eq(exp(log(n) - power), "one exponential"),
    ],
    outputs={"cosine": cosine(both, one), "a": a},
    values=[
        value("0.800279967980788", "critical", of="cosine", n=1000, rho="1/2", ga=2),
        value("0.80000027999997", "critical", of="cosine", n=10**6, rho="1/2", ga=2),
        value("0.900035029166703", "below", of="cosine", n=1000, rho="1/2", ga="1.8"),
        value("0.999999001998000", "below", of="cosine", n=10**30, rho="1/2", ga="1.8"),
        value("0.692834319060361", "above", of="cosine", n=1000, rho="1/2", ga="2.2"),
        value("0.500499750000125", "above", of="cosine", n=10**30, rho="1/2", ga="2.2"),
    ],
)
