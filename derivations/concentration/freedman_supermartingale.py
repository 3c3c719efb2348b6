r"""One step of the supermartingale behind the empirical Freedman bound, and a chain on which its mean is exact.

With scaled scores $a_j \ge -1$ of mean $\bar a$ the factor $(1 + sa)e^{-s\bar a}$ has a mean of at most 1, because $1
+ s\bar a \le e^{s\bar a}$. So the product over the steps, each given the past, is a supermartingale: its mean is at
most 1. The algorithm takes the mean over all 729 paths of six steps of a chain with the losses 0, 0.3, 1, the law of
each step depending on the loss before, with predictable guesses and the scale 1.2: it is just below 1.
"""

from dltsym import Break, Eq, Scope, derive, exp, thm, value

v = Scope()
n, m = v.count("n", "number of steps of the chain"), v.count("m", "number of values of one step")
s = v.prob("s", "grid point", open=True)
p = v.array("p", m, "law of one step, given the past", lo=0)
a = v.array("a", m, "scaled scores", lo=-1)
mean = v.let("A", v.sum(lambda j: p[j] * a[j], m), "conditional mean", latex=r"\bar a")
M = v.pos("M", "mean of the product over the chain")
factor = v.sum(lambda j: p[j] * ((1 + s * a[j]) * exp(-s * mean)), m)


def chain(m, n, s):
    """Return the mean of the product over all paths, by the loss before; losses and guesses in tenths, scale 12."""
    law = {-1: (2, 5, 3), 0: (6, 2, 2), 3: (1, 8, 1), 10: (3, 3, 4)}
    guess = {-1: 5, 0: 2, 3: 3, 10: 6}
    state = {-1: m.number(1)}
    for _ in range(n):
        after = {z: m.number(0) for z in (0, 3, 10)}
        for before, weight in state.items():
            shares = dict(zip((0, 3, 10), law[before], strict=True))
            mean = m.sum(m.number(w * (guess[before] - z)) for z, w in shares.items()) / 120
            for z, w in shares.items():
                after[z] = after[z] + weight * w / 10 * (1 + s * (guess[before] - z) / 12) * m.exp(-s * mean)
        state = after
    return {"M": m.sum(state.values())}


numbers = {"0.1": "0.99991805751255", "0.5": "0.99815942297581", "0.9": "0.99463676846277"}

theorem = v.theorem(
    title="One step of the empirical Freedman supermartingale",
    cite=("finzi2025", "proof of the fully empirical Freedman-type theorem; number not confirmed"),
    given=Eq(v.sum(lambda j: p[j], m), 1),
    claim=factor <= 1,
    proof=[
        derive(factor)
        .eq((1 + s * mean) * exp(-s * mean), "the mean is linear")
        .le(exp(s * mean) * exp(-s * mean), "tangent of exp", by=thm("information.exp_bound", u=s * mean))
        .eq(1, "inverse"),
    ],
    tight={a: lambda j: 0},
    outputs={"factor": factor},
    algorithm=chain,
    computes=("M",),
    breaks=[Break({"m": 1, "p": [2], "a": [0], "s": "1/2"}, "weights of mass 2")],
    values=[value(number, "chain of six steps", of="M", s=at, n=6) for at, number in numbers.items()],
)
