r"""A chi-square bound evaluated with relative entropy is not the bound it names.

The baseline for dependent data needs $\chi^2(Q\|P)$. A public code passes $\mathrm{KL}(Q\|P)$ instead and notes that
it is the smaller of the two; a bound that grows with $\chi^2$ then comes out too small. For two unit Gaussians whose
means differ by 3, KL is 4.5 and $\chi^2$ is $e^9 - 1$.
"""

from dltsym import Scope, exp, value

v = Scope()
d = v.nonneg("d", "distance of the means in standard deviations")
kl, chi = v.let("K", d**2 / 2, "KL(Q || P) of two unit Gaussians"), v.let("X", exp(d**2) - 1, "chi-square divergence")

audit = v.audit(
    title="Relative entropy in the place of chi-square",
    source=("vanelst2025", "public code, bound by f-divergence"),
    prints="the value computed from KL is an upper bound, because KL <= chi-square",
    claim=chi <= kl,
    at={"d": 3},
    verdict="refuted",
    corrected="The inequality points the other way: use chi-square itself, or an upper bound of it.",
    outputs={"kl": kl, "chi_square": chi},
    values=[
        value("4.5", "means 3 apart", of="kl", digits=12, d=3),
        value("8102.08392757538", "exp(9) - 1", of="chi_square", digits=15, d=3),
    ],
    see=("information.kl_chi2",),
)
