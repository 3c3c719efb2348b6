r"""An additive bias of attention is the logarithm of a prior over keys.

Maximise the mean score minus $\varepsilon$ times the relative entropy to a prior $\pi$. The maximiser is proportional
to $\pi_j e^{s_j/\varepsilon}$, so the prior enters the logits as $\log\pi_j$, after the division by the temperature,
and a constant added to all of them changes nothing. The value is $\varepsilon$ times the logarithm of the normaliser,
and the certificate of any other $p$ is its relative entropy to the maximiser. A mask is a prior of 0: with relative
entropy finite, $p$ is 0 there, so hidden keys are left out of all sums. The uniform prior gives
`attention.one_sided_eot`. A row without any allowed key has no solution at all.
"""

from dltsym import Eq, Gap, Optimum, Scope, derive, exp, log, thm, value, xlogx

v = Scope()
m = v.count("m", "number of allowed keys")
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
s = v.array("s", m, "scores")
w = v.array("w", m, "prior weights of the allowed keys", lo=0, lo_open=True, latex=r"\pi")
p = v.array("p", m, "any probability vector on the allowed keys", lo=0)
c, i = v.real("c", "any constant"), v.index("i", m)
Z = v.let("Z", v.sum(lambda j: w[j] * exp(s[j] / eps), m), "normaliser")


def soft(j):
    return w[j] * exp(s[j] / eps) / Z


mass = Eq(v.sum(lambda j: p[j], m), 1)
aim = v.sum(lambda j: s[j] * p[j], m) - eps * v.sum(lambda j: xlogx(p[j]) - p[j] * log(w[j]), m)
K = v.let("K", v.sum(lambda j: xlogx(p[j]) - p[j] * log(soft(j)), m), "KL(p || attention)", unit="nat")
shifted = exp(s[i] / eps + log(w[i]) + c) / v.sum(lambda j: exp(s[j] / eps + log(w[j]) + c), m)
prior = {"m": 4, "eps": "0.7", "s": ["0.3", "-1.2", 2, "0.7"], "w": ["0.1", "0.2", "0.3", "0.4"]}
theorem = v.theorem(
    title="Attention with a prior over keys",
    cite=("litman2026", "abstract: a bias is a log prior, standard attention has a uniform one; number not confirmed"),
    given=mass,
    claim=[
        Optimum("max", aim, over=(p,), at={p: soft}, value=eps * log(Z), proof=Gap(eps * K, by="gap"), subject_to=mass),
        Eq(shifted, soft(i)),
    ],
    proof=derive(K)
    .ge(v.sum(lambda j: p[j], m) - v.sum(soft, m), "Gibbs' inequality", by=thm("information.gibbs_inequality", w=soft))
    .eq(0, "both are probability vectors")
    .named("gap"),
    outputs={"p": soft(i), "value": eps * log(Z), "kl": v.sum(lambda j: soft(j) * (s[j] / eps - log(Z)), m)},
    values=[
        *[value(number, "scores 0.3, -1.2, 2, 0.7, prior 0.1, 0.2, 0.3, 0.4", of="p", i=k, **prior)
          for k, number in enumerate(("0.0236150827205656", "0.00554100362404700", "0.803574036523723",
                                      "0.167269877131665"), 1)],
        value("1.31029920583469", "the same", of="value", **prior),
        value("0.591961573817476", "the same", of="kl", **prior),
    ],
)  # fmt: skip
