r"""Softmax routing, its losses, and what they say about balance.

Every token goes to the $K$ experts with the largest logits. The importance of an expert is the sum of its softmax
weights; its squared coefficient of variation, with the population variance, is the first loss. It is a sum of
squares of $\sum_t (p_{te} - 1/E)$, and in this form a nearly balanced router keeps its digits, where the mean of the
squares minus the square of the mean loses all of them. The second loss multiplies importance with the fractions of
tokens, which are not differentiated. The third, the mean square of the log-sum-exp, has the gradient
$2\,\mathrm{LSE}\,p$ and pulls the log-sum-exp to 0, not the logits to each other. A mask takes padded tokens out of
every sum. Equal logits go to the expert with the lower number.
"""

from dltsym import (  # noqa: I001
    Eq, Operator, Scope, cases_, delta, diff, exp, log, max_over, phi1, rank_over, topk_over, value,
)  # fmt: skip
from dltsym.relations import permuted, shifted, sums_to

v = Scope(base=0)
T, E = v.count("T", "number of tokens"), v.count("E", "number of experts")
z = v.array("z", (T, E), "logits of the router")
mask = v.array("mask", T, "which tokens count", entries="bool")
t, e, k2 = v.index("t", T), v.index("e", E), v.index("k", 2)
f, c = v.index("f", E), v.real("c", "any shift, such as the largest logit")
L = v.let("L", log(v.sum(lambda j: exp(z[t, j]), E)), "log-sum-exp of a token", latex=r"\mathrm{LSE}")


def soft(r, a):
    return exp(z[r, a]) / v.sum(lambda j: exp(z[r, j]), E)


def apart(r, a, shift, grown=lambda y: y * phi1(y)):
    """Return the distance of a softmax weight from 1/E by exponentials minus 1, without cancellation."""
    mean = v.sum(lambda j: grown(z[r, j] - shift), E) / E
    return (grown(z[r, a] - shift) - mean) / v.sum(lambda j: exp(z[r, j] - shift), E)


def routed(K, renormalise, per_k, far=lambda r, a: soft(r, a) - 1 / E):
    k, tokens = k2 if K == 2 else Scope(base=0).index("k", K), v.sum(lambda r: mask[r], T)
    n = cases_((tokens > 0, tokens), 1)

    def total(of):
        return v.sum(lambda r: mask[r] * of(r), T)

    def best(r, a):
        return topk_over(E, lambda j: z[r, j], at=a, k=K, base=0)

    def chosen(of):
        return v.sum(lambda a: delta(rank_over(E, lambda j: z[t, j], at=a, base=0), k) * of(a), E)

    over = v.sum(lambda a: best(t, a) * soft(t, a), E) if renormalise else 1
    loads = v.sum(lambda a: total(lambda r: best(r, a)) * total(lambda r: soft(r, a)), E)
    return {
        "p": mask[t] * soft(t, e),
        "indices": mask[t] * chosen(lambda a: a + 1) - 1,
        "gates": mask[t] * chosen(lambda a: soft(t, a)) / over,
        "counts": total(lambda r: best(r, e)),
        "importance": total(lambda r: soft(r, e)),
        "cv2": E * v.sum(lambda a: total(lambda r: far(r, a)) ** 2, E) / n**2,
        "switch": E * loads / (n**2 * (K if per_k else 1)),
        "z_loss": total(lambda r: log(v.sum(lambda j: exp(z[r, j]), E)) ** 2) / n,
    }


axes = {"p": "t e", "indices": "t k", "gates": "t k", "counts": "e", "importance": "e"}
distance = apart(t, f, c, grown=lambda y: exp(y) - 1)
theorem = v.theorem(
    title="Softmax routing with its balance losses",
    cite=("shazeer2017", "equations (3) to (7)"),
    also=[("zoph2022", "the z loss"), ("fedus2022", "equations (4) to (6), the Switch loss")],
    claim=[Eq(soft(t, f) - 1 / E, distance), Eq(diff(L**2, z[t, f]), 2 * L * soft(t, f))],
    outputs={"growth": exp(c) - 1}, values=[value("1.718281828459045", "shift 1", of="growth", c=1)],
    operator=Operator(
        routed, {**axes, "cv2": "", "switch": "", "z_loss": ""},
        modes={"K": (2, 1, 8), "renormalise": (False, True), "per_k": (True, False)},
        absent={"mask": 1}, grads=("z",), exact=("indices", "counts"),
        relations=(
            shifted("z", 64, only=("p", "indices", "gates", "counts", "importance", "cv2", "switch")),
            permuted({"z": -2, "mask": -1}, {"p": -2, "indices": -2, "gates": -2}),
            sums_to("importance", lambda x, out: x["mask"].sum(-1) if "mask" in x else x["z"].shape[-2]),
        ),
        forms={"centred": lambda **modes: routed(
            **modes, far=lambda r, a: apart(r, a, max_over(E, lambda j: z[r, j], base=0)))},
    ),
)  # fmt: skip
