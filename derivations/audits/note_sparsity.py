r"""Temperature makes softmax concentrated, never sparse.

Every weight of a softmax is positive at every temperature, so a sparsity pattern is not what the temperature changes:
it is the entropy. Exact zeros need another map, such as entmax. (In floating point a weight can underflow to 0.)
"""

from dltsym import Eq, Scope, exp, value

v = Scope()
eps = v.pos("eps", "temperature", latex=r"\varepsilon")
D = v.pos("D", "gap between two scores", latex=r"\Delta")
p = v.let("p", 1 / (1 + exp(D / eps)), "weight of the lower score")

audit = v.audit(
    title="Temperature does not make softmax sparse",
    source=("note000", "section 1, on temperature"),
    prints="the temperature controls the sparsity of attention",
    claim=Eq(p, 0),
    at={"eps": "1/100", "D": 1},
    verdict="refuted",
    corrected="It controls concentration (entropy). Exact zeros come from entmax with alpha > 1.",
    outputs={"weight": p},
    values=[value("3.72007597602084e-44", "eps = 1/100", of="weight", eps="1/100", D=1)],
    see=("attention.entmax", "attention.entmax_onehot", "information.lse_thermodynamics"),
)
