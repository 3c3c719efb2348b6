r"""A time scale off by a factor of four.

The lemma follows $u' = -c\log\beta\,\sin u$ from $u(0) = 1$ to $u = \sqrt{\log\beta/\beta}$ and gives $t \approx
2/c$. Since $\log\tan(u/2)$ is linear in $t$, the time is $ct = (\log\tan\frac12 - \log\tan\frac{u}{2})/\log\beta$,
which tends to one half. At $\beta = 10^{50}$ it is 0.48.
"""

from dltsym import Scope, log, sqrt, tan, value

v = Scope()
be = v.real("be", "inverse temperature", lo=10, latex=r"\beta")
scaled = v.let("ct", (log(tan(1 / v.read("2"))) - log(tan(sqrt(log(be) / be) / 2))) / log(be), "c times the time")

audit = v.audit(
    title="The exact time scale is one half, not two",
    source=("geshkovski2024", "lemma on the exact time scale; second-hand"),
    prints="the crossing time is 2/c to leading order",
    claim=(scaled - 2) ** 2 <= 1,
    at={"be": "1e50"},
    verdict="holds with correction",
    corrected="t = 1/(2c) + O(log log beta/log beta).",
    outputs={"ct": scaled},
    values=[
        value("0.348908222261654", "beta = 10", of="ct", be=10),
        value("0.411379867665670", "beta = 1e6", of="ct", be="1e6"),
        value("0.480157406580365", "beta = 1e50", of="ct", be="1e50"),
    ],
    see=("particles.metastability",),
)
