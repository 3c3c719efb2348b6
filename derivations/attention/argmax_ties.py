r"""At temperature zero softmax attention is uniform on the set of maximisers.

$k$ keys share the largest score $M$, the other $l$ scores stay a gap $D$ below. The mass off the maximisers is below
$(l/k)e^{-D/\varepsilon}$, strictly for every $\varepsilon > 0$, and what is left is shared equally, so the limit
gives each maximiser $1/k$: one-hot only without ties. Scores that differ by much less than $\varepsilon$, such as
those within rounding of the maximum, behave as ties.
"""

from dltsym import Break, Eq, Scope, derive, exp, value

v = Scope()
k, l = v.count("k", "number of maximisers"), v.count("l", "number of other keys, m - k")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
be = v.pos("be", "inverse temperature", latex=r"\beta")
M = v.real("M", "largest score")
D = v.pos("D", "gap to the next score", latex=r"\Delta")
r = v.array("r", l, "scores that are not maximal")
i = v.index("i", l)
rest = v.sum(lambda j: exp(r[j] / eps), l)
Z = v.let("Z", k * exp(M / eps) + rest, "partition function")
y = v.let("Y", v.sum(lambda j: exp((r[j] - M) / eps), l), "odds of the other keys, per maximiser")
off = v.let("q", rest / Z, "mass off the maximisers")

theorem = v.theorem(
    title="Ties at zero temperature",
    cite=("elfadel1993", "softmax at low temperature; the bound with ties is derived here"),
    given=r[i] <= M - D,
    claim=[off < l * exp(-D / eps) / k, Eq(exp(M / eps) / Z, (1 - off) / k), "limit(l*exp(-D*be)/k, be, oo) = 0"],
    proof=[
        derive(y).gt(0, "a sum of exponentials").named("positive"),
        derive(y)
        .le(v.sum(lambda j: exp(-D / eps), l), "term by term", hint="termwise")
        .eq(l * exp(-D / eps), "equal terms")
        .named("odds"),
        derive(off)
        .eq(y / (k + y), "divide by exp(M/eps)")
        .lt(y / k, "the denominator is larger", by="positive")
        .le(l * exp(-D / eps) / k, "the gap", by="odds"),
    ],
    outputs={"on": k * exp(M / eps) / Z, "winner": exp(M / eps) / Z, "off": off, "bound": l * exp(-D / eps) / k},
    values=[
        value("0.935535068471642", "scores 1, 1, 0, -2", of="on", k=2, l=2, eps="0.5", M=1, D=1, r=[0, -2]),
        value("0.990922268562679", "scores 1, 1, 0, -2", of="on", k=2, l=2, eps="0.25", M=1, D=1, r=[0, -2]),
        value("0.135335283236613", "exp(-2)", of="bound", k=2, l=2, eps="0.5", M=1, D=1, r=[0, -2]),
        value("0.495461134281339", "towards 1/2", of="winner", k=2, l=2, eps="0.25", M=1, D=1, r=[0, -2]),
    ],
    breaks=[Break({"k": 1, "l": 1, "eps": 1, "M": 0, "D": 1, "r": [0]}, "a tie that is not counted")],
)
