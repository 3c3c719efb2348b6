r"""The posterior of one denoising step is Gaussian with known mean and variance.

Given $x_0$ and $x_t$, the previous state $x_{t-1}$ has a Gaussian law: precisions add, and the mean is the
precision-weighted average. Here $\bar\alpha_{t-1}$ is written $a$ and $\bar\alpha_t$ is $b < a$, so one step keeps
$\alpha_t = b/a$ of the signal and adds variance $\beta_t = 1 - b/a$. At $t = 1$ ($a = 1$) the variance is 0.
"""

from dltsym import Eq, Scope, derive, sqrt, value

v = Scope()
a = v.prob("a", "signal kept up to the previous step", open=True, latex=r"\bar\alpha_{t-1}")
b = v.prob("b", "signal kept up to this step", open=True, latex=r"\bar\alpha_t")
x0 = v.real("x0", "clean sample", latex="x_0")
xt = v.real("xt", "noisy sample", latex="x_t")
y = v.real("y", "previous sample", latex="x_{t-1}")
e = v.real("e", "noise in the noisy sample", latex=r"\varepsilon")
al = v.let("al", b / a, "signal kept by one step", latex=r"\alpha_t")
be = v.let("be", 1 - al, "noise variance of one step", latex=r"\beta_t")
prec = v.let("r", al / be + 1 / (1 - a), "precision of the posterior")
var = v.let("w", be * (1 - a) / (1 - b), "posterior variance", latex=r"\tilde\beta_t")
c0 = v.let("c0", sqrt(a) * be / (1 - b), "weight of the clean sample")
ct = v.let("ct", sqrt(al) * (1 - a) / (1 - b), "weight of the noisy sample")
mean = v.let("mu", c0 * x0 + ct * xt, "posterior mean", latex=r"\tilde\mu_t")
energy = (
    (xt - sqrt(al) * y) ** 2 / (2 * be)
    + (y - sqrt(a) * x0) ** 2 / (2 * (1 - a))
    - (xt - sqrt(b) * x0) ** 2 / (2 * (1 - b))
)

theorem = v.theorem(
    title="Posterior of a denoising diffusion step",
    cite=("ho2020", "equations (6) and (7)"),
    given=b < a,
    claim=[
        Eq(1 / prec, var),
        Eq(energy, (y - mean) ** 2 / (2 * var)),
        Eq(c0 * (xt - sqrt(1 - b) * e) / sqrt(b) + ct * xt, (xt - be * e / sqrt(1 - b)) / sqrt(al)),
        Eq(al * (1 - a) + be, 1 - b),
    ],
    proof=derive(1 / prec).eq(var, "precisions add"),
    outputs={"variance": var, "c0": c0, "ct": ct},
    values=[
        value(
            "5.453187661e-05",
            "linear schedule 1e-4 to 0.02, T = 1000, t = 2",
            of="variance",
            a="0.9999",
            b="0.9999*(1 - 0.0001 - 0.0199/999)",
        ),
        value("0.5452914995", "same step", of="c0", a="0.9999", b="0.9999*(1 - 0.0001 - 0.0199/999)"),
        value("0.454708499", "same step", of="ct", a="0.9999", b="0.9999*(1 - 0.0001 - 0.0199/999)"),
    ],
)
