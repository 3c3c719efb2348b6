r"""Tokens on a circle: attention in angles, and the Kuramoto model at temperature infinity.

For $d = 2$ write $x_i = (\cos\theta_i, \sin\theta_i)$. The velocity of token $i$ is tangent to the circle, so one
number says it all: a sum of sines of the differences of angles, weighted by $e^{\beta\cos}$. At $\beta = 0$ the
weights are equal, and both models (SA with its own normaliser, USA with $n$) are Kuramoto's with coupling 1 and
identical frequencies; two tokens then have an explicit solution. Note that $\beta$ sets how far tokens see each other
(about $\beta^{-1/2}$) and, in USA, a time scale up to $e^\beta$: it is not the coupling strength. Equal oscillators
without noise synchronise from almost every start; the phase transition of Kuramoto's model needs a spread of
frequencies or noise, and has no counterpart here.
"""

from dltsym import Eq, Ode, Scope, atan, cos, diff, exp, sin, value

v = Scope()
n = v.count("n", "number of tokens")
be = v.real("be", "inverse temperature", latex=r"\beta")
th = v.array("th", n, "angles of the tokens", unit="rad", latex=r"\theta")
i = v.index("i", n)
j = v.index("j", n)
t = v.nonneg("t", "time (depth)")
ph = v.real("ph", "difference of two angles", unit="rad", latex=r"\varphi")
u = v.real("u", "tangent of half the initial difference")


def inner(a, b):
    """Return the inner product of tokens a and b."""
    return cos(th[a]) * cos(th[b]) + sin(th[a]) * sin(th[b])


def drift(by, coordinate):
    """Return the sum over tokens of a weight times one coordinate of x_j projected on the tangent at x_i."""
    return v.sum(lambda j: by(j) * (coordinate(th[j]) - inner(i, j) * coordinate(th[i])), n)


def pull(by):
    """Return the velocity of the angle of token i times the normaliser."""
    return -v.sum(lambda j: by(j) * sin(th[i] - th[j]), n)


def weight(k):
    """Return the unnormalised weight of token k for token i."""
    return exp(be * cos(th[i] - th[k]))


def flat(k):
    """Return that weight at beta = 0."""
    return exp(0 * cos(th[i] - th[k]))


Z = v.let("Z", v.sum(weight, n), "partition function of token i")
pair = 2 * atan(u * exp(-t))

theorem = v.theorem(
    title="Attention on the circle and the Kuramoto model",
    cite=("geshkovski2025", "the circle and the Kuramoto model; number not confirmed"),
    claim=[
        Eq(inner(i, j), cos(th[i] - th[j])),
        Eq(-sin(th[i]) * cos(th[j]) + cos(th[i]) * sin(th[j]), -sin(th[i] - th[j])),
        Eq(drift(weight, cos) / Z, -sin(th[i]) * pull(weight) / Z),
        Eq(drift(weight, sin) / Z, cos(th[i]) * pull(weight) / Z),
        Eq(pull(flat) / v.sum(flat, n), v.sum(lambda j: sin(th[j] - th[i]), n) / n),
        Ode(unknown=ph, var=t, equation=Eq(diff(ph, t), -sin(ph)), solution=pair, start=0, initial=2 * atan(u)),
        Eq(cos(pair), (exp(2 * t) - u**2) / (exp(2 * t) + u**2)),
    ],
    outputs={"drift": pull(weight) / Z, "unnormalised": pull(weight) / n, "phi": pair},
    values=[value("0.705026843555238", "two tokens, beta = 0", of="phi", n=2, u=1, t=1)],
)
