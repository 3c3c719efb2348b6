r"""Compute alone does not determine generalisation.

As a theorem it is false: along the compute-optimal frontier at fixed bits per parameter the leading term of the
bound, $C\log V$, is the same at every scale, and away from the frontier the same compute gives different
complexities. The witness has two models of equal compute, one with 20, one with 200 tokens per parameter.
"""

from dltsym import Eq, Scope, log, sqrt, value

v = Scope()
F = v.pos("F", "compute", unit="FLOP")
rho, sigma = v.pos("rho", "tokens per parameter"), v.pos("sigma", "the same of another model")
b = v.pos("b", "bits per parameter")


def complexity(rho):
    size = sqrt(F / (6 * rho))
    return size * b * log(2) / (rho * size)


call = {"F": "1e24", "rho": 20, "sigma": 200, "b": 3}
audit = v.audit(
    title="Equal compute, different complexity",
    source=("note000", "section 3, compute-optimal scaling"),
    prints="compute determines generalisation",
    claim=Eq(complexity(rho), complexity(sigma)),
    at=call,
    verdict="refuted",
    corrected="The complexity per token is b log(2)/rho: tokens per parameter and the code decide, not compute.",
    outputs={"one": complexity(rho), "other": complexity(sigma)},
    values=[value("0.103972077084", "20 tokens per parameter", of="one", **call),
            value("0.0103972077084", "200 tokens per parameter", of="other", **call)],
    see=("llm_bounds.chinchilla_complexity",),
)  # fmt: skip
