r"""Energies of one point and of the uniform law, the two ends of what attention dynamics can have.

For a law $\mu$ on the unit sphere $S^{d-1}$ the energy is $\frac{1}{2\beta}\iint e^{\beta\langle x,
y\rangle}\mu(dx)\mu(dy)$. One point has $e^\beta/(2\beta)$, the largest value, since $\langle x, y\rangle \le 1$. For
the uniform law the inner integral does not depend on $x$; the classical integral over the polar angle makes it
$\Gamma(\frac d2) (\frac{2}{\beta})^{d/2-1} I_{d/2-1}(\beta)$: $I_0(\beta)$ on the circle, $\sinh\beta/\beta$ on the
sphere in space. The algorithm evaluates the same integral by certified quadrature.

For $\beta > 0$ the uniform law is the only minimiser among all laws (cited, Proposition 3.4). That says nothing about
time, nor about finitely many tokens, whose minimisers are other configurations; $\beta < 0$ is not covered. The
logarithm is formed with $\widehat I_\nu(\beta) = e^{-\beta}I_\nu(\beta)$, so that it is finite for every $\beta$.
"""

from dltsym import Eq, Scope, bessel_i, bessel_ie, derive, exp, lgamma, log, premise, sinh, value

v = Scope()
d = v.count("d", "dimension of the space around the sphere", lo=2)
beta = v.pos("beta", "inverse temperature", latex=r"\beta")
mean = v.pos("mean", "mean of exp(beta <x, y>) over the sphere", latex="M")
c = v.real("c", "cosine of two points", lo=-1, hi=1)
nu = d / 2 - 1
polar = exp(lgamma(d / 2)) * (2 / beta) ** nu * bessel_i(nu, beta)
scaled = exp(lgamma(d / 2)) * (2 / beta) ** nu * exp(beta) * bessel_ie(nu, beta)
log_energy = lgamma(d / 2) + nu * log(2 / beta) + log(bessel_ie(nu, beta)) + beta - log(2 * beta)


def quadrature(m, d, beta):
    """Return the energy of the uniform law as a quotient of two integrals over the polar angle."""
    top, surface = (
        m.integral(lambda s, b=b: m.exp(b * m.cos(s)) * m.sin(s) ** (d - 2), 0, m.pi) for b in (beta, 0 * beta)
    )
    return {"quadrature": top / surface / (2 * beta)}


theorem = v.theorem(
    title="Energies of one point and of the uniform law on the sphere",
    cite=("geshkovski2025", "Proposition 3.4 and the energy before it; numbering second-hand"),
    also=[("dlmf", "Section 10.39, half-integer orders; number not confirmed")],
    given=premise("polar angle", Eq(mean, polar), ("dlmf", "equation 10.32.2"), "integral over the polar angle"),
    claim=[
        Eq(mean / (2 * beta), scaled / (2 * beta)),
        "Integral(exp(beta*u)/2, (u, -1, 1)) = sinh(beta)/beta",
        exp(beta * c) / (2 * beta) <= exp(beta) / (2 * beta),
        sinh(beta) / beta < exp(beta),
        bessel_i(0, beta) <= exp(beta),
    ],
    proof=derive(mean / (2 * beta))
    .eq(polar / (2 * beta), "the classical integral", by="polar angle")
    .eq(scaled / (2 * beta), "the scaled function"),
    outputs={
        "energy": exp(log_energy),
        "log_energy": log_energy,
        "in_space": sinh(beta) / (2 * beta**2),
        "point": exp(beta) / (2 * beta),
    },
    algorithm=quadrature,
    computes=("quadrature",),
    values=[
        *(
            value(number, "computed by machine", of=of, d=k, beta=b)
            for k, b, number in (
                (2, 1, "0.633032938876004"), (3, 4, "0.852809912410242"), (2, 4, "1.41274024401704"),
                (4, 3, "0.439263357489179"), (8, 2, "0.319109938859779"),
            )
            for of in ("energy", "quadrature")
        ),
        value("0.852809912410242", "on the sphere in space", of="in_space", d=3, beta=4),
        value("1.84726402473266", "one point", of="point", d=3, beta=2),
        value("971.169839355233", "beyond the range of floats", of="log_energy", d=8, beta=1000),
    ],
)  # fmt: skip
