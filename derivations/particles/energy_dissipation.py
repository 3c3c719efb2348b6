r"""Exact energy balance of self-attention: how fast the energy climbs.

$E = \frac{1}{2\beta n^2}\sum_{ij} e^{\beta\langle x_i, x_j\rangle}$ has the slope $u_i/n^2$ in token $i$, where $u_i
= \sum_j e^{\beta\langle x_i, x_j\rangle} x_j$. A token on the sphere moves along the tangential part of $u_i$ over a
share $z_i$: the sum of its weights, $z_i = Z_i$ (SA), or $z_i = n$ (USA). Both energies rise at
$\frac1n\sum_i\frac{z_i}{n} \lVert\dot x_i\rVert^2$, so $\dot E = 0$ only at rest. For SA the rate lies between
$e^{-|\beta|}$ and $e^{|\beta|}$ times the mean square speed, because the mean weight $Z_i/n$ does, as
`particles.mean_field` proves. Values $V = \kappa I$ multiply the field and the rate by $\kappa$, so that $V = -I$
makes the energy fall; for general query, key and value matrices no energy is monotone.

For large $\beta$ use the logarithm of the energy.
"""

from dltsym import Eq, Ne, Scope, abs_, diff, exp, log, phi1, value

v = Scope()
n, d = v.count("n", "number of tokens"), v.count("d", "dimension")
x, a, c = v.array("x", (n, d), "tokens"), v.index("a", n), v.index("c", d)
beta = v.real("beta", "inverse temperature", latex=r"\beta")
u = v.array("u", (n, d), "weighted sum of tokens that a token feels")
z = v.array("z", n, "share: Z of a token, or n", lo=0, lo_open=True)
q, kappa = v.array("q", n, "squared speeds", lo=0), v.real("kappa", "values are kappa times tokens", latex=r"\kappa")


def inner(p, q):
    return v.sum(lambda f: p(f) * q(f), d)


def cosine(i, j):
    return inner(lambda f: x[i, f], lambda f: x[j, f])


def weight(i, j):
    return exp(beta * cosine(i, j))


def felt(i, f):
    return v.sum(lambda j: weight(i, j) * x[j, f], n)


def speed(i, f, u, z):
    return (u(i, f) - inner(lambda g: u(i, g), lambda g: x[i, g]) * x[i, f]) / z


def squares(i, u, z):
    return inner(lambda f: speed(i, f, u, z), lambda f: speed(i, f, u, z))


def any_u(i, f):
    return u[i, f]


def mass(i):
    return v.sum(lambda j: weight(i, j), n)


E = v.sum(weight, n, n) / (2 * beta * n**2)
energy_rate = v.sum(lambda i, f: u[i, f] / n**2 * kappa * speed(i, f, any_u, z[i]), n, d)
dissipation = v.sum(lambda i: z[i] / n * squares(i, any_u, z[i]), n) / n
mean_square, rate = v.sum(lambda i: q[i], n) / n, v.sum(lambda i: z[i] / n * q[i], n) / n
points = {(q, p): [[f"sin({(i + 1) * (k + 2)})" for k in range(p)] for i in range(q)] for q, p in ((5, 3), (4, 2))}
tokens = {k: [[f"{t}/sqrt({'+'.join(f'{b}**2' for b in row)})" for t in row] for row in X] for k, X in points.items()}
theorem = v.theorem(
    title="Energy balance of self-attention on the sphere",
    cite=("geshkovski2025", "Lemma 3.7 and equation (3.6); numbering second-hand"),
    given=[
        Ne(beta, 0), Eq(inner(lambda f: x[a, f], lambda f: x[a, f]), 1),
        n * exp(-abs_(beta)) <= z[a], z[a] <= n * exp(abs_(beta)),
    ],
    claim=[
        Eq(diff(E, x[a, c]), felt(a, c) / n**2),
        Eq(energy_rate, kappa * dissipation),
        Eq(inner(lambda f: x[a, f], lambda f: speed(a, f, any_u, z[a])), 0),
        exp(-abs_(beta)) * mean_square <= rate, rate <= exp(abs_(beta)) * mean_square,
    ],
    outputs={
        "energy": E,
        **{k: log(v.sum(weight, n, n)) - log(s * n**2) for k, s in (("log_energy", 2 * beta), ("log_mean", 1))},
        "centred": v.sum(lambda i, j: cosine(i, j) * phi1(beta * cosine(i, j)), n, n) / (2 * n**2),
        "sa": v.sum(lambda i: mass(i) / n * squares(i, felt, mass(i)), n) / n,
        "usa": v.sum(lambda i: squares(i, felt, n), n) / n,
    },
    values=[
        value(number, "tokens sin((i+1)(k+2)), normalised", of=of, n=q, d=p, beta=b, x=tokens[q, p])
        for (q, p, b), numbers in {
            (5, 3, 2): ("0.626692702543989", "0.0841100306369561", "0.213178512032997"),
            (4, 2, 1): ("0.679943164102438", "0.0312761951554433", "0.0436328186943919"),
        }.items()
        for of, number in zip(("energy", "sa", "usa"), numbers, strict=True)
    ],
)  # fmt: skip
