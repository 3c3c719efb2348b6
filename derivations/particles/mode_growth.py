r"""Why tokens form clusters from a uniform start: the unstable modes of the uniform law.

Perturb the uniform law on the sphere by a spherical harmonic $Y_k$ of degree $k$. By the Funk-Hecke formula the
partition function becomes $c_0 + s\,c_kY_k(x)$, and the velocity is the gradient of its logarithm over $\beta$. Minus
the divergence multiplies by $k(k + d - 2)/\beta$, since harmonics are eigenfunctions of the Laplacian; so the mode
grows at the rate below (SA), or that times $c_0$ (USA). (That $I_\nu(\beta) > 0$ for $\beta > 0$ is plain from its
series; it is listed as a hypothesis.) The rate of $k = 0$ is 0, which is conservation of mass. On the circle $Y_k =
\cos k\theta$, and for large $\beta$ the ratio $I_k/I_0$ is about $e^{-k^2/(2\beta)}$ (classical): with $z =
k^2/\beta$ the rate is about $ze^{-z/2}$, whose maximum $2/e$ at $z = 2$ is proved here. So the fastest mode is near
$\sqrt{2\beta}$, and so is the first number of clusters. It says nothing beyond the linear regime: clusters merge
later. As $\beta \to 0$ only $k = 1$ grows, at a rate of $(d-1)/d$.
"""

from dltsym import Eq, Scope, bessel_i, derive, diff, exp, lgamma, log, premise, value

v = Scope()
d = v.count("d", "dimension of the space", lo=2)
be = v.pos("be", "inverse temperature", latex=r"\beta")
k = v.integer("k", "degree of the harmonic", lo=0)
s, Y = v.real("s", "size of the perturbation"), v.real("Y", "value of the harmonic", latex="Y_k")
A, Z = v.real("A", "Laplacian of the harmonic"), v.pos("Z", "partition function at a point of the sphere")
z = v.nonneg("z", "squared degree over beta")
F = v.pos("F", "common factor Gamma(d/2) (2/beta)^(d/2-1)")
cell = v.let("c0", F * bessel_i(d / 2 - 1, be), "eigenvalue of degree 0", latex="c_0")
mode = v.let("ck", F * bessel_i(k + d / 2 - 1, be), "eigenvalue of degree k (Funk-Hecke)", latex="c_k")
ratio = bessel_i(k + d / 2 - 1, be) / bessel_i(d / 2 - 1, be)
rate = k * (k + d - 2) / be * ratio


def fastest(m, be):
    """Return the fastest degree on the circle; beyond the last one tried rates fall, as I_(k+1)/I_k < be/(2k + 2)."""
    last = 1
    while not be * (last + 1) < 2 * last**2:
        last += 1
    rates = [k**2 * m.bessel_ie(k, be) for k in range(1, last + 1)]
    return {"best": m.number(1 + rates.index(max(rates)))}


theorem = v.theorem(
    title="Growth rates of the modes of the uniform law",
    cite=("geshkovski2025", "the uniform law as a stationary point; rates derived here"),
    given=[
        1 + s * ratio * Y > 0,
        bessel_i(d / 2 - 1, be) > 0,
        premise("Funk-Hecke", Eq(Z, cell + s * mode * Y), ("dlmf", "Section 14.30"), "zonal kernels act as numbers"),
        premise("laplace", Eq(A, -k * (k + d - 2) * Y), ("dlmf", "Section 14.30"), "harmonics are eigenfunctions"),
    ],
    claim=[
        Eq(log(Z), log(cell) + log(1 + s * ratio * Y)),
        Eq(diff(log(1 + s * ratio * Y), s), ratio * Y / (1 + s * ratio * Y)),
        Eq(-(mode / cell) * A / be, rate * Y),
        z * exp(-z / 2) <= 2 * exp(-1),
    ],
    proof=[
        derive(log(Z))
        .eq(log(cell + s * mode * Y), by="Funk-Hecke")
        .eq(log(cell) + log(1 + s * ratio * Y), "split off the constant"),
        derive(-(mode / cell) * A / be)
        .eq(mode / cell * (k * (k + d - 2) * Y) / be, "the Laplacian of a harmonic", by="laplace")
        .eq(rate * Y, "the common factor cancels"),
    ],
    outputs={
        "rate": rate,
        "usa": rate * exp(lgamma(d / 2)) * (2 / be) ** (d / 2 - 1) * bessel_i(d / 2 - 1, be),
        "limit": 2 * exp(-1),
    },
    algorithm=fastest, computes=("best",),
    values=[
        value(number, "computed here", of=name, d=dim, be=at, k=degree, digits=digits)
        for name, dim, at, degree, digits, number in [
            ("rate", 2, 1, 1, 15, "0.446389965896535"), ("rate", 2, 4, 3, 15, "0.664388812207858"),
            ("rate", 2, 25, 7, 15, "0.725796513190406"), ("rate", 2, 49, 10, 15, "0.730528771878060"),
            ("rate", 3, 9, 4, 15, "0.703144760846832"), ("limit", 2, 1, 0, 15, "0.735758882342885"),
            *(("best", 2, at, 0, 12, top) for at, top in [(1, "1"), (2, "2"), (5, "3"), (16, "6"), (81, "13")]),
        ]
    ],
)  # fmt: skip
