r"""Range and bounded differences of a SimCLR-type row loss.

Scores are cosines divided by $\tau$. A row loss of a batch of $m$ is at most $2/\tau + \log m$. Changing one negative
of a row changes its normaliser by a factor of at most $(m - 1 + e^{2/\tau})/m$, since the others are at least $(m -
1)e^{-1/\tau}$; its own pair moves it by at most $4/\tau$. Over the batch this is the constant of bounded differences,
which explodes as $\tau \to 0$.
"""

from dltsym import Scope, derive, exp, log, value

v = Scope()
m = v.count("m", "batch size", lo=2)
f = v.array("f", m, "scores of a row, the positive among them", lo=-1, hi=1)
i = v.integer("i", "the positive", lo=1, hi=m)
tau = v.pos("tau", "temperature", latex=r"\tau")
rest = v.pos("R", "exponentials of the other scores of a row")
span = v.let("B", 2 / tau + log(m), "range of a row loss")
change = 4 / tau + (m - 1) * log((m - 1 + exp(2 / tau)) / m)
total = v.sum(lambda j: exp(f[j] / tau), m)

theorem = v.theorem(
    title="Range of a contrastive row loss",
    cite=("vanelst2025", "bounded differences; formulas from the authors' code, proved here"),
    given=[(m - 1) * exp(-1 / tau) <= rest],
    claim=[
        log(total) - f[i] / tau <= span,
        (rest + exp(1 / tau)) / (rest + exp(-1 / tau)) <= (m - 1 + exp(2 / tau)) / m,
        change >= 4 / tau,
    ],
    proof=[
        derive(total)
        .le(v.sum(lambda j: exp(1 / tau), m), "scores are at most 1", hint="termwise")
        .eq(m * exp(1 / tau), "equal terms")
        .named("mass"),
        derive(log(total) - f[i] / tau)
        .le(log(m * exp(1 / tau)) - f[i] / tau, "log increases", by="mass")
        .le(log(m * exp(1 / tau)) + 1 / tau, "scores are at least -1")
        .eq(span, "log of a product"),
        derive((rest + exp(1 / tau)) / (rest + exp(-1 / tau)))
        .eq(1 + (exp(1 / tau) - exp(-1 / tau)) / (rest + exp(-1 / tau)), "divide")
        .le(1 + (exp(1 / tau) - exp(-1 / tau)) / (m * exp(-1 / tau)), "the others are at least (m - 1) exp(-1/tau)")
        .eq((m - 1 + exp(2 / tau)) / m, "multiply by exp(1/tau)"),
    ],
    kind="upper bound",
    outputs={"range": span, "change": change},
    values=[
        value(number, "batches of 250", of=name, m=250, tau=temperature)
        for name, temperature, number in [
            ("range", 1, "7.521460918"), ("range", "0.2", "15.52146092"),
            ("change", 1, "10.28354571"), ("change", "0.2", "1137.955281"),
        ]
    ],
)  # fmt: skip
