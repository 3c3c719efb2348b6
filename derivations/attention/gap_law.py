r"""How fast softmax attention becomes hard as the temperature falls.

One key has the largest score $M$; the best of the other $l = m - 1$ keys (key $b$) is a gap $D$ below. The mass $q$
that misses the winner is squeezed between two logistic curves in $D/\varepsilon$, which agree when there are two
keys. The right one is attained when all other scores are tied at the gap, the left one in the limit where all but one
of them go to $-\infty$. Without a gap $q \ge 1/2$ at every temperature: see `attention.argmax_ties`.
"""

from dltsym import Break, Eq, Scope, derive, exp, value

v = Scope()
l = v.count("l", "number of keys that do not win, m - 1")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
M = v.real("M", "largest score")
D = v.pos("D", "gap to the second score", latex=r"\Delta")
r = v.array("r", l, "scores that do not win")
i = v.index("i", l)
b = v.integer("b", "a key with the second score", lo=1, hi=l)
x = v.let("x", exp(-D / eps), "odds of the runner-up")
y = v.let("y", v.sum(lambda j: exp((r[j] - M) / eps), l), "odds against the winner")
q = v.let(
    "q",
    v.sum(lambda j: exp(r[j] / eps), l) / (exp(M / eps) + v.sum(lambda j: exp(r[j] / eps), l)),
    "mass that misses the winner",
)

theorem = v.theorem(
    title="Two-sided hard-attention rate",
    cite=("elfadel1993", "softmax as a winner-take-all at low temperature; bounds derived here"),
    given=[r[i] <= M - D, Eq(r[b], M - D)],
    claim=[x / (1 + x) <= q, q <= l * x / (1 + l * x), l * x / (1 + l * x) <= l * x],
    proof=[
        derive(q).eq(y / (1 + y), "divide by exp(M/eps)").named("odds"),
        derive(x)
        .eq(exp((r[b] - M) / eps), "key b has the second score")
        .le(y, "one term of a positive sum", hint="termwise")
        .named("lower odds"),
        derive(y)
        .le(v.sum(lambda j: x, l), "term by term", hint="termwise")
        .eq(l * x, "equal terms")
        .named("upper odds"),
        derive(x / (1 + x)).le(y / (1 + y), "y/(1+y) is increasing", by="lower odds").eq(q, by="odds"),
        derive(q).eq(y / (1 + y), by="odds").le(l * x / (1 + l * x), "y/(1+y) is increasing", by="upper odds"),
        derive(l * x / (1 + l * x)).le(l * x, "the denominator exceeds 1"),
    ],
    outputs={"q": q, "lower": x / (1 + x), "upper": l * x / (1 + l * x), "crude": l * x},
    values=[
        value(x, "scores 2, 1.2, 0.9, -0.4, 0", of=name, l=4, b=1, eps="0.3", M=2, D="0.8", r=["1.2", "0.9", "-0.4", 0])
        for name, x in (("q", "0.0881346002173114"), ("lower", "0.0649691691286641"), ("upper", "0.217486855600371"),
                        ("crude", "0.277933804891206"))
    ]
    + [value("0.01", "two keys at 99 to 1", of=name, digits=12, l=1, b=1, eps=1, M=0, D="log(99)", r=["-log(99)"])
       for name in ("q", "lower", "upper")],
    breaks=[
        Break({"l": 1, "b": 1, "eps": 1, "M": 0, "D": 2, "r": [-1]}, "a score inside the gap", part=1),
        Break({"l": 1, "b": 1, "eps": 1, "M": 0, "D": 1, "r": [-2]}, "no score at the gap"),
    ],
)  # fmt: skip
