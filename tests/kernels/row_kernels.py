"""Seven kernels over rows in torch, as a GPU computes them, each with bugs that can be planted (study B)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from dltsym import Scope, erf, exp, log, sqrt

Tensors = Mapping[str, torch.Tensor]
LENGTH = 512
SMOOTH = 0.1
ROW_BUGS = {
    "softmax": ("no maximum", "last term dropped", "logits (1 - 1e-4)"),
    "lse": ("sum (1 + 1e-4)",),
    "layer norm": ("one-pass variance", "n - 1", "eps 1e-6"),
    "rms norm": ("eps outside",),
    "gelu": ("tanh", "1.414"),
    "expm1 over x": ("exp(x) - 1",),
    "cross-entropy": ("smoothing 1e-4",),
}


@dataclass(frozen=True)
class RowKernel:
    """A statement and its kernel: from inputs and the name of a bug to the result in the type of the inputs."""

    statement: Callable[[], Any]
    compute: Callable[[torch.Tensor, Tensors, str], torch.Tensor]
    inputs: Callable[[torch.Tensor], dict[str, torch.Tensor]]

    def run(self, inputs: Tensors, bug: str) -> torch.Tensor:
        """Compute in single precision (double for double), round once."""
        x = inputs["x"]
        wide = x if x.dtype == torch.float64 else x.float()
        return self.compute(wide, inputs, bug).to(x.dtype)


def row_inputs(dtype: torch.dtype) -> Iterator[torch.Tensor]:
    """Yield rows around 0, around 100, and far apart."""
    for scale, shift in ((1.0, 0.0), (1.0, 100.0), (20.0, 0.0)):
        g = torch.Generator().manual_seed(1)
        yield (scale * torch.randn(4, LENGTH, generator=g, dtype=torch.float64) + shift).to(dtype)


def _scope() -> tuple[Scope, Any, Any, Any, Any]:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    return v, m, v.array("x", (n, m)), v.index("i", n), v.index("j", m)


def _softmax() -> Any:
    v, m, x, i, j = _scope()
    return {"p": exp(x[i, j]) / v.sum(lambda k: exp(x[i, k]), m)}


def _soft(x: torch.Tensor, _: Tensors, bug: str) -> torch.Tensor:
    x = x * (1 - 1e-4) if bug == "logits (1 - 1e-4)" else x
    terms = torch.exp(x if bug == "no maximum" else x - x.amax(-1, keepdim=True))
    total = (terms[:, :-1] if bug == "last term dropped" else terms).sum(-1, keepdim=True)
    return terms / total


def _lse() -> Any:
    v, m, x, i, _ = _scope()
    return {"lse": log(v.sum(lambda k: exp(x[i, k]), m))}


def _logsum(x: torch.Tensor, _: Tensors, bug: str) -> torch.Tensor:
    top = x.amax(-1)
    total = torch.exp(x - top[:, None]).sum(-1)
    return top + torch.log(total * (1 + 1e-4) if bug else total)


def _layer_norm() -> Any:
    v, m, x, i, j = _scope()
    mean = v.sum(lambda k: x[i, k], m) / m
    spread = v.sum(lambda k: (x[i, k] - mean) ** 2, m) / m
    return {"y": (x[i, j] - mean) / sqrt(spread + v.read("1/100000"))}


def _normed(x: torch.Tensor, _: Tensors, bug: str) -> torch.Tensor:
    mean, n = x.mean(-1, keepdim=True), x.shape[-1]
    spread = ((x - mean) ** 2).sum(-1, keepdim=True) / (n - 1 if bug == "n - 1" else n)
    if bug == "one-pass variance":
        spread = (x * x).mean(-1, keepdim=True) - mean * mean
    return (x - mean) / torch.sqrt(spread + (1e-6 if bug == "eps 1e-6" else 1e-5))


def _rms_norm() -> Any:
    v, m, x, i, j = _scope()
    return {"y": x[i, j] / sqrt(v.sum(lambda k: x[i, k] ** 2, m) / m + v.read("1/100000"))}


def _rms(x: torch.Tensor, _: Tensors, bug: str) -> torch.Tensor:
    mean = (x * x).mean(-1, keepdim=True)
    return x / (torch.sqrt(mean) + 1e-5 if bug else torch.sqrt(mean + 1e-5))


def _gelu() -> Any:
    _, _, x, i, j = _scope()
    return {"y": x[i, j] / 2 * (1 + erf(x[i, j] / sqrt(2)))}


def _gelus(x: torch.Tensor, _: Tensors, bug: str) -> torch.Tensor:
    if bug == "tanh":
        return torch.nn.functional.gelu(x, approximate="tanh")
    return x / 2 * torch.erfc(-x / (1.414 if bug else 2**0.5))


def _relative() -> Any:
    _, _, x, i, j = _scope()
    return {"y": (exp(x[i, j]) - 1) / x[i, j]}


def _expm1(x: torch.Tensor, _: Tensors, bug: str) -> torch.Tensor:
    return (torch.exp(x) - 1 if bug else torch.expm1(x)) / x


def _cross_entropy() -> Any:
    v, m, x, i, _ = _scope()
    n = x.decl.shape[0][1]
    t = v.array("w", (n, m), "one-hot target", lo=0)
    return {"loss": v.sum(lambda k: t[i, k] * (log(v.sum(lambda s: exp(x[i, s]), m)) - x[i, k]), m)}


def _crossed(x: torch.Tensor, inputs: Tensors, bug: str) -> torch.Tensor:
    w = inputs["w"].to(x.dtype)
    loss = torch.logsumexp(x, -1)[:, None] - x
    hit = (w * loss).sum(-1)
    return (1 - 1e-4) * hit + 1e-4 * loss.mean(-1) if bug else hit


def _one_hot(x: torch.Tensor) -> dict[str, torch.Tensor]:
    w = torch.zeros_like(x)
    w[torch.arange(len(x)), 7 * torch.arange(len(x)) + 3] = 1
    return {"x": x, "w": w}


def _only(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"x": x}


KERNELS = {
    "softmax": RowKernel(_softmax, _soft, _only),
    "lse": RowKernel(_lse, _logsum, _only),
    "layer norm": RowKernel(_layer_norm, _normed, _only),
    "rms norm": RowKernel(_rms_norm, _rms, _only),
    "gelu": RowKernel(_gelu, _gelus, _only),
    "expm1 over x": RowKernel(_relative, _expm1, _only),
    "cross-entropy": RowKernel(_cross_entropy, _crossed, _one_hot),
}
