r"""Balanced attention between two queries and two keys has a closed form.

Scaling rows and columns of a positive kernel leaves its odds ratio unchanged, and a doubly stochastic $2\times2$
matrix is known from one entry $p$, whose odds are then the positive root of that ratio. So $p$ is the logistic
function of half the cross-difference of the scores over the temperature. The second singular value of the limit is
$|2p-1|$, which makes $(2p-1)^2$ the factor per full iteration; it vanishes exactly when the kernel has rank one.
Other marginals give a quadratic equation, larger matrices have no closed form.
"""

from dltsym import Eq, Scope, derive, exp, sigmoid, sqrt, tanh, value

v = Scope()
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
s11, s12, s21, s22 = (v.real(f"s{r}{c}", f"score of query {r} and key {c}") for r in (1, 2) for c in (1, 2))
k11, k12, k21, k22 = (v.pos(f"k{r}{c}", "entry of the kernel") for r in (1, 2) for c in (1, 2))
u1, u2 = v.pos("u1", "scaling of row 1"), v.pos("u2", "scaling of row 2")
w1, w2 = v.pos("w1", "scaling of column 1"), v.pos("w2", "scaling of column 2")
p = v.prob("p", "diagonal of the limit", open=True)
y, z = v.real("y", "value of key 1"), v.real("z", "value of key 2")
x = v.let("x", (s11 + s22 - s12 - s21) / eps, "cross-difference over the temperature")


def limit(k11, k12, k21, k22):
    """Return the diagonal of the limit of a kernel."""
    return sqrt(k11 * k22) / (sqrt(k11 * k22) + sqrt(k12 * k21))


t = limit(*(exp(s / eps) for s in (s11, s12, s21, s22)))
A = sigmoid(x / 2)
turn = (p * y + (1 - p) * z) ** 2 + ((1 - p) * y + p * z) ** 2

theorem = v.theorem(
    title="Sinkhorn limit of a two by two matrix",
    cite=("sander2022", "Sinkhorn attention; the closed form is derived here"),
    given=[Eq(p, u1 * k11 * w1), Eq(1 - p, u1 * k12 * w2), Eq(1 - p, u2 * k21 * w1), Eq(p, u2 * k22 * w2)],
    claim=[
        Eq(p**2 / (1 - p) ** 2, k11 * k22 / (k12 * k21)),
        Eq(p, limit(k11, k12, k21, k22)),
        Eq(t, A),
        Eq(turn, (y + z) ** 2 / 2 + (2 * p - 1) ** 2 * (y - z) ** 2 / 2),
        Eq((2 * A - 1) ** 2, tanh(x / 4) ** 2),
    ],
    proof=[
        derive(p**2 * (k12 * k21))
        .eq((1 - p) ** 2 * (k11 * k22), "both are the product of all scalings and the kernel")
        .named("odds"),
        derive(p**2 / (1 - p) ** 2).eq(k11 * k22 / (k12 * k21), by="odds"),
        derive(p * sqrt(k12 * k21))
        .eq(sqrt(p**2 * (k12 * k21)), "p is positive")
        .eq(sqrt((1 - p) ** 2 * (k11 * k22)), by="odds")
        .eq((1 - p) * sqrt(k11 * k22), "1 - p is positive")
        .named("root"),
        derive(p).eq(limit(k11, k12, k21, k22), "solve for p", by="root"),
    ],
    outputs={"A": A, "factor": (2 * A - 1) ** 2},
    values=[
        value(number, where, of=of, eps=1, s11=s[0], s12=s[1], s21=s[2], s22=s[3])
        for of, number, where, s in [
            ("A", "0.731058578630005", "scores 0, -1, -1, 0", (0, -1, -1, 0)),
            ("A", "0.634135591010801", "scores 0.3, -1.1, 0.8, 0.5", ("0.3", "-1.1", "0.8", "0.5")),
            ("factor", "0.0719694271032672", "scores 0.3, -1.1, 0.8, 0.5", ("0.3", "-1.1", "0.8", "0.5")),
        ]
    ],
)
