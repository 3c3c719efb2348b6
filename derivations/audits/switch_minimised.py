r"""Uniform routing does not minimise the Switch balance loss.

The text says the loss is minimised under a uniform distribution, where it equals 1. Take three experts and two
kinds of tokens: half of them with router probabilities $(1/2 + e, 0, 1/2 - e)$, half with $(0, 1/2 + e, 1/2 - e)$.
The third expert is dead, and the loss is $3/4 + 3e/2 < 1$. Under uniform routing it is 1, so uniform is not a
minimum.
"""

from fractions import Fraction

from dltsym import Scope, value

v = Scope()
e = v.pos("e", "margin of the router")
loss = v.real("loss", "balance loss of the unbalanced router")
uniform = v.real("uniform", "balance loss under uniform routing")
dead = v.real("dead", "fraction of tokens routed to the third expert")


def fixture(m, e):
    """Route two kinds of tokens by the largest probability and evaluate n * sum f_i P_i."""
    half = Fraction(1, 2)
    tokens = [(half + e, 0, half - e), (0, half + e, half - e)]
    picks = [t.index(max(t)) for t in tokens]
    f = [Fraction(picks.count(i), len(tokens)) for i in range(3)]
    P = [sum(t[i] for t in tokens) / Fraction(len(tokens)) for i in range(3)]
    third = Fraction(1, 3)
    return {
        "loss": m.number(3 * sum(a * b for a, b in zip(f, P, strict=True))),
        "uniform": m.number(3 * 3 * third * third),
        "dead": m.number(f[2]),
    }


audit = v.audit(
    title="Switch balance loss is not minimised by uniform routing",
    source=("fedus2022", "text below equation (4)"),
    prints="the auxiliary loss is minimised under a uniform distribution",
    claim=uniform <= loss,
    at={"e": "1/100"},
    fixture=fixture,
    verdict="refuted",
    corrected="It is at least 1 when fractions and probabilities are similarly ordered; in general values down to 3/4 "
    "occur for three experts, with a dead expert. Report the coefficient of variation of the fractions beside it.",
    outputs={"loss": loss, "uniform": uniform, "dead": dead},
    values=[
        value("153/200", "e = 1/100", of="loss", digits=12),
        value("1", "uniform", of="uniform", digits=12),
        value("0", "a dead expert", of="dead", digits=12),
    ],
    see=("moe.balance_loss_infimum",),
)
