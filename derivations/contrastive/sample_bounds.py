r"""What sample bounds for contrastive learning say about the number of negatives.

A landscape, no formula with closed constants; nothing here was derived. Arora et al.: a supervised loss is at most
$(L_{un} - \tau + \mathrm{Gen})/(1 - \tau)$ with Gen of order $R\sqrt k\,\mathrm{Rad}/M + (R^2 + \log
k)\sqrt{\log(1/\delta)/M}$ (from memory). Lei et al., with Lipschitz continuity in the maximum norm
(`contrastive.lipschitz_linf`): only logarithms of $k$, and fast rates. Hieu et al., deep encoders: parameter counts
or norms, free of $k$ up to logarithms (constants not read). For tuples that share examples there are U-statistic
forms (arXiv 2505.04937, 2605.07596), and rates $1/m + 1/\sqrt n$ with, $1/\sqrt m + 1/\sqrt n$ without labels in the
number $m$ of negatives (2605.02116). In all of them $\log k$ multiplies or is absent; none divides by it.
"""

from dltsym import Eq, Scope

v = Scope()
found = v.count("found", "sources whose bound has log k in a denominator")

audit = v.audit(
    title="Sample bounds for contrastive learning",
    source=("hieu2024", "abstract"),
    prints="a sample bound for contrastive learning improves with the logarithm of the number of negatives",
    claim=Eq(found, 1),
    verdict="citation only",
    corrected="Bounds of this kind grow with log k or do not depend on k; see the refuted form.",
    see=("contrastive.lipschitz_linf", "contrastive.sqrt_d_over_n_log_k", "contrastive.transfer_bound"),
)
