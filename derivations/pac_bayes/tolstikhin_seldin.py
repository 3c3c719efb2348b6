r"""The PAC-Bayes empirical Bernstein bound of Tolstikhin and Seldin: its form from memory, its algebra proved.

The form, from memory of the paper; only the second grid size was seen in public code. For $c_1, c_2 > 1$ and all
posteriors, with probability at least $1 - \delta_1 - \delta_2$, where $D_1$ and $D_2$ contain KL, $\log(1/\delta)$
and the logarithm of a grid size: $r \le \hat r + (1 + c_1)\sqrt{(e - 2)\bar V D_1/n}$ if $\sqrt{D_1/((e - 2)\bar V)}
\le \sqrt n$ and $\hat r + 2D_1/n$ otherwise, with $\bar V = \hat V + (1 + c_2)\sqrt{\hat V D_2/(2(n - 1))} +
2c_2D_2/(n - 1)$. The constants are not confirmed. What is proved: the Bernstein step $e^x \le 1 + x + (e - 2)x^2$ for
$x \le 1$; that a step size within the factor $c_1$ of the best one costs the factor $(1 + c_1)/2$; and that step size
1, when the best one is above 1, gives the other branch.
"""

from dltsym import Bound, Break, Eq, Scope, derive, exp, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.", lo=2)
x = v.real("x", "step size times a centred loss", hi=1)
c1, c2 = (
    v.real("c1", "ratio of the first grid", lo=1, lo_open=True),
    v.real("c2", "ratio of the second", lo=1, lo_open=True),
)
D1, D2 = v.pos("D1", "complexity of the mean", unit="nat"), v.nonneg("D2", "complexity of the variance", unit="nat")
s, r = v.prob("s", "empirical risk of the posterior", latex=r"\hat r"), v.prob("r", "true risk of the posterior")
W, S = v.pos("W", "(e - 2) times a bound of the variance"), v.nonneg("S", "sample variance", latex=r"\hat V")
a = v.pos("a", "the best step size, sqrt(D1/(W n))")
g = v.pos("g", "a step size of the grid", latex=r"\gamma")
H = v.pos("H", "complexity of the mean in the second branch", unit="nat")
variance = S + (1 + c2) * sqrt(S * D2 / (2 * (n - 1))) + 2 * c2 * D2 / (n - 1)


def bound(g):
    return s + g * W + D1 / (g * n)


certificate = Bound(
    of="main", units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors",
    before=("prior", "loss", "grid", "c1"), events=(), delta="", risk="r", emp_risk="s", complexity="D1", rises=("W",),
)  # fmt: skip
theorem = v.theorem(
    title="PAC-Bayes empirical Bernstein bound (constants not confirmed)",
    cite=("tolstikhin2013", "main theorem, from memory; constants and number not confirmed"),
    given=[
        a <= g,
        g <= c1 * a,
        Eq(D1, W * n * a**2),
        W * n <= H,
        W * n >= D1,
        premise(
            "event", r <= bound(g), ("tolstikhin2013", "Bernstein step with a grid; number not confirmed"), "for all g"
        ),
    ],
    claim=[exp(x) - 1 - x <= x**2 * (exp(1) - 2), r <= s + (1 + c1) * W * a, W + H / n <= 2 * H / n],
    proof=[
        derive(exp(x) - 1 - x).le(
            x**2 * (exp(1) - 2), "Bennett's step", by=thm("concentration.bennett_step", c=1, u=x)
        ),
        derive(a**2 / g).le(a, "a <= g").named("inverse"),
        derive(r)
        .le(bound(g), "the event", by="event")
        .eq(s + W * (g + a**2 / g), "the complexity")
        .le(s + W * (c1 * a + a), "a step size of the grid", by="inverse")
        .eq(s + (1 + c1) * W * a, "collect"),
    ],
    bound=certificate,
    outputs={"main": s + (1 + c1) * sqrt(W * D1 / n), "variance": variance, "far": s + 2 * H / n},
    breaks=[Break({"x": 2}, "an argument above 1")],
    values=[
        value("0.2", "1/10 + 2 * 5/100, computed here", of="far", s="0.1", H=5, n=100),
        value(
            "0.400000000000", "1/10 + 3 sqrt(1/100), computed here", of="main", s="0.1", c1=2, W="1/10", D1=10, n=100
        ),
        value("0.360000000000", "0.08 + 0.12 + 0.16, computed here", of="variance", S="0.08", c2=2, D2="0.16", n=5),
    ],
)
