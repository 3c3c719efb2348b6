r"""An unbalanced transport number means nothing without its objective.

Before version 0.9.5 the default penalty of the library was the entropy of the plan; since then it is the relative
entropy to the product of the marginals. On the two-point example with $\varepsilon = \rho = 1$ the first entry of the
plan is 0.322 with the new default and 0.511 with the old.
"""

from dltsym import Eq, Scope, exp, log, value

v = Scope()
eps = v.pos("eps", "regularisation", latex=r"\varepsilon")
rho = v.pos("rho", "price of leaving a marginal", latex=r"\rho")
x = v.let("x", exp(-1 / eps), "kernel off the diagonal")
kl = v.let("K", exp(2 * rho / (2 * rho + eps) * log(2 / (1 + x))) / 4, "first entry, penalty KL(P || a x b)")
row = v.let(
    "r", exp((log(1 + x) - 2 * rho / eps * log(2 + 0 * x)) / (1 + 2 * rho / eps)), "row sum, penalty sum P log P"
)
entropy = v.let("E", row / (1 + x), "first entry, penalty sum P log P")

audit = v.audit(
    title="The default penalty of unbalanced transport has changed",
    source=("flamary2021", "unbalanced solvers, argument reg_type; default changed in version 0.9.5"),
    prints="the plan of the unbalanced problem at given reg and reg_m",
    claim=Eq(kl, entropy),
    at={"eps": 1, "rho": 1},
    verdict="refuted",
    corrected="State the penalty: 'kl' (to the product of the marginals) or 'entropy'; the plans differ.",
    outputs={"kl": kl, "entropy": entropy, "residual": log(row) + 2 * rho / eps * log(2 * row) - log(1 + x)},
    values=[
        value("0.322053574849072", "the number in the documentation, 0.3220536", of="kl", eps=1, rho=1),
        value("0.511", "the old default", of="entropy", digits=3, eps=1, rho=1),
        value("0", "optimality of the row sum", of="residual", digits=12, eps=1, rho=1),
    ],
    see=("attention.unbalanced_2x2",),
)
