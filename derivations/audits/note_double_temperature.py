r"""The printed attention divides by two temperatures.

Scores are divided by $\sqrt d$ and again by $\varepsilon$. The second default, 0.1, makes the temperature on the raw
scores $0.1\sqrt d$: at $d = 64$ it is 0.8 where standard attention has 8, ten times colder. Either $\varepsilon =
\sqrt d$ on raw scores or $\varepsilon = 1$ on scaled ones is standard attention; using both is not.
"""

from dltsym import Eq, Scope, sqrt, value

v = Scope()
d = v.count("d", "width of a head")
eps = v.pos("eps", "second temperature", latex=r"\varepsilon")

audit = v.audit(
    title="The printed attention has two temperatures",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="scores/sqrt(d), then divided by eps = 0.1, as entropic attention",
    claim=Eq(eps * sqrt(d), sqrt(d)),
    at={"d": 64, "eps": "0.1"},
    verdict="refuted",
    corrected="One temperature: sqrt(d) on raw scores, or 1 on scores that are already divided by sqrt(d).",
    outputs={"temperature": eps * sqrt(d), "standard": sqrt(d)},
    values=[value("0.8", "d = 64", of="temperature"), value("8", "d = 64", of="standard")],
    see=("attention.one_sided_eot",),
)
