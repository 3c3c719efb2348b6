r"""Log-sum-exp of two numbers, between the larger one and the larger one plus log 2.

The smooth maximum of two scores in its simplest form; the statement with many scores and counted maximisers is
`information.lse_sandwich`. The upper bound is an equality for equal scores, the lower one in the limit of a large gap
only.
"""

from dltsym import Scope, derive, exp, log, value

v = Scope()
a = v.real("a", "larger score")
b = v.real("b", "other score")
L = v.let("L", log(exp(a) + exp(b)), "log-sum-exp")

theorem = v.theorem(
    title="Sandwich of log-sum-exp for two scores",
    cite=("boyd2004", "Section 3.1.5"),
    given=b <= a,
    claim=[a <= L, a + log(2) >= L],
    proof=[
        derive(a).le(L, "the other term is positive"),
        derive(L).le(a + log(2), "the larger term counted twice", hint="b @ a"),
    ],
    outputs={"lse": L},
    values=[value("1.31326168751822", "log(1 + e)", of="lse", a=1, b=0)],
)
