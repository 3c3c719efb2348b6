r"""The moments behind Bernstein's and Freedman's inequalities.

A centred variable that is bounded above by $b$, with variance at most $V$, has $\log E e^{aX} \le a^2V/(2(1 - ab/3))$
for $0 < a < 3/b$: only its upper bound matters. Under a filtration the same holds for conditional moments, which
makes $e^{a\sum X - \psi(a)\sum V}$ a supermartingale.
"""

from dltsym import Break, Eq, Scope, derive, exp, log, thm, value

v = Scope()
m = v.count("m", "number of values")
p = v.array("p", m, "law", lo=0, lo_open=True)
y = v.array("y", m, "values")
b, V = v.pos("b", "upper bound of the values"), v.nonneg("V", "bound of the variance")
a = v.pos("a", "step size")
i = v.index("i", m)
cap = 2 * (1 - a * b / 3)
remainder = thm("concentration.exp_remainder", 1, x=a * y[i], M=a * b)
moment = v.sum(lambda j: p[j] * exp(a * y[j]), m)

theorem = v.theorem(
    title="Sub-gamma moments of a variable bounded above",
    cite=("boucheron2013", "Section 2.8, proof of Bernstein's inequality; number not confirmed"),
    given=[
        Eq(v.sum(lambda j: p[j], m), 1),
        Eq(v.sum(lambda j: p[j] * y[j], m), 0),
        v.sum(lambda j: p[j] * y[j] ** 2, m) <= V,
        y[i] <= b,
        a * b < 3,
    ],
    claim=log(moment) <= a**2 * V / cap,
    proof=[
        derive(exp(a * y[i]) - 1 - a * y[i]).le((a * y[i]) ** 2 / cap, "the remainder", by=remainder).named("value"),
        derive(moment)
        .le(
            v.sum(lambda j: p[j] * (1 + a * y[j] + (a * y[j]) ** 2 / cap), m),
            "term by term",
            by="value",
            hint="termwise",
        )
        .eq(1 + a**2 * v.sum(lambda j: p[j] * y[j] ** 2, m) / cap, "centred")
        .le(1 + a**2 * V / cap, "the variance")
        .named("moment"),
        derive(log(moment))
        .le(log(1 + a**2 * V / cap), "log increases", by="moment")
        .le(a**2 * V / cap, "tangent", by=thm("information.log_bound", t=1 + a**2 * V / cap)),
    ],
    outputs={"log_moment": log(moment), "bound": a**2 * V / cap},
    values=[
        value("0.433780830483027", "a sign: log cosh 1", of="log_moment", m=2, p=["1/2", "1/2"], y=[-1, 1], a=1),
        value("0.75", "a sign", of="bound", a=1, b=1, V=1),
    ],
    breaks=[Break({"m": 2, "p": ["1/2", "1/2"], "y": [-2, 2], "a": 1, "b": "1/10", "V": 1}, "a value above b")],
)
