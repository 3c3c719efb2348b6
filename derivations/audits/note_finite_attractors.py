r"""In the limit of long times the theorems give one cluster, not several.

The note says that tokens cluster to finitely many attractors. For $Q = K = V = I$ all known theorems (small $\beta$,
large $\beta$, three dimensions or more, almost every start) end in a single cluster; several clusters are long-lived
states on the way. Two orthogonal tokens at $\beta = 0$ have cosine $\tanh t$: at $t = 20$ the participation number of
their Gram matrix is 1 to 17 digits. With repulsion on the circle ($\beta < -2/3$) or random values even consensus
fails.
"""

from fractions import Fraction

from dltsym import Scope, tanh, value

v = Scope()
t = v.nonneg("t", "time")
clusters = v.let("N", 2 / (1 + tanh(t) ** 2), "participation number of two tokens")

audit = v.audit(
    title="Clusters are metastable, the limit is one cluster",
    source=("note000", "section 2"),
    prints="tokens cluster to finitely many attractors",
    claim=clusters >= Fraction(3, 2),
    at={"t": 20},
    verdict="holds with correction",
    corrected="A single cluster as t -> infinity (theorems with their own hypotheses); several clusters for times "
    "that are exponentially long in beta.",
    outputs={"clusters": clusters},
    values=[value("2", "orthogonal start", of="clusters", t=0), value("1", "late", of="clusters", digits=15, t=20)],
    see=("particles.metastability", "particles.circle_threshold"),
)
