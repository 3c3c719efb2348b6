r"""A linear bias against distance is a geometric prior on how far attention looks back.

The bias $-a k$ on a key $k$ places back, $a > 0$, is the prior $\pi_k = (1 - e^{-a})e^{-ak}$ over an unlimited past,
with mean look-back $1/(e^a - 1)$. With $L$ visible keys the prior is renormalised, and the mean falls by $L/(e^{aL} -
1)$, which vanishes as $L$ grows. Scores in $[-B, B]$ tilt it by at most $e^{2B/\varepsilon}$
(`attention.bounded_scores`), never exactly so much unless constant. A slope of 0 or less has no limit law; without
causality the distance is two-sided and the normaliser about doubles.
"""

from dltsym import Eq, Scope, derive, exp, value

v = Scope()
a = v.pos("a", "slope per place")
L = v.count("L", "number of visible keys")
x = v.let("x", exp(-a), "ratio of neighbouring weights")
mass = v.sum(lambda k: x ** (k - 1), L)
first = v.sum(lambda k: (k - 1) * x ** (k - 1), L)
mean = 1 / (exp(a) - 1) - L / (exp(a * L) - 1)

theorem = v.theorem(
    title="Linear bias as a geometric prior on look-back",
    cite=("press2022", "Section 3, the bias and its slopes; the prior is derived here"),
    claim=[
        Eq((1 - x) * mass, 1 - exp(-a * L)),
        Eq(first / mass, mean),
        "limit(1 - exp(-a*L), L, oo) = 1",
        "limit(1/(exp(a) - 1) - L/(exp(a*L) - 1), L, oo) = 1/(exp(a) - 1)",
    ],
    proof=[
        derive(mass).eq((1 - x**L) / (1 - x), "geometric sum", hint="induction(L)").named("mass"),
        derive(first)
        .eq(x * (1 - L * x ** (L - 1) + (L - 1) * x**L) / (1 - x) ** 2, "its derivative", hint="induction(L)")
        .named("first"),
        derive((1 - x) * mass).eq(1 - exp(-a * L), "geometric sum", by="mass"),
        derive(first / mass).eq(mean, "divide", by=("mass", "first")),
    ],
    kind="identity",
    outputs={"lookback": 1 / (exp(a) - 1), "truncated": mean},
    values=[
        *[value(number, f"head {k} of 8", of="lookback", a=f"1/{2**k}") for k, number in (
            (1, "1.54149408253680"), (2, "3.52081166418780"), (4, "15.5052079942807"), (8, "255.500325520751"))],
        value("1.53612487932334", "16 visible keys", of="truncated", a="1/2", L=16),
        value("14.3111369309991", "64 visible keys", of="truncated", a="1/16", L=64),
    ],
)  # fmt: skip
