r"""One denoising step, and why the stochastic sampler is a member of the deterministic one's family.

Two samplers take a noisy $x_t$ and a network's guess back to $x_{t-1}$. The first draws from the posterior with the
guess put in for $x_0$; its variance is either the posterior variance $\tilde\beta_t$ or $\beta_t$, and the two must be
told apart. The second keeps the marginals of the forward process for every variance $\sigma^2 =
\eta^2\tilde\beta_t$ between the two times. At $\eta = 1$ both are the same law: $1 - \bar\alpha_{t-1} -
\tilde\beta_t$ is a perfect square, and with it the means agree. The network predicts the noise $\varepsilon$ or
$v = \sqrt{\bar\alpha_t}\,\varepsilon - \sqrt{1 - \bar\alpha_t}\,x_0$. Nothing is added at the first time, where the
signal kept before is 1. A clipped guess of $x_0$ leaves the noise as it was predicted, and with it the family.
"""

from dltsym import Eq, Operator, Relation, Scope, cases_, max_, min_, sqrt, value
from dltsym.relations import scaled

v = Scope()
n = v.count("n", "number of coordinates")
x = v.array("x", n, "noisy sample")
model = v.array("model", n, "output of the network")
noise = v.array("noise", n, "standard normal noise")
now = v.prob("now", "signal kept up to this step", open=True, latex=r"\bar\alpha_t")
before = v.real("before", "signal kept up to the step before", lo=0, hi=1, lo_open=True, latex=r"\bar\alpha_{t-1}")
eta = v.prob("eta", "share of the posterior's standard deviation", latex=r"\eta")
i, w, u = v.index("i", n), v.real("w", "noisy sample"), v.real("u", "predicted noise")
al = now / before
be = 1 - al
posterior = be * (1 - before) / (1 - now)
first = (w - be / sqrt(1 - now) * u) / sqrt(al)
square = al * (1 - before) ** 2 / (1 - now)


def family(e, clean, eta):
    """Return the mean of the step that keeps the marginals; the root is that of 1 - before - eta^2 posterior."""
    return sqrt(before) * clean + sqrt((1 - before) * (1 - eta**2 * be / (1 - now))) * e


def step(method, prediction, variance, clip):
    y = model[i]
    e = y if prediction == "eps" else sqrt(1 - now) * x[i] + sqrt(now) * y
    clean = (x[i] - sqrt(1 - now) * e) / sqrt(now) if prediction == "eps" else sqrt(now) * x[i] - sqrt(1 - now) * y
    clean = max_(-1, min_(1, clean)) if clip else clean
    if method == "ddim":
        return {"sample": family(e, clean, eta) + eta * sqrt(posterior) * noise[i]}
    mean = (x[i] - be / sqrt(1 - now) * e) / sqrt(al)
    if clip:
        mean = sqrt(before) * be / (1 - now) * clean + sqrt(al) * (1 - before) / (1 - now) * x[i]
    return {"sample": mean + sqrt(posterior if variance == "posterior" else cases_((before < 1, be), 0)) * noise[i]}


theorem = v.theorem(
    title="Denoising steps: one family",
    cite=("song2021", "equations (12) and (16)"),
    given=[now < before], outputs={"posterior": posterior, "mean": first},
    claim=[
        Eq(1 - before - posterior, square),
        Eq(1 - before - eta**2 * posterior, (1 - before) * (1 - eta**2 * be / (1 - now))),
        Eq(sqrt(before) * (w - sqrt(1 - now) * u) / sqrt(now) + sqrt(square) * u, first),
    ],
    values=[
        value("5.453187661e-05", "linear schedule, T = 1000, t = 2", of="posterior", before="0.9999",
              now="0.9999*(1 - 0.0001 - 0.0199/999)"),
    ],
    operator=Operator(
        step, {"sample": "i"},
        modes={"method": ("ddpm", "ddim"), "prediction": ("eps", "v"), "variance": ("posterior", "beta"),
               "clip": (False, True)},
        absent={"noise": 0, "eta": 0}, grads=("x", "model", "noise"),
        relations=(
            scaled({"x": 2, "model": 2, "noise": 2}, {"sample": 2}, exact=True, when=lambda a, m: not m.get("clip")),
            Relation(
                "the family at eta = 1 is the posterior",
                lambda a: {**a, "eta": a["now"] * 0 + 1}, lambda out, a: out,
                when=lambda a, m: (m["method"], m["variance"], m["clip"]) == ("ddpm", "posterior", False),
                modes={"method": "ddim"},
            ),
        ),
    ),
)  # fmt: skip
