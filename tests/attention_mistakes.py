"""Wrong attention code of all kinds, for the tests of the lints; some of it as people have published it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attention_code import iterate, plan_for_attention, raw, scaled


def printed_sinkhorn(Q, K, V, epsilon=0.1, num_iters=10):
    """Note 000, section 1, statement by statement."""
    C = -torch.matmul(Q, K.transpose(-2, -1)) / (Q.shape[-1] ** 0.5)
    kernel = torch.exp(-C / epsilon)
    a = torch.ones(Q.shape[0], Q.shape[1], dtype=Q.dtype) / Q.shape[1]
    b = torch.ones(K.shape[0], K.shape[1], dtype=Q.dtype) / K.shape[1]
    for _ in range(num_iters):
        u = 1.0 / (torch.matmul(kernel, b.unsqueeze(-1)).squeeze(-1) + 1e-8)
        v = 1.0 / (torch.matmul(kernel.transpose(-2, -1), u.unsqueeze(-1)).squeeze(-1) + 1e-8)
        a, b = a * u, b * v
    gamma = u.unsqueeze(-1) * kernel * v.unsqueeze(-2)
    return torch.matmul(gamma, V)


def printed_sinkhorn_default_type(Q, K, V, epsilon=0.1, num_iters=10):
    """The same with its vectors in the default type, as printed: it takes single precision only."""
    kernel = torch.exp(torch.matmul(Q, K.transpose(-2, -1)) / (Q.shape[-1] ** 0.5) / epsilon)
    b = torch.ones(K.shape[0], K.shape[1]) / K.shape[1]
    for _ in range(num_iters):
        u = 1.0 / (torch.matmul(kernel, b.unsqueeze(-1)).squeeze(-1) + 1e-8)
        v = 1.0 / (torch.matmul(kernel.transpose(-2, -1), u.unsqueeze(-1)).squeeze(-1) + 1e-8)
        b = b * v
    return torch.matmul(u.unsqueeze(-1) * kernel * v.unsqueeze(-2), V)


def contexture(q, k, v):
    """Note 000, section 4, with the projections left out; the width is not defined, as printed."""
    scores = torch.matmul(q, k.T) / np.sqrt(d)  # noqa: F821
    return torch.matmul(F.softmax(scores, dim=-1), v)


def contexture_defined(q, k, v):
    """The same with its width."""
    scores = torch.matmul(q, k.T) / np.sqrt(q.shape[-1])
    return torch.matmul(F.softmax(scores, dim=-1), v)


def over_queries(q, k, v):
    return torch.softmax(scaled(q, k), dim=-2) @ v


def over_axis_zero(q, k, v):
    return torch.softmax(scaled(q, k), dim=0) @ v


def over_axis_one(q, k, v):
    return torch.softmax(scaled(q, k), dim=1) @ v


def over_everything(q, k, v):
    s = scaled(q, k)
    return torch.softmax(s.flatten(-2), -1).reshape(s.shape) @ v


def double_scale(q, k, v, scale):
    return torch.softmax(scaled(q, k) * scale, -1) @ v


def double_eps(q, k, v, eps=0.1):
    return torch.softmax(scaled(q, k) / eps, -1) @ v


def eps_squared(q, k, v, eps=1.0):
    return torch.softmax(raw(q, k) / eps**2, -1) @ v


def width_twice(q, k, v):
    return torch.softmax(scaled(q, k) / math.sqrt(q.shape[-1]), -1) @ v


def times_root(q, k, v):
    return torch.softmax(raw(q, k) * math.sqrt(q.shape[-1]), -1) @ v


def ignored_eps(q, k, v, eps=0.5):
    return torch.softmax(raw(q, k), -1) @ v


def inverse_eps(q, k, v, eps=0.5):
    return torch.softmax(raw(q, k) * eps, -1) @ v


def base_two(q, k, v):
    p = torch.exp2(scaled(q, k) - scaled(q, k).amax(-1, keepdim=True))
    return p / p.sum(-1, keepdim=True) @ v


def prior_inside(q, k, v, eps, bias):
    return torch.softmax((raw(q, k) + bias) / eps, -1) @ v


def key_prior_inside(q, k, v, eps, lp):
    return torch.softmax((raw(q, k) + lp) / eps, -1) @ v


def prior_scaled(q, k, v, bias):
    return torch.softmax((raw(q, k) + bias) / math.sqrt(q.shape[-1]), -1) @ v


def prior_subtracted(q, k, v, bias):
    return torch.softmax(scaled(q, k) - bias, -1) @ v


def prior_dropped(q, k, v, bias=None):
    return torch.softmax(scaled(q, k), -1) @ v


def prior_after(q, k, v, bias):
    p = torch.softmax(scaled(q, k), -1) + bias
    return p @ v


def column_ended(q, k, v, eps=1.0):
    return q.shape[-2] * iterate(raw(q, k), eps, 6) @ v


def column_ended_converging(q, k, v, eps=2.0):
    return q.shape[-2] * iterate(raw(q, k), eps, 12) @ v


def column_ended_plan(q, k, v, eps=1.0):
    return iterate(raw(q, k), eps, 4) @ v


def causal_balanced(q, k, v, eps=1.0):
    keep = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
    return q.shape[-2] * iterate(raw(q, k), eps, 21, keep) @ v


def full_iterations(q, k, v, T=3, eps=1.0):
    return q.shape[-2] * iterate(raw(q, k), eps, 2 * T - 1) @ v


def kernel_sinkhorn(q, k, v, eps=1.0):
    kernel = torch.exp(raw(q, k) / eps)
    w = torch.ones_like(kernel[..., :1, :]) / k.shape[-2]
    for _ in range(20):
        u = 1 / q.shape[-2] / (kernel * w).sum(-1, keepdim=True)
        w = 1 / k.shape[-2] / (kernel * u).sum(-2, keepdim=True)
    u = 1 / (kernel * w).sum(-1, keepdim=True)
    return u * kernel * w @ v


def no_maximum(q, k, v):
    p = torch.exp(scaled(q, k))
    return p / p.sum(-1, keepdim=True) @ v


def guarded(q, k, v):
    p = torch.exp(scaled(q, k))
    return p / (p.sum(-1, keepdim=True) + 1e-8) @ v


def maximum_from_zero(q, k, v):
    s = scaled(q, k)
    p = torch.exp(s - s.amax(-1, keepdim=True).clamp_min(0))
    return p / p.sum(-1, keepdim=True) @ v


def clamped(q, k, v):
    return torch.softmax(scaled(q, k).clamp(-10, 10), -1) @ v


def weak_mask(q, k, v, mask):
    return torch.softmax(scaled(q, k) + (~mask).to(q.dtype) * -1e4, -1) @ v


def weak_causal(q, k, v):
    keep = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
    return torch.softmax(scaled(q, k).masked_fill(~keep, -1e4), -1) @ v


def nan_rows(q, k, v, mask):
    return torch.softmax(scaled(q, k).masked_fill(~mask, -math.inf), -1) @ v


def times_mask(q, k, v, mask):
    return torch.softmax(scaled(q, k) * mask, -1) @ v


def mask_after(q, k, v, mask):
    return torch.softmax(scaled(q, k), -1) * mask @ v


def mask_ignored(q, k, v, mask=None):
    return torch.softmax(scaled(q, k), -1) @ v


def strictly_causal(q, k, v, causal=False):
    s = scaled(q, k)
    if causal:
        s = s.masked_fill(torch.ones(s.shape[-2:], dtype=torch.bool).triu(0), -math.inf)
    return torch.softmax(s, -1) @ v


def sees_next(q, k, v, causal=False):
    s = scaled(q, k)
    if causal:
        s = s.masked_fill(torch.ones(s.shape[-2:], dtype=torch.bool).triu(2), -math.inf)
    return torch.softmax(s, -1) @ v


def causal_ignored(q, k, v, causal=False):
    return torch.softmax(scaled(q, k), -1) @ v


def anti_causal(q, k, v, is_causal=False):
    s = scaled(q, k)
    if is_causal:
        s = s.masked_fill(torch.ones(s.shape[-2:], dtype=torch.bool).tril(-1), -math.inf)
    return torch.softmax(s, -1) @ v


def reshaped_keys(q, k, v):
    s = q @ k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])
    return torch.softmax(s / math.sqrt(q.shape[-1]), -1) @ v


def negative_scores(q, k, v):
    return torch.softmax(-scaled(q, k), -1) @ v


def mean_of_values(q, k, v):
    return torch.softmax(scaled(q, k), -1) @ v / k.shape[-2]


def residual(q, k, v):
    return torch.softmax(scaled(q, k), -1) @ v + v.mean(-2, keepdim=True)


def squared_values(q, k, v):
    return torch.softmax(scaled(q, k), -1) @ v**2


def dropped(q, k, v):
    return F.dropout(torch.softmax(scaled(q, k), -1), 0.3) @ v


def zero_output(q, k, v):
    return torch.zeros(*q.shape[:-1], v.shape[-1], dtype=q.dtype)


def not_normalised(q, k, v):
    return torch.exp(scaled(q, k) - scaled(q, k).amax(-1, keepdim=True)) @ v


def squeezed(q, k, v):
    """A marginal that loses its batch of 1, and then meets a matrix of another rank."""
    p = torch.softmax(scaled(q, k), -1)
    total = p.sum(-1).squeeze()
    return p / total.unsqueeze(-1) @ v if total.ndim > 1 else (p / total[:, None, None]).sum(0) @ v


def batch_mixed(q, k, v):
    return torch.softmax(scaled(q, k), -1) @ v.flip(0)


def in_place(q, k, v):
    q /= math.sqrt(q.shape[-1])
    return torch.softmax(q @ k.transpose(-2, -1), -1) @ v


def scores_over_queries(scores):
    return torch.softmax(scores, 0)


def scores_no_maximum(scores, eps=1.0):
    p = torch.exp(scores / eps)
    return p / p.sum(-1, keepdim=True)


def cost_sign(C, eps=1.0):
    return torch.softmax(C / eps, -1)


def sinkhorn_pot_kernel(q, k, v, eps=1.0):
    import ot

    n, m = q.shape[-2], k.shape[-2]
    return n * ot.sinkhorn(np.full(n, 1 / n), np.full(m, 1 / m), -(q @ k.T), eps, method="sinkhorn") @ v


Case = tuple[Callable[..., Any], dict[str, Any], set[str]]
WRONG: list[Case] = [
    (printed_sinkhorn, {}, {"L1", "L2", "L21"}),
    (printed_sinkhorn_default_type, {}, {"L1", "L2", "L21"}),
    (contexture, {}, {"L24"}),
    (contexture_defined, {}, {"L22"}),
    (over_queries, {}, {"L1"}),
    (over_axis_zero, {}, {"L1"}),
    (over_axis_one, {}, {"L1"}),
    (over_everything, {}, {"L1"}),
    (double_scale, {}, {"L2"}),
    (double_eps, {}, {"L2"}),
    (eps_squared, {}, {"L2"}),
    (width_twice, {}, {"L2"}),
    (times_root, {}, {"L2"}),
    (ignored_eps, {}, {"L2"}),
    (inverse_eps, {}, {"L2"}),
    (base_two, {}, {"L2"}),
    (prior_inside, {}, {"L3"}),
    (key_prior_inside, {}, {"L3"}),
    (prior_scaled, {}, {"L3"}),
    (prior_subtracted, {}, {"L3"}),
    (prior_dropped, {}, {"L3"}),
    (prior_after, {}, {"L3"}),
    (plan_for_attention, {}, {"L4"}),
    (column_ended, {}, {"L5"}),
    (column_ended_converging, {}, {"L5"}),
    (column_ended_plan, {}, {"L4", "L5"}),
    (causal_balanced, {}, {"L6"}),
    (full_iterations, {"mapping": "T=T"}, {"L5"}),
    (full_iterations, {"half_steps": 3}, {"L5"}),
    (kernel_sinkhorn, {}, {"L21"}),
    (no_maximum, {}, {"L21"}),
    (guarded, {}, {"L21"}),
    (maximum_from_zero, {}, {"L21"}),
    (clamped, {}, {"L21"}),
    (weak_mask, {}, {"L7"}),
    (weak_causal, {}, {"L7"}),
    (nan_rows, {}, {"L7"}),
    (times_mask, {}, {"L7"}),
    (mask_after, {}, {"L7"}),
    (mask_ignored, {}, {"L7"}),
    (strictly_causal, {}, {"L7"}),
    (sees_next, {}, {"L7"}),
    (causal_ignored, {}, {"L7"}),
    (anti_causal, {}, {"L7"}),
    (reshaped_keys, {}, {"L22"}),
    (negative_scores, {}, {"L9"}),
    (mean_of_values, {}, {"L4"}),
    (residual, {}, {"L19"}),
    (squared_values, {}, {"L19"}),
    (dropped, {}, {"L19"}),
    (zero_output, {}, {"L19"}),
    (not_normalised, {}, {"L19"}),
    (squeezed, {}, {"L22"}),
    (batch_mixed, {}, {"L19"}),
    (in_place, {}, {"L24"}),
    (scores_over_queries, {}, {"L1"}),
    (scores_no_maximum, {}, {"L21"}),
    (cost_sign, {}, {"L9"}),
    (sinkhorn_pot_kernel, {"arrays": "numpy"}, {"L21"}),
]
