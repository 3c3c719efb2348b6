"""The Triton kernels as one differentiable function of torch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from .launching import Saved
from .triton_backward import backward
from .triton_forward import forward


class Attend(torch.autograd.Function):
    """One-sided entropic transport attention of arrays of shape (B, H, n, d); gradients of all three results."""

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any, tau: Any, lp: Any, slope: Any, causal: bool, precision: str) -> Any:
        """Run the forward kernel and keep what the backward kernels need: rows, never scores."""
        ctx.set_materialize_grads(False)
        o, lse, entropy = forward(q, k, v, tau, lp, slope, causal, True, precision)
        ctx.save_for_backward(q, k, v, tau, lp, slope, o, lse, entropy)
        ctx.choices = causal, precision
        return o, lse, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, do: Any, dlse: Any, dentropy: Any) -> Any:
        """Run the backward kernels; a result that nothing depends on costs nothing."""
        *inputs, o, lse, entropy = ctx.saved_tensors
        if do is None:
            do = o.new_zeros(()).expand(o.shape)
        found = backward(Saved(tuple(inputs), o, lse, entropy, *ctx.choices), do, dlse, dentropy)
        return *found, None, None


def attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tau: float | torch.Tensor, lp: torch.Tensor | None,
    slope: torch.Tensor | None, causal: bool, precision: str,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """Attend with the Triton kernels; leading dimensions are folded into batch and heads.

    Parameters
    ----------
    q, k, v : Tensor, shapes (..., n, d), (..., m, d), (..., m, dv)
        Queries, keys and values.
    tau : float or Tensor, shape (...)
        Temperature.
    slope : Tensor or None, shape (...)
        Slopes.
    lp : Tensor or None, shape (..., m)
        Log prior.
    causal : bool
        Whether later keys are hidden.
    precision : str
        ``input_precision`` of matrix products.

    Returns
    -------
    tuple of Tensor
        Output (..., n, dv), log-sum-exp (..., n) and entropy (..., n).
    """
    acc = torch.float64 if q.dtype == torch.float64 else torch.float32
    heat = torch.as_tensor(tau, dtype=acc, device=q.device)  # a number must not pass through single precision
    small = [heat, *(None if x is None else x.to(acc) for x in (lp, slope))]
    arrays = [(q, 2), (k, 2), (v, 2), (small[0], 0), (small[1], 1), (small[2], 0)]
    lead = tuple(torch.broadcast_shapes(*(x.shape[: x.ndim - own] for x, own in arrays if x is not None)))
    folded = (math.prod(lead[:-1]), lead[-1] if lead else 1)

    def fold(x: torch.Tensor | None, own: int) -> torch.Tensor | None:
        if x is None:
            return None
        rest = x.shape[x.ndim - own :]
        return x.expand((*lead, *rest)).reshape((*folded, *rest))

    o, lse, entropy = Attend.apply(*(fold(x, own) for x, own in arrays), causal, precision)
    return tuple(y.reshape((*lead, *y.shape[2:])) for y in (o, lse, entropy))  # type: ignore[return-value]
