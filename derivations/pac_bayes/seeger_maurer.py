r"""The kl form of the PAC-Bayes bound, with Maurer's constant.

Jensen's inequality, change of measure and Markov's inequality give the event below (`pac_bayes.kl_chain`): it holds
for all posteriors at once with probability at least $1 - \delta$ over the i.i.d. sample, for losses in $[0, 1]$ and a
prior fixed before the data. Maurer's moment $\xi(n)$ is at most $2\sqrt n$ for every $n \ge 1$
(`information.maurer_moment`); $\log\xi(n)$ itself is better by up to $\log(2/\sqrt{\pi/2}) = 0.47$ nats. The same
event bounds the true risk from both sides, by the two inverses of relative entropy.
"""

from dltsym import Bound, Scope, derive, kl_bernoulli, kl_lower, kl_upper, log, premise, sqrt, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s = v.prob("s", "empirical risk of the posterior, loss in [0, 1]", latex=r"\hat r")
r = v.prob("r", "true risk of the posterior", open=True)
xi = v.pos("xi", "Maurer's moment", latex=r"\xi")
B = (D + log(2 * sqrt(n) / dlt)) / n
certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors", before=("prior", "loss"),
    events=(("event", "dlt"),), risk="r", emp_risk="s", complexity="D",
)  # fmt: skip
points = [
    ({"n": 30000, "D": 1724, "s": "0.289307"}, "0.057761445192815", "0.45515770784482", "0.45513456541982"),
    ({"n": 10000, "D": 35, "s": 0}, "0.0043294049640102", "0.0043200466005918", "0.0042740408993609"),
    ({"n": 50000, "D": 8000, "s": "0.11"}, "0.16018197537193", "0.35733605855025", "0.35732742397176"),
]


def sharp(m, n, D, dlt, s):
    """Bound the risk with the exact moment, as a sum of exp(x_k + x_(n-k) - x_n) with x_k = k log k - log k!."""
    x, log_factorial = [m.number(0)], m.number(0)
    for k in range(1, n + 1):
        log_factorial = log_factorial + m.log(k)
        x.append(k * m.log(k) - log_factorial)
    xi = m.sum(m.exp(x[k] + x[n - k] - x[n]) for k in range(n + 1))
    return {"with_xi": m.kl_upper(s, (D + m.log(xi) - m.log(dlt)) / n)}


theorem = v.theorem(
    title="PAC-Bayes kl bound", cite=("maurer2004", "Theorem 5"),
    also=[("seeger2002", "Theorem 1, with a larger moment bound; number not confirmed")],
    given=[premise("event", n * kl_bernoulli(s, r) <= D + log(xi / dlt), ("maurer2004", "Theorem 5"),
        "pac_bayes.kl_chain: with probability at least 1 - delta, for all posteriors"),
        premise("moment", xi <= 2 * sqrt(n), ("maurer2004", "Theorem 1; number not confirmed"), "for every n >= 1")],
    claim=[kl_bernoulli(s, r) <= B, r <= kl_upper(s, B), r >= kl_lower(s, B)],
    proof=[derive(log(xi / dlt)).le(log(2 * sqrt(n) / dlt), "moment", by="moment").named("coarse"),
        derive(n * kl_bernoulli(s, r)).le(D + log(xi / dlt), "event", by="event")
        .le(D + log(2 * sqrt(n) / dlt), "moment", by="coarse").named("sum"),
        derive(kl_bernoulli(s, r)).le(B, "divide", by="sum").named("kl bound"),
        derive(kl_bernoulli(s, r)).le(B, by="kl bound"), derive(log(2 * sqrt(n) / dlt)).ge(0, "2 sqrt(n) > 1 > delta")
        .named("positive"), derive(B).ge(0, "a quotient", by="positive").named("radius"),
        derive(r).le(kl_upper(s, B), "definition of the inverse", by=("kl bound", "radius")),
        derive(r).ge(kl_lower(s, B), "definition of the inverse", by=("kl bound", "radius"))],
    outputs={"bound": kl_upper(s, B), "lower": kl_lower(s, B), "radius": B}, bound=certificate, algorithm=sharp,
    computes=("with_xi",),
    values=[value(number, "one of three test points", of=name, dlt="0.05", **point) for point,
        *numbers in points for name, number in zip(("radius", "bound", "with_xi"), numbers, strict=True)],
)  # fmt: skip
