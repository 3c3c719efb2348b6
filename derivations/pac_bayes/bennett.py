r"""The PAC-Bayes-Bennett bound, and an estimate of its variance.

Bennett's step: $e^{\gamma x} - 1 - \gamma x \le (x/K)^2 (e^{K\gamma} - K\gamma - 1)$ for every $x \le K$, with
equality at 0 and at $K$; so a centred variable below $K$ of variance $v$ has a log-moment of at most $v\,(e^{K\gamma}
- K\gamma - 1)/K^2$. Change of measure, Markov and a grid of $k_\gamma$ values of $\gamma$ give the first event. The
second bounds the variance by the sample variance, with $t$ from a grid of $k_\lambda$. Both events hold together with
probability at least $1 - \delta$ and are cited from the authors' code, number not confirmed; here the one-variable
steps and what follows from the events are proved. For the majority vote, pairs of voters make $D = 2\,\mathrm{KL}$,
and $K = \max(1 - \mu, 1 - 2\mu)$.
"""

from dltsym import Bound, Eq, Scope, derive, exp, premise, thm, value

v = Scope()
n = v.count("n", "training examples, i.i.d.", lo=2)
g, K = v.pos("g", "step size of the grid", latex=r"\gamma"), v.pos("K", "largest value of the loss")
D, E = v.nonneg("D", "KL and price of one grid", unit="nat"), v.nonneg("E", "KL and price of both grids", unit="nat")
s, r = v.real("s", "empirical mean", latex=r"\hat r"), v.real("r", "true mean")
V, S = v.nonneg("V", "variance under the posterior"), v.nonneg("S", "sample variance under the posterior")
t, c = v.prob("t", "parameter of the variance bound", open=True), v.pos("c", "step size times largest value")
m = v.count("m", "number of values")
w, u = v.array("w", m, "probabilities of the values", lo=0), v.array("u", m, "centred values over K", hi=1)
i = v.index("i", m)
var = v.let("rho", v.sum(lambda j: w[j] * u[j] ** 2, m), "variance of the values", latex=r"\rho")
psi = v.let("psi", exp(c) - 1 - c, "Bennett's exponent", latex=r"\psi")
variance = S / (1 - t) + K**2 * D / (2 * (n - 1) * t * (1 - t))


def bound(V):
    return s + (exp(K * g) - K * g - 1) / (g * K**2) * V + E / (g * n)


certificate = Bound({"n": "i.i.d. example"}, "posterior average", "all posteriors", (), "", risk="r", emp_risk="s",
    complexity="E", loss=(0, "K"), before=("prior", "loss", "grid"), free=("g", "t"), tied=("g", "t"),
    rises=("D", "S"))  # fmt: skip
theorem = v.theorem(
    title="PAC-Bayes-Bennett bound",
    cite=("wu2021", "PAC-Bayes-Bennett inequality and Theorem 13, as in the authors' code; numbers not confirmed"),
    also=[("tolstikhin2013", "the variance bound; number not confirmed")],
    given=[
        Eq(v.sum(lambda j: w[j], m), 1),
        Eq(v.sum(lambda j: w[j] * u[j], m), 0),
        premise("mean", g * n * (r - s) <= (exp(K * g) - K * g - 1) / K**2 * V * n + E,
            ("wu2021", "PAC-Bayes-Bennett inequality; number not confirmed"),
            "with E = KL + log(k_gamma k_lambda/delta), for all posteriors and all gamma of the grid"),
        premise("variance", variance >= V, ("wu2021", "Theorem 13; number not confirmed"), "for D with k_lambda"),
    ],
    claim=[
        exp(c * u[i]) - 1 - c * u[i] <= psi * u[i] ** 2,
        v.sum(lambda j: w[j] * exp(c * u[j]), m) <= exp(psi * var),
        r <= bound(V),
        r <= bound(variance),
    ],
    proof=[
        derive(exp(c * u[i]) - 1 - c * u[i]).le(psi * u[i] ** 2, "quadratic", hint="c @ 0").named("one"),
        derive(exp(c * u[i]) - 1 - c * u[i]).le(psi * u[i] ** 2, by="one"),
        derive(exp(c * u[i])).le(1 + c * u[i] + psi * u[i] ** 2, by="one").named("factor"),
        derive(v.sum(lambda j: w[j] * exp(c * u[j]), m))
        .le(v.sum(lambda j: w[j] * (1 + c * u[j] + psi * u[j] ** 2), m), "one value", by="factor", hint="termwise")
        .eq(1 + psi * var, "mass 1, mean 0")
        .le(exp(psi * var), "tangent", by=thm("information.exp_bound", u=psi * var)),
        derive(r).le(bound(V), "divide by the step size", by="mean").named("with V"),
        derive(r).le(bound(V), by="with V"),
        derive(exp(K * g) - K * g - 1).ge(0, "tangent of the exponential").named("positive"),
        derive(bound(V)).le(bound(variance), "more variance", by=("variance", "positive")).named("more"),
        derive(r).le(bound(V), by="with V").le(bound(variance), by="more"),
    ],
    outputs={"bound": bound(variance), "variance": variance},
    bound=certificate,
    values=[
        value("0.0305263157894737", "computed here, 29/950", of="variance", S="0.01", t="1/2", K=1, D="0.1", n=20),
        value("0.131926497921381", "computed here", of="bound", S="0.01", t="1/2", K=1, D="0.1", n=20, s="0.1", g=1,
              E="0.2"),
    ],
)  # fmt: skip
