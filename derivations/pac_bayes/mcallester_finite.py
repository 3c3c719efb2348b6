r"""McAllester's bound with $\log n$ and $2n - 1$, and the textbook form with $2(n - 1)$.

Pinsker's inequality puts $2n(q - p)^2$ below $n\,\mathrm{kl}(q\|p)$, so the exponential moment of $(2n - 1)(q - p)^2$
is at most Maurer's $2\sqrt n$, and that is at most $n$ once $n \ge 4$. The chain of `pac_bayes.general_delta` with
$\Delta = (2n - 1)(q - p)^2/n$, which is convex, then gives the event below: probability at least $1 - \delta$ over
the i.i.d. sample, all posteriors at once, losses in $[0, 1]$, a prior fixed before the data. A textbook prints $2(n -
1)$ in place of $2n - 1$, which is weaker. Papers mix these forms with the one of 1999 and with
`pac_bayes.maurer_pinsker` under one name; say which is meant. For $n < 4$ the proof given here stops.
"""

from dltsym import Bound, Break, Scope, derive, kl_bernoulli, log, premise, sqrt, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.", lo=4)
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
q, p = v.prob("q", "empirical risk of one hypothesis"), v.prob("p", "true risk of one hypothesis", open=True)
B = v.let("B", (D + log(n / dlt)) / (2 * n - 1), "squared radius", unit="nat")
T = v.let("T", (D + log(n / dlt)) / (2 * (n - 1)), "squared radius of the textbook", unit="nat")

certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
    events=(("event", "dlt"),), risk="r", emp_risk="s", complexity="D",
    family="McAllester", variant="ln n, over 2n - 1",
)  # fmt: skip
theorem = v.theorem(
    title="McAllester's bound, form with log n",
    cite=("mcallester2003", "main theorem; number not confirmed"),
    also=[("shalev2014", "Theorem 31.1, the form with 2(n - 1); number not confirmed")],
    given=premise(
        "event",
        (2 * n - 1) * (r - s) ** 2 <= D + log(n / dlt),
        ("mcallester2003", "main theorem; number not confirmed"),
        "change of measure, Jensen and Markov with a moment of at most n: probability at least 1 - delta",
    ),
    claim=[(2 * n - 1) * (q - p) ** 2 <= n * kl_bernoulli(q, p), 2 * sqrt(n) <= n, r <= s + sqrt(B), r <= s + sqrt(T)],
    proof=[
        derive((2 * n - 1) * (q - p) ** 2)
        .le(n * (2 * (q - p) ** 2), "2n - 1 <= 2n")
        .le(n * kl_bernoulli(q, p), "Pinsker", by=thm("information.pinsker", q="q", p="p")),
        derive(2 * sqrt(n)).le(n, "n >= 4"),
        derive((r - s) ** 2).le(B, "divide", by="event").named("square"),
        derive(r).le(s + sqrt(B), "root", by="square"),
        derive(B).le(T, "2(n - 1) < 2n - 1").named("weaker"),
        derive(r).le(s + sqrt(B), "as above", by="square").le(s + sqrt(T), "a larger radius", by="weaker"),
    ],
    outputs={"bound": s + sqrt(B), "textbook": s + sqrt(T)},
    bound=certificate,
    values=[
        value(
            "0.45947033528382",
            "unit-test point of a public code",
            n=30000,
            D=1724,
            dlt="0.05",
            s="0.289307",
            of="bound",
        ),
        value("0.048584170810658", "zero empirical risk", of="bound", n=10000, D=35, dlt="0.05", s=0),
        value("0.39308824859952", "large model", of="bound", n=50000, D=8000, dlt="0.05", s="0.11"),
    ],
    breaks=[Break({"n": 3, "D": 0, "dlt": "1/2", "s": 0, "r": "1/10", "q": 0, "p": "1/2"}, "n < 4", part=1)],
)
