r"""The un-expected Bernstein bound: second moments of the sample, with no expectation.

With $c = \gamma b$ and $\psi = -c - \log(1 - c)$ the tangent-like bound $\log(1 - cu) \ge -cu - \psi u^2$ holds for
every $u \le 1$, with equality at $u = 0$ and $u = 1$. So $E e^{\gamma(EX - X) - \psi X^2/b^2} \le e^{\gamma EX}(1 -
\gamma EX) \le 1$ for a loss $X = b\,u \le b$, which may be negative. Change of measure, Markov and a union over the
grid $\gamma_j = 1/(b 2^j)$, $j = 1, \dots, G$, which is fixed before the data, give the event below for all
posteriors and all grid points at once. It is good when the mean square $V$ of the losses under the posterior is
small. The authors take $G = \lceil\log_2(\frac12\sqrt{n/\log(1/\delta)})\rceil$; for $n \le 4\log(1/\delta)$ that is
no grid. $\gamma b \ge 1$ would put a number that is not positive into the logarithm.
"""

from dltsym import Bound, Break, Eq, Scope, derive, exp, log, premise, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.")
G = v.count("G", "number of grid points")
k = v.integer("k", "grid point used", lo=1, hi=G)
b = v.pos("b", "largest loss")
D = v.nonneg("D", "KL(posterior || prior)", unit="nat")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
s, r = v.real("s", "empirical risk of the posterior", latex=r"\hat r"), v.real("r", "true risk of the posterior")
V = v.nonneg("V", "mean square of the losses under sample and posterior")
c, m = v.prob("c", "step size times largest loss", open=True), v.count("m", "number of values of the loss")
w, u = v.array("w", m, "probabilities of the values", lo=0), v.array("u", m, "values of the loss over b", hi=1)
mean = v.real("mu", "mean of the values", latex=r"\mu")
i = v.index("i", m)
psi = v.let("psi", -c - log(1 - c), "price of the second moment", latex=r"\psi")


def risk_bound(g):
    """Return the bound for the step size g."""
    return s + (-log(1 - g * b) / (g * b**2) - 1 / b) * V + (D + log(G / dlt)) / (g * n)


certificate = Bound(
    units={"n": "i.i.d. example"}, about="posterior average", holds_for="all posteriors",
    before=("prior", "loss", "grid"), events=(("event", "dlt"),), risk="r", emp_risk="s", complexity="D",
    loss=(0, "b"), free=("k",), tied=("k",), rises=("V",),
)  # fmt: skip
theorem = v.theorem(
    title="PAC-Bayes un-expected Bernstein bound",
    cite=("mhammedi2019", "main theorem, as in the authors' code; number not confirmed"),
    given=[Eq(v.sum(lambda j: w[j], m), 1), Eq(mean, v.sum(lambda j: w[j] * u[j], m)),
        premise("event", c / b * (r - s) * n <= (-c - log(1 - c)) / b**2 * V * n + D + log(G / dlt),
        ("mhammedi2019", "change of measure, Markov, union over the grid; number not confirmed"),
        "with probability at least 1 - delta, for all posteriors and all c = 2^-j of the grid")],
    claim=[log(1 - c * u[i]) >= -c * u[i] - psi * u[i] ** 2,
        v.sum(lambda j: w[j] * exp(c * (mean - u[j]) - psi * u[j] ** 2), m) <= 1, r <= risk_bound(c / b)],
    proof=[derive(log(1 - c * u[i])).ge(-c * u[i] - psi * u[i] ** 2, "both vanish at c = 0", hint="c @ 0")
        .named("one loss"), derive(log(1 - c * u[i])).ge(-c * u[i] - psi * u[i] ** 2, by="one loss"),
        derive(1 - c * u[i]).eq(exp(log(1 - c * u[i])), "exponential of the logarithm")
        .ge(exp(-c * u[i] - psi * u[i] ** 2), "the exponential increases", by="one loss").named("factor"),
        derive(v.sum(lambda j: w[j] * exp(c * (mean - u[j]) - psi * u[j] ** 2), m))
        .eq(exp(c * mean) * v.sum(lambda j: w[j] * exp(-c * u[j] - psi * u[j] ** 2), m), "common factor")
        .le(exp(c * mean) * v.sum(lambda j: w[j] * (1 - c * u[j]), m), "one loss", by="factor", hint="termwise")
        .eq(exp(c * mean) * (1 - c * mean), "mass and mean").le(exp(c * mean) * exp(-c * mean), "tangent",
        by=thm("information.exp_bound", u=-c * mean)).eq(1, "the exponents cancel"),
        derive(r).le(risk_bound(c / b), "divide by the step size", by="event")],
    outputs={"bound": risk_bound(1 / (b * 2**k))}, bound=certificate,
    breaks=[Break({"m": 1, "w": [1], "u": ["3/2"], "mu": "3/2", "c": "1/2", "i": 1}, "a loss above the largest")],
    values=[value("0.12250986487079", "G = 5 as the authors choose it", k=1, G=5, n=10000, s="0.1", V="0.03", D=50,
        b=1, dlt="0.05")],
)  # fmt: skip
