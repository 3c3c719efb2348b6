r"""Negative: $\sqrt{d/(n\log k)}$ bounds nothing. Kept so that the formula is never added again.

Claimed, for $n$ examples, dimension $d$ and $k$ negatives, as the generalisation error of contrastive learning, and
non-vacuous when below 1/2. It has no $\delta$, no constants and no range of the loss, divides by 0 at $k = 1$, and
promises that any encoder trained on a single example generalises once there are enough negatives. The fixture is such
an encoder: of $N$ pairs it puts the one that it saw together, at 2, and the two members of every other pair apart, at
1 and $-1$. Its empirical 0-1 risk is 0. For any other anchor the positive has the lowest score of all, a tie at best,
so that its risk is $1 - 1/N$. In the sources $\log k$ multiplies or is absent (`contrastive.sample_bounds`); none has
this form.
"""

from dltsym import Scope, log, sqrt, value

v = Scope()
d, n = v.count("d", "dimension"), v.count("n", "examples")
k, N = v.count("k", "negatives", lo=2), v.count("N", "pairs in the world, all equally likely", lo=2)
gap = v.real("gap", "true less empirical 0-1 risk of the encoder")
seen = v.real("seen", "empirical risk of the encoder")
term = v.let("q", sqrt(d / (n * log(k))), "bound of the note")


def fixture(m, d, n, k, N):
    """Evaluate the encoder: an anchor fails when a negative can and must score at least as much as its positive."""
    N = int(N)
    code = {(pair, side): 2 if pair == 0 else 1 - 2 * side for pair in range(N) for side in (0, 1)}
    failed = []
    for pair in range(N):
        positive = code[pair, 0] * code[pair, 1]
        others = [code[pair, 0] * code[other, side] for other in range(N) if other != pair for side in (0, 1)]
        always, never = min(others) >= positive, max(others) < positive
        if not always and not never:
            raise ValueError("the outcome depends on the draw")
        failed.append(int(always))
    return {"gap": m.number(sum(failed)) / N - failed[0], "seen": m.number(failed[0])}


audit = v.audit(
    title="Contrastive bound with the logarithm of the negatives in the denominator",
    source=("note000", "section 3, function check_non_vacuity"),
    prints="the generalisation error of contrastive learning is at most sqrt(d/(n log k)); non-vacuous below 0.5",
    claim=gap <= term,
    at={"d": 1, "n": 1, "k": 8192, "N": 100},
    fixture=fixture,
    verdict="refuted",
    corrected="Nearest true forms: sqrt(W polylog(n, k)/n) for W parameters, or (R^2 + log k) sqrt(log(1/delta)/n).",
    outputs={"term": term, "gap": gap, "seen": seen},
    values=[
        value("0.99", "one example, 8192 negatives", of="gap", digits=12),
        value("0", "one example", of="seen", digits=12),
        value("0.02148633084", "d = 128, n = 50000, k = 256", of="term", d=128, n=50000, k=256),
        value("0.4297266169", "called non-vacuous by the note", of="term", d=128, n=1000, k=2),
    ],
    see=("contrastive.sample_bounds", "contrastive.lipschitz_linf"),
)
