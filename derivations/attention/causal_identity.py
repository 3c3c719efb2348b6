r"""Causal mask and balanced marginals together leave nothing but the identity.

A causal attention matrix is lower triangular, so every entry satisfies $(i - j) A_{ij} \ge 0$. When its row and
column sums are 1, the sum of all these terms is $\sum_i i - \sum_j j = 0$: each of them vanishes, and $A = I$, the
attention of a layer that mixes nothing. What helps: a finite price $\rho$ of the column marginal, a column target
that the mask allows (the column sums of causal softmax), or a prior on the keys.
"""

from dltsym import Break, Eq, Scope, derive

v = Scope()
n = v.count("n", "number of tokens")
A = v.array("A", (n, n), "attention matrix", lo=0)
i, j = v.index("i", n), v.index("j", n)
a, b = v.index("a", n), v.index("b", n)
lag = v.sum(lambda s: v.sum(lambda t: (s - t) * A[s, t], n), n)
before = v.sum(lambda t: A[a, t], (1, a - 1))
after = v.sum(lambda t: A[a, t], (a + 1, n))


def off(side, span, far):
    """Return the chains by which one side of row a vanishes."""
    part = v.sum(lambda t: A[a, t], span)
    return [
        derive(part).le(v.sum(lambda t: far(t) * A[a, t], span), "the distance is at least 1", hint="termwise")
        .le(v.sum(lambda t: 0, span), by="zero", hint="termwise").eq(0).named(f"{side}: above"),
        derive(part).ge(0, "no negative terms", hint="termwise").named(f"{side}: below"),
        derive(part).eq(0, by=(f"{side}: above", f"{side}: below")).named(side),
    ]  # fmt: skip


theorem = v.theorem(
    title="Causal mask and balanced marginals force the identity",
    cite=("sander2022", "balanced attention; the causal case is derived here"),
    given=[
        (i - j) * A[i, j] >= 0,
        Eq(v.sum(lambda t: A[i, t], n), 1),
        Eq(v.sum(lambda s: A[s, j], n), 1),
    ],
    claim=[Eq((a - b) * A[a, b], 0), Eq(A[a, a], 1)],
    proof=[
        derive(lag)
        .eq(
            v.sum(lambda s: s * v.sum(lambda t: A[s, t], n), n) - v.sum(lambda t: t * v.sum(lambda s: A[s, t], n), n),
            "split",
        )
        .eq(0, "both sums are 1 + ... + n")
        .named("lag"),
        derive(v.sum(lambda t: (i - t) * A[i, t], n)).ge(0, "the mask, term by term", hint="termwise").named("rows"),
        derive((a - b) * A[a, b])
        .le(v.sum(lambda t: (a - t) * A[a, t], n), "one term of a sum without negative terms", hint="termwise")
        .le(lag, "one term of a sum without negative terms", by="rows", hint="z3")
        .eq(0, by="lag")
        .named("below"),
        derive((a - b) * A[a, b]).ge(0, "the mask").named("mask"),
        derive((a - b) * A[a, b]).eq(0, by=("mask", "below")).named("zero"),
        *off("left", (1, a - 1), lambda t: a - t),
        *off("right", (a + 1, n), lambda t: t - a),
        derive(A[a, a])
        .eq(v.sum(lambda t: A[a, t], n) - (before + after), "split the row")
        .eq(1 - (before + after), "rows sum to 1")
        .eq(1, by=("left", "right")),
        derive((a - b) * A[a, b]).eq(0, by="zero"),
    ],
    kind="identity",
    outputs={"lag": lag},
    breaks=[
        Break({"n": 2, "A": [["1/2", "1/2"], ["1/2", "1/2"]], "a": 2, "b": 1}, "not lower triangular"),
        Break({"n": 2, "A": [[1, 0], ["1/2", "1/2"]], "a": 2, "b": 1}, "columns do not sum to 1"),
    ],
)
