r"""Hitting times of equiangular tokens in closed form.

How long until the common cosine has grown from $\gamma_0$ to $\gamma$? Separate variables in
`particles.equiangular_ode`: $T = \frac{1}{2n}\int_{\gamma_0}^{\gamma}(e^{\beta(1-x)} + n - 1)\left(\frac{1}{1-x} +
\frac{n-1}{1+(n-1)x}\right)dx$ for (SA), and exponential integrals are antiderivatives: $T = (A(\gamma) -
A(\gamma_0))/(2n)$, and $(B(\gamma) - B(\gamma_0))/2$ for (USA), where $\beta = \beta_+$ is not 0. The claims say that
these differences start at 0 and grow at one over the speed of $\gamma$. At $\beta = 0$ both are $(y - y_0)/2$, $y =
\log\frac{1+(n-1)\gamma}{1-\gamma}$. The time is infinite from the simplex and diverges like $-\frac12\log(1-\gamma)$
at consensus.

The closed form cancels for small $\beta$ and overflows for large $\beta$. The algorithm integrates over $y$, where
the integrand $e^{\beta n/(e^y+n-1)}$ is smooth, with its largest exponent taken out; `log_T` has no overflow at all.
"""

from dltsym import Eq, Scope, diff, ei, exp, log, value

v = Scope()
n = v.count("n", "number of tokens", lo=2)
be, s = v.nonneg("be", "inverse temperature", latex=r"\beta"), v.real("s", "value of y")
bp = v.pos("bp", "inverse temperature, not 0", latex=r"\beta_{+}")
g0 = v.real("g0", "initial inner product", latex=r"\gamma_0", lo=-1 / (n - 1), lo_open=True, hi=1, hi_open=True)
g = v.real("g", "inner product to reach", latex=r"\gamma", lo=-1 / (n - 1), lo_open=True, hi=1, hi_open=True)


def y(x):
    return log((1 + (n - 1) * x) / (1 - x))


def A(x):
    far = exp(bp * n / (n - 1)) * ei(-bp * (1 + (n - 1) * x) / (n - 1))
    return -ei(bp * (1 - x)) + far + (n - 1) * y(x)


def B(x):
    return exp(bp / (n - 1)) * ei(-bp * (1 + (n - 1) * x) / (n - 1)) - exp(-bp) * ei(bp * (1 - x))


def times(m, n, be, g0, g):
    """Integrate over y with the largest exponent of each integrand taken out."""
    start, end = (m.log((1 + (n - 1) * x) / (1 - x)) for x in (g0, g))
    top, top_usa = be * (1 - g0), -be * g0
    core = m.integral(lambda z: m.exp(be * n / (m.exp(z) + n - 1) - top), start, end)
    sa = (core + (n - 1) * (end - start) * m.exp(-top)) / (2 * n)
    usa = m.integral(lambda z: m.exp(be * (n / (m.exp(z) + n - 1) - 1) - top_usa), start, end) / 2
    return {"T": sa * m.exp(top), "log_T": top + m.log(sa), "T_usa": usa * m.exp(top_usa)}


shape, mass = 2 * (1 - g) * ((n - 1) * g + 1), exp(bp * (1 - g)) + n - 1
gamma, side = (exp(s) - 1) / (exp(s) + n - 1), exp(be * n / (exp(s) + n - 1)) + n - 1
CASES = {
    (128, 0, 0, "0.999"): {"T": "5.87939643142896"}, (128, 1, 0, "0.5"): {"T": "2.45641147428664"},
    (128, "1e-8", 0, "0.999"): {"T": "5.87939643161994", "closed": "5.87939643161994"},
    (128, 1, 0, "0.999"): {"T": "5.90902039681169", "closed": "5.90902039681169", "T_usa": "3.55785919589555"},
    (128, 9, 0, "0.999"): {"T": "82.5933575019809", "closed": "82.5933575019809"},
    (128, 50, 0, "0.999"): {"T": "21822119732987100000", "closed": "21822119732987100000"},
    (128, 710, 0, "0.999"): {"log_T": "702.596985541381"}, (16, 6, 0, "0.999"): {"T": "20.5718588540999"},
    (2, 1, 0, "0.999"): {"T": "4.27106768030934", "T_usa": "1.74446010112815", "closed_usa": "1.74446010112815"},
    (64, 2, 0, "0.999"): {"T": "5.69937358199033"}, (1024, 5, 0, "0.5"): {"T": "3.82301746070270"},
    (16, 2, 0, "0.999"): {"T_usa": "1.58833143922605", "closed_usa": "1.58833143922605"},
    (5, 2, "-0.1", "0.9"): {"T": "3.49309257538181", "closed": "3.49309257538181"},
}  # fmt: skip
theorem = v.theorem(
    title="Hitting times of equiangular tokens in exponential integrals",
    cite=("geshkovski2025", "equations (6.9) and (6.10), solved here; we know of no printed closed form"),
    claim=[
        Eq(n / ((1 - g) * (1 + (n - 1) * g)), 1 / (1 - g) + (n - 1) / (1 + (n - 1) * g)),
        Eq(diff((A(g) - A(g0)) / (2 * n), g), mass / shape),
        Eq(diff((B(g) - B(g0)) / 2, g), n / (exp(bp * g) * shape)),
        Eq(diff(y(g) / 2, g), n / shape), Eq(1 - gamma, n / (exp(s) + n - 1)),
        Eq(diff(gamma, s) * side / (2 * (1 - gamma) * ((n - 1) * gamma + 1)), side / (2 * n)),
    ],
    outputs={
        "closed": (A(g) - A(g0)) / (2 * n), "closed_usa": (B(g) - B(g0)) / 2,
        "y": y(g), "gap": n / (exp(s) + n - 1),
        "slowness": (exp(be * n / (exp(s) + n - 1)) + n - 1) / (2 * n),
        "slowness_usa": exp(be * (n / (exp(s) + n - 1) - 1)) / 2,
    },
    algorithm=times, computes=("T", "log_T", "T_usa"),
    values=[
        value(number, "computed by machine", of=of, digits=15, n=k, g0=start, g=end, **{"bp" if "c" in of else "be": b})
        for (k, b, start, end), row in CASES.items()
        for of, number in row.items()
    ],
)  # fmt: skip
