r"""Expert choice balances loads by construction and leaves some tokens without an expert.

Every expert takes the $C$ tokens with its largest scores, equal scores in the order of the tokens, so all loads are
$C$. What is not balanced is coverage. If the experts chose independent uniform sets, each a fraction $c/E$ of the
tokens, then a given token would be missed by all of them with probability $(1 - c/E)^E$, which is below $e^{-c}$: 13
per cent at most for $c = 2$, however many experts there are. Real scores depend on each other, so this is a null
model. Whether a token is taken depends on later tokens, so the choice is not causal. The tokens of an expert are
listed in their own order; with fewer tokens than places the rest is -1.
"""

from dltsym import Operator, Scope, cases_, delta, derive, exp, log, thm, topk_over, value
from dltsym.relations import scaled

v = Scope(base=0)
T, E = v.count("T", "number of tokens"), v.count("E", "number of experts")
c = v.pos("c", "experts per token on average, the capacity factor")
s = v.array("s", (T, E), "scores of tokens and experts")
mask = v.array("mask", T, "which tokens count", entries="bool")
t, e, k2 = v.index("t", T), v.index("e", E), v.index("k", 2)
none = E * log(1 - c / E)


def chosen(r, a, C):
    """Return 1 if expert a takes token r."""
    best = topk_over(T, lambda j: cases_((mask[j] > 0, s[j, a]), v.read("-oo")), at=r, k=C, base=0)
    return mask[r] * best


def choice(C):
    """Return the tokens and scores of each expert, and the number of experts of each token."""
    k = k2 if C == 2 else Scope(base=0).index("k", C)

    def here(r):
        before = v.sum(lambda j: cases_((j < r, chosen(j, e, C)), 0), T)
        return chosen(r, e, C) * delta(before, k)

    return {
        "indices": v.sum(lambda r: (r + 1) * here(r), T) - 1,
        "gates": v.sum(lambda r: s[r, e] * here(r), T),
        "covered": v.sum(lambda a: chosen(t, a, C), E),
    }


theorem = v.theorem(
    title="Expert choice: equal loads, and tokens that nobody takes",
    cite=("zhou2022", "equation (1); the bound on coverage is ours"),
    given=c < E,
    claim=none <= -c,
    proof=derive(none)
    .le(E * (1 - c / E - 1), "log t <= t - 1", by=thm("information.log_bound", t="1 - c/E"))
    .eq(-c, "E cancels"),
    kind="upper bound",
    outputs={"uncovered": exp(none)},
    values=[value("0.118067087", "16 experts, capacity factor 2", of="uncovered", E=16, c=2)],
    operator=Operator(
        choice,
        axes={"indices": "e k", "gates": "e k", "covered": "t"},
        modes={"C": (2, 1, 4, 16)},
        absent={"mask": 1},
        grads=("s",),
        exact=("indices", "covered"),
        relations=(scaled({"s": 2}, {"gates": 2}, exact=True),),
    ),
)
