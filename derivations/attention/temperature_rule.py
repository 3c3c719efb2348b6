r"""The temperature at which softmax attention misses the winner by at most a given mass.

If every other score is at least a gap $D$ below the largest one, temperatures up to $\varepsilon^*$ keep the missing
mass $q$ at most $\delta$. Nothing larger does for all such scores: when all others are tied at the gap, $q$ equals
the worst case, which increases strictly with the temperature and is $\delta$ at $\varepsilon^*$. So $1/\varepsilon$
grows like $\log(m)/D$. For $\delta \ge (m - 1)/m$ every temperature works.
"""

from dltsym import Break, Eq, Scope, derive, diff, exp, log, value

v = Scope()
l = v.count("l", "number of other keys, m - 1")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
M = v.real("M", "largest score")
D = v.pos("D", "gap to the other scores", latex=r"\Delta")
dlt = v.prob("dlt", "mass that may miss the winner", open=True, latex=r"\delta")
r = v.array("r", l, "other scores")
i = v.index("i", l)
best = v.let("E", D / log(l * (1 - dlt) / dlt), "largest temperature", latex=r"\varepsilon^*")
y = v.let("y", v.sum(lambda j: exp((r[j] - M) / eps), l), "odds against the winner")
q = v.let(
    "q",
    v.sum(lambda j: exp(r[j] / eps), l) / (exp(M / eps) + v.sum(lambda j: exp(r[j] / eps), l)),
    "mass that misses the winner",
)


def worst(t):
    return l * exp(-D / t) / (1 + l * exp(-D / t))


theorem = v.theorem(
    title="Temperature rule for hard attention",
    cite=("elfadel1993", "softmax as a winner-take-all at low temperature; the rule is derived here"),
    given=[r[i] <= M - D, dlt < l / (l + 1), eps <= best],
    claim=[q <= dlt, Eq(worst(best), dlt), diff(worst(eps), eps) > 0],
    proof=[
        derive(l * (1 - dlt) / dlt).gt(1, "the target is below (m - 1)/m").named("odds"),
        derive(log(l * (1 - dlt) / dlt)).gt(0, "logarithm", by="odds").named("log odds"),
        derive(D / eps).ge(log(l * (1 - dlt) / dlt), "eps is at most the rule", by="log odds").named("exponent"),
        derive(q).eq(y / (1 + y), "divide by exp(M/eps)").named("mass"),
        derive(y)
        .le(v.sum(lambda j: exp(-D / eps), l), "term by term", hint="termwise")
        .eq(l * exp(-D / eps), "equal terms")
        .le(l * exp(-log(l * (1 - dlt) / dlt)), "eps is at most the rule", by="exponent", hint="ladder")
        .eq(dlt / (1 - dlt), "exponential of the logarithm")
        .named("small odds"),
        derive(q).eq(y / (1 + y), by="mass").le(dlt, "y/(1 + y) increases", by="small odds"),
        derive(worst(best)).eq(dlt, "insert", by="log odds"),
    ],
    outputs={"temperature": best, "beta": 1 / best},
    values=[
        value("0.0867632688849675", "1/log(1023*99)", of="temperature", l=1023, D=1, dlt="0.01"),
        value("11.5256146160862", "its inverse", of="beta", l=1023, D=1, dlt="0.01"),
        value("0.191259937510227", "65536 keys, gap 3", of="temperature", l=65535, D=3, dlt="0.01"),
    ],
    breaks=[Break({"l": 1, "D": 1, "dlt": "1/10", "eps": 1, "M": 0, "r": [-1]}, "a temperature above the rule")],
)
