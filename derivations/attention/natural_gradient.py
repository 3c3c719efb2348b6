r"""Fisher preconditioning takes the weight out of the gradient of attention scores.

Backpropagation gives score $a$ the gradient $p_a(u_a - \bar u)/\varepsilon$, which vanishes for a key that is
ignored. In the Fisher metric $F = (\mathrm{diag}\,p - pp^\top)/\varepsilon^2$ of the softmax family the same
direction is $\varepsilon u$, up to a constant added to all scores, which changes nothing: $F$ annihilates exactly the
constants, since $z_a$ minus its mean is $\varepsilon^2 (Fz)_a/p_a$. The shortest solution is $\varepsilon(u -
\mathrm{mean}\,u)$. For $p_a = 0$ the direction of key $a$ is not determined.
"""

from dltsym import Break, Eq, Scope, delta, derive, value

v = Scope()
m = v.count("m", "number of keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
p = v.array("p", m, "attention weights", lo=0, lo_open=True)
u, z = v.array("u", m, "loss per unit of weight"), v.array("z", m, "any direction")
c = v.real("c", "any constant")
a = v.index("a", m)
mean = v.let("mean", v.sum(lambda j: u[j], m) / m, "plain mean of u", latex=r"\mathrm{mean}\,u")


def fisher(x):
    return v.sum(lambda j: p[a] * (delta(a, j) - p[j]) / eps**2 * x(j), m)


def natural(j):
    return eps * (u[j] - mean)


gradient = p[a] * (u[a] - v.sum(lambda j: p[j] * u[j], m)) / eps
length = v.sum(lambda j: (eps * u[j] + c) ** 2, m)
theorem = v.theorem(
    title="Natural gradient of attention scores",
    cite=("litman2025", "abstract: the reading as an advantage; theorem number not confirmed"),
    given=Eq(v.sum(lambda j: p[j], m), 1),
    claim=[
        Eq(fisher(lambda j: eps * u[j] + c), gradient),
        Eq(z[a] - v.sum(lambda j: p[j] * z[j], m), eps**2 * fisher(lambda j: z[j]) / p[a]),
        Eq(v.sum(natural, m), 0),
        length >= v.sum(lambda j: natural(j) ** 2, m),
    ],
    proof=derive(length)
    .eq(v.sum(lambda j: natural(j) ** 2, m) + m * (c + eps * mean) ** 2, "natural and constant parts are orthogonal")
    .ge(v.sum(lambda j: natural(j) ** 2, m), "a square"),
    kind="identity",
    outputs={"natural": natural(a), "gradient": gradient},
    values=[
        value(number, "u = (1, -2, 1/2, 3)", of="natural", m=4, eps="0.7", a=k, u=[1, -2, "0.5", 3])
        for k, number in enumerate(("0.262500", "-1.83750", "-0.0875000", "1.66250"), 1)
    ],
    breaks=[Break({"m": 1, "eps": 1, "p": ["1/2"], "u": [1], "c": 1, "z": [0], "a": 1}, "weights of mass 1/2")],
)
