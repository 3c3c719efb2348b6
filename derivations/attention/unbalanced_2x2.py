r"""Both marginals of a plan relaxed: the exact duality gap for any size, and a closed form for two points against two.

Each marginal may be missed at a price $\rho$ per unit of (generalised) relative entropy. For any potentials $f$, $g$
the objective at any plan $P$ exceeds the dual value by a sum of three relative entropies: of $P$ to the plan $P_{fg}$
of product form, and of its marginals to $a e^{-f/\rho}$ and $b e^{-g/\rho}$. So potentials for which the marginals of
$P_{fg}$ are exactly these make it the only optimal plan. For uniform weights $1/2$ and costs 0 on the diagonal, 1 off
it, both potentials are one positive constant $\varphi$, and the total mass $e^{-\varphi/\rho}$ is below 1 at every
finite price; the balanced plan comes back for $\rho \to \infty$. A solver that penalises with the entropy of the plan
alone solves another problem.
"""

from dltsym import Eq, Scope, derive, exp, log, value, xlogx

v = Scope()
n, m = v.count("n", "number of rows"), v.count("m", "number of columns")
eps = v.pos("eps", "temperature, in units of the cost", latex=r"\varepsilon")
rho = v.pos("rho", "price of leaving a marginal", latex=r"\rho")
C, P = v.array("C", (n, m), "cost"), v.array("P", (n, m), "any plan", lo=0)
a, b = (v.array(x, s, "target mass", lo=0, lo_open=True) for x, s in (("a", n), ("b", m)))
f, g = v.array("f", n, "potential of rows"), v.array("g", m, "potential of columns")
e = v.let("e", exp(-1 / eps), "kernel off the diagonal")
T = v.let("T", exp(2 * rho / (2 * rho + eps) * log(2 / (1 + e))), "four times a diagonal entry")
phi = v.let("phi", eps / 2 * log(T), "common potential", latex=r"\varphi")
mass = T / 2 * (1 + e)


def plan(r, s):
    return a[r] * b[s] * exp((f[r] + g[s] - C[r, s]) / eps)


def kl(p, logq, q):
    return xlogx(p) - p * logq - p + q


def missed(logs):
    """Return the relative entropies of the marginals to targets times the exponential of some potentials."""
    rows = v.sum(lambda r: kl(v.sum(lambda s: P[r, s], m), log(a[r]) + logs(f, r), a[r] * exp(logs(f, r))), n)
    return rows + v.sum(lambda s: kl(v.sum(lambda r: P[r, s], n), log(b[s]) + logs(g, s), b[s] * exp(logs(g, s))), m)


product = v.sum(lambda r, s: kl(P[r, s], log(a[r] * b[s]), a[r] * b[s]), n, m)
aim = v.sum(lambda r, s: C[r, s] * P[r, s], n, m) + eps * product + rho * missed(lambda h, k: 0)
held = v.sum(lambda r: a[r] * (1 - exp(-f[r] / rho)), n) + v.sum(lambda s: b[s] * (1 - exp(-g[s] / rho)), m)
dual = rho * held + eps * v.sum(lambda r, s: a[r] * b[s] - plan(r, s), n, m)
gap = eps * v.sum(lambda r, s: kl(P[r, s], log(plan(r, s)), plan(r, s)), n, m)

theorem = v.theorem(
    title="Unbalanced transport: duality gap, and the two by two closed form",
    cite=("chizat2018", "entropic unbalanced transport; number not confirmed, the closed form is derived here"),
    claim=[
        Eq(aim, dual + gap + rho * missed(lambda h, k: -h[k] / rho)),
        Eq(phi, -rho * log(mass)),
        Eq(exp(2 * phi / eps), T),
        phi > 0,
    ],
    proof=[
        derive(e).lt(1, "a negative exponent").named("below 1"),
        derive(log(2 / (1 + e))).gt(0, "its argument exceeds 1", by="below 1").named("positive"),
        derive(phi).eq(rho * eps / (2 * rho + eps) * log(2 / (1 + e)), "logarithm of T").gt(0, by="positive"),
    ],
    outputs={"diagonal": T / 4, "off": T / 4 * e, "mass": mass, "balanced": 1 / (2 * (1 + e))},
    values=[
        value(number, "unit temperature", of=name, eps=1, rho=price)
        for name, price, number in [
            ("diagonal", 1, "0.322053574849072"),
            ("off", 1, "0.118476889142742"),
            ("diagonal", 10, "0.358976391871036"),
            ("diagonal", "1/2", "0.302295091473134"),
            ("off", "1/2", "0.111208149320007"),
            ("mass", "1/2", "0.827006481586282"),
            ("balanced", 1, "0.365529289315002"),
        ]
    ],
)
