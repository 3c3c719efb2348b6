r"""What the Switch balance loss does and does not bound.

The loss is $n\sum_i f_i P_i$ with $f$ the fractions of tokens routed to each expert and $P$ the mean router
probabilities. It is at least 1 when $f$ and $P$ are similarly ordered, and equals $1 + \mathrm{CV}^2(P)$ when $f =
P$. It is exactly 1 whenever one of the two is uniform, whatever the other is, so the value 1 certifies nothing;
without the order hypothesis values below 1 occur (see the audit of the claim that uniform routing minimises it). The
exact infimum over all routers, 7/8 for two experts and 3/4 for three, is not part of this record.
"""

from dltsym import Break, Eq, Scope, derive, value

v = Scope()
n = v.count("n", "number of experts")
f = v.array("f", n, "fraction of tokens routed to each expert", lo=0)
P = v.array("P", n, "mean router probability of each expert", lo=0)
i = v.index("i", n)
j = v.index("j", n)
loss = n * v.sum(lambda a: f[a] * P[a], n)
pairs = v.sum(lambda a, b: (f[a] - f[b]) * (P[a] - P[b]), n, n) / 2

theorem = v.theorem(
    title="Lower bound of the Switch balance loss under similar order",
    cite=("fedus2022", "equations (4) to (6); the order hypothesis is ours"),
    given=[Eq(v.sum(lambda a: f[a], n), 1), Eq(v.sum(lambda a: P[a], n), 1), (f[i] - f[j]) * (P[i] - P[j]) >= 0],
    claim=[
        loss >= 1,
        Eq(n * v.sum(lambda a: P[a] ** 2, n), 1 + n * v.sum(lambda a: (P[a] - 1 / n) ** 2, n)),
        Eq(n * v.sum(lambda a: f[a] / n, n), 1),
    ],
    proof=[
        derive(pairs).ge(0, "similar order, pair by pair", hint="termwise").named("ordered"),
        derive(loss).eq(1 + pairs, "Chebyshev's sum identity").ge(1, by="ordered"),
    ],
    outputs={"loss": loss, "pairs": pairs},
    values=[
        value("1.2", "f = P", of="loss", n=4, f=["0.1", "0.2", "0.3", "0.4"], P=["0.1", "0.2", "0.3", "0.4"]),
        value("1", "P uniform, f collapsed", of="loss", n=4, f=[1, 0, 0, 0], P=["1/4"] * 4),
    ],
    breaks=[Break({"n": 3, "f": ["1/2", "1/2", 0], "P": ["1/4", "1/4", "1/2"]}, "f and P are not similarly ordered")],
)
