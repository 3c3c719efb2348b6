r"""Two linear terms of Bernstein's inequality are in circulation.

A public implementation adds $2bL/(3n)$. That is what the classical tail $\exp(-t^2/(2(v + bt/3)))$ gives when it is
solved for the deviation; the sub-gamma route gives $bL/(3n)$, and is proved. Both hold; the larger is loose, not
wrong. Here: variance 0.05, 500 samples, $\delta = 0.05$.
"""

from dltsym import Scope, log, sqrt, value

v = Scope()
s, w = v.prob("s", "empirical mean"), v.pos("w", "variance")
n, b = v.count("n", "samples"), v.pos("b", "upper bound of the deviations")
dlt = v.prob("dlt", "failure probability", open=True, latex=r"\delta")
L = log(1 / dlt)
root = s + sqrt(2 * w * L / n)
call = {"s": "0.1", "w": "0.05", "n": 500, "b": 1, "dlt": "0.05"}

audit = v.audit(
    title="Bernstein's inequality with 2b/3 or b/3",
    source=("boucheron2013", "Section 2.8, against a public implementation with 2b/(3n)"),
    prints="the mean is at most the empirical mean + sqrt(2 v L/n) + 2 b L/(3 n), and no less will do",
    claim=root + 2 * b * L / (3 * n) <= root + b * L / (3 * n),
    at=call,
    verdict="holds with correction",
    corrected="It holds and is loose: b L/(3 n) suffices.",
    outputs={"loose": root + 2 * b * L / (3 * n), "tight": root + b * L / (3 * n)},
    values=[
        value("0.12847177800488", "2b/3", of="loose", **call),
        value("0.12647462315584", "b/3", of="tight", **call),
    ],
    see=("concentration.bernstein",),
)
