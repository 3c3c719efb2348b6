"""A small statement with good and bad candidates, for the tests of the oracle itself."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from dltsym import Scope, exp, log
from dltsym.implementation import Arithmetic
from dltsym.operators import Relation
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.statement import Statement, spec_of
from dltsym.relations import adds, euler, gradient_shift, later, permuted, shifted, sums_to, swapped, within

Tensors = dict[str, Any]
RELATIONS = (
    shifted("x", 300, {"lse": 300}),
    shifted("x", -300, {"lse": -300}),
    permuted({"x": -1, "w": -1}, only=("y", "lse")),
    adds("w", "y"),
    within("lse", hi=lambda x, out: x["x"].max(-1) + 12.0),
    euler({"w": 1}, {"y": 1}),
    gradient_shift("x", {"lse": 1}),
)


@cache
def softmax_average(relations: bool = True) -> Statement:
    """Return averages y of w under a softmax of the rows of x, the weights p, and the log-sum-exps."""
    from dataclasses import replace

    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, w, i, j = v.array("x", (n, m)), v.array("w", m), v.index("i", n), v.index("j", m)
    total = v.sum(lambda s: exp(x[i, s]), m)
    outputs = {"p": exp(x[i, j]) / total, "y": v.sum(lambda s: exp(x[i, s]) * w[s], m) / total, "lse": log(total)}
    spec = spec_of(outputs)
    return replace(spec, key="softmax_average", relations=RELATIONS if relations else ())


def contract(dtype: str) -> Arithmetic:
    """Return the contract of the candidates: single precision inside, one rounding at the end."""
    return Arithmetic(io=dtype, acc="float64" if dtype == "float64" else "float32")


def candidate(function: Callable[[Any, Any], Tensors], name: str = "candidate", **options: Any) -> Candidate:
    """Make a candidate of a function of x and w in the accumulator's type."""

    def call(inputs: Any, _modes: Any) -> Tensors:
        x, w = inputs["x"], inputs["w"]
        acc = torch.float64 if x.dtype == torch.float64 else torch.float32
        out = function(x.to(acc), w.to(acc))
        return {o: r.to(x.dtype) if o in ("p", "y") else r for o, r in out.items()}

    known = {"outputs": ("p", "y", "lse"), "arithmetic": contract, "grads": ("x", "w")} | options
    return Candidate(name, call, **known)


def right(x: Any, w: Any) -> Tensors:
    """Return what the statement says, in plain torch."""
    p = torch.softmax(x, -1)
    return {"p": p, "y": (p * w.unsqueeze(-2)).sum(-1), "lse": torch.logsumexp(x, -1)}


def _changed(**changes: Callable[[Any, Any, Tensors], Any]) -> Callable[[Any, Any], Tensors]:
    def function(x: Any, w: Any) -> Tensors:
        good = right(x, w)
        return {**good, **{o: f(x, w, good) for o, f in changes.items()}}

    return function


def _nothing(x: Any, w: Any) -> Tensors:
    return {o: torch.zeros_like(r) for o, r in right(x, w).items()}


BAD: dict[str, Callable[[Any, Any], Tensors]] = {
    "all zeros": _nothing,
    "no maximum": _changed(lse=lambda x, w, good: x.exp().sum(-1).log()),
    "maximum starts at 0": _changed(
        lse=lambda x, w, good: (m := x.amax(-1).clamp(min=0)) + (x - m[..., None]).exp().sum(-1).log()
    ),
    "base 2": _changed(lse=lambda x, w, good: good["lse"] / 0.6931471805599453),
    "last column skipped": _changed(
        p=lambda x, w, good: (
            torch.cat([torch.softmax(x[..., :-1], -1), 0 * x[..., -1:]], -1) if x.shape[-1] > 1 else good["p"]
        )
    ),
    "log2e with six digits": _changed(lse=lambda x, w, good: good["lse"] * (1.44270 * 0.6931471805599453)),
    "denominator * 1.0005": _changed(y=lambda x, w, good: good["y"] / 1.0005),
    "transposed": _changed(p=lambda x, w, good: good["p"].mT.reshape(good["p"].shape)),
    "nan in one row": _changed(
        lse=lambda x, w, good: torch.where(torch.arange(x.shape[-2]) == 1, torch.nan, good["lse"])
    ),
    "wrong shape": _changed(lse=lambda x, w, good: good["lse"][..., None]),
}
"""Wrong candidates by what is wrong with them."""

BROKEN_RELATION = Relation("lse - 1", lambda x: {**x, "x": x["x"] + 2}, lambda out, x: {"lse": out["lse"] + 1})
"""A relation that no right kernel satisfies."""
__all__ = ["BAD", "BROKEN_RELATION", "candidate", "contract", "later", "right", "softmax_average", "sums_to", "swapped"]
