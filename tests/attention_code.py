"""Right attention code of all kinds, for the tests of the lints."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F


def raw(q, k):
    return q @ k.transpose(-2, -1)


def scaled(q, k):
    return raw(q, k) / math.sqrt(q.shape[-1])


def iterate(s, eps, steps, keep=None, first="row"):
    """Balanced half-steps in the log domain, as a plan."""
    n, m = s.shape[-2:]
    logits = s / eps if keep is None else (s / eps).masked_fill(~keep, -math.inf)
    f, g = torch.zeros_like(logits[..., :1]), torch.zeros_like(logits[..., :1, :])
    for t in range(steps):
        if (t % 2 == 0) == (first == "row"):
            f = -math.log(n) - torch.logsumexp(logits + g, -1, keepdim=True)
        else:
            g = -math.log(m) - torch.logsumexp(logits + f, -2, keepdim=True)
    return torch.exp(logits + f + g)


def plan_for_attention(q, k, v, eps=1.0):
    return iterate(raw(q, k), eps, 31) @ v


def plain(q, k, v):
    return torch.softmax(scaled(q, k), -1) @ v


def unscaled(q, k, v):
    return torch.softmax(raw(q, k), -1) @ v


def warm(q, k, v):
    return torch.softmax(raw(q, k) / 0.7, -1) @ v


def with_eps(q, k, v, eps=0.5):
    return torch.softmax(raw(q, k) / eps, -1) @ v


def with_scale(query, key, value, scale=None):
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return torch.softmax(raw(query, key) * scale, -1) @ value


def with_multiplier(q, k, v, temperature=1.0):
    return torch.softmax(scaled(q, k) / temperature, -1) @ v


def with_divisor(q, k, v, scale):
    return torch.softmax(raw(q, k) / scale, -1) @ v


def with_prior(q, k, v, tau, lp):
    return torch.softmax(raw(q, k) / tau + lp, -1) @ v


def with_weights(q, k, v, prior):
    p = prior * torch.exp(scaled(q, k) - scaled(q, k).amax(-1, keepdim=True))
    return p / p.sum(-1, keepdim=True) @ v


def with_bias(q, k, v, bias=None):
    s = scaled(q, k)
    return torch.softmax(s if bias is None else s + bias, -1) @ v


def always_causal(q, k, v):
    keep = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
    return torch.softmax(scaled(q, k).masked_fill(~keep, -math.inf), -1) @ v


def causal_at_the_end(q, k, v, causal=False):
    s = scaled(q, k)
    if causal:
        n, m = s.shape[-2:]
        s = s.masked_fill(torch.ones(n, m, dtype=torch.bool).triu(m - n + 1), -math.inf)
    return torch.softmax(s, -1) @ v


def alibi(q, k, v):
    i, j = torch.arange(q.shape[-2], dtype=q.dtype)[:, None], torch.arange(k.shape[-2], dtype=q.dtype)
    return torch.softmax(scaled(q, k) - 0.25 * (i - j).abs(), -1) @ v


def causal_alibi(q, k, v):
    i, j = torch.arange(q.shape[-2], dtype=q.dtype)[:, None], torch.arange(k.shape[-2], dtype=q.dtype)
    return torch.softmax((scaled(q, k) - 0.25 * (i - j)).masked_fill(j > i, -math.inf), -1) @ v


def windowed(q, k, v):
    i, j = torch.arange(q.shape[-2])[:, None], torch.arange(k.shape[-2])
    return torch.softmax(scaled(q, k).masked_fill((i - j).abs() > 2, -math.inf), -1) @ v


def safe_mask(q, k, v, mask):
    p = torch.softmax(scaled(q, k).masked_fill(~mask, -math.inf), -1)
    return torch.where(mask.any(-1, keepdim=True), p, 0).to(v.dtype) @ v


def padding(q, k, v, key_padding_mask):
    """True hides, as in torch.nn.MultiheadAttention."""
    hide = key_padding_mask[..., None, :]
    p = torch.softmax(scaled(q, k).masked_fill(hide, -math.inf), -1)
    return torch.where(hide.all(-1, keepdim=True), 0, p).to(v.dtype) @ v


def rotated(q, k, v):
    """Rotary positions."""

    def turn(x):
        half = x.shape[-1] // 2
        angle = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * 0.3 ** torch.arange(half, dtype=x.dtype)
        a, b = x[..., :half], x[..., half : 2 * half]
        rest = x[..., 2 * half :]
        return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos(), rest], -1)

    return torch.softmax(scaled(turn(q), turn(k)), -1) @ v


def cosine(q, k, v):
    return torch.softmax(10 * raw(F.normalize(q, dim=-1), F.normalize(k, dim=-1)), -1) @ v


def distance(q, k, v, eps=1.0):
    return torch.softmax(-(torch.cdist(q, k) ** 2) / (2 * eps), -1) @ v


def linear(q, k, v):
    p = raw(F.elu(q) + 1, F.elu(k) + 1)
    return p / p.sum(-1, keepdim=True) @ v


def sparsemax(q, k, v):
    s = scaled(q, k)
    top, _ = s.sort(-1, descending=True)
    at = torch.arange(1, s.shape[-1] + 1, dtype=s.dtype)
    total = top.cumsum(-1) - 1
    size = (at * top > total).sum(-1, keepdim=True)
    return (s - total.gather(-1, size - 1) / size).clamp_min(0) @ v


def online(q, k, v):
    """Streamed over keys, with a running maximum."""
    s = scaled(q, k)
    top = torch.full_like(s[..., :1], -math.inf)
    total, out = torch.zeros_like(top), torch.zeros(*s.shape[:-1], v.shape[-1], dtype=v.dtype)
    for j in range(s.shape[-1]):
        new = torch.maximum(top, s[..., j : j + 1])
        p, old = torch.exp(s[..., j : j + 1] - new), torch.exp(top - new)
        total, out, top = old * total + p, old * out + p * v[..., j : j + 1, :], new
    return out / total


def one_query_at_a_time(q, k, v):
    """Two axes only."""
    assert q.ndim == 2
    return torch.stack([torch.softmax(k @ x / math.sqrt(len(x)), 0) @ v for x in q])


def three_axes(q, k, v):
    return torch.bmm(torch.softmax(torch.bmm(q, k.transpose(1, 2)) / math.sqrt(q.shape[-1]), -1), v)


def heads_last(q, k, v):
    """Axes (batch, tokens, heads, width)."""
    s = torch.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(q.shape[-1])
    return torch.einsum("bhij,bjhd->bihd", torch.softmax(s, -1), v)


def self_attention_only(q, k, v):
    assert q.shape == k.shape
    return torch.softmax(scaled(q, k), -1) @ v


def numpy_attention(q, k, v):
    s = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    p = np.exp(s - s.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def row_ended(q, k, v, eps=1.0):
    return q.shape[-2] * iterate(raw(q, k), eps, 7) @ v


def row_ended_column_first(q, k, v, eps=1.0):
    return q.shape[-2] * iterate(raw(q, k), eps, 8, first="column") @ v


def half_step_count(q, k, v, T=7, eps=1.0):
    p = iterate(raw(q, k), eps, 2 * (T // 2) + 1)
    return q.shape[-2] * p @ v


def semirelaxed(q, k, v, eps=1.0, rho=2.0):
    """Columns at a finite price."""
    logits, kappa = raw(q, k) / eps, rho / (rho + eps)
    g = torch.zeros_like(logits[..., :1, :])
    for _ in range(10):
        u = -torch.logsumexp(logits + g, -1, keepdim=True)
        g = -kappa * torch.logsumexp(logits + u - math.log(q.shape[-2]) + math.log(k.shape[-2]), -2, keepdim=True)
    return torch.softmax(logits + g, -1) @ v


def pot_log(q, k, v, eps=1.0):
    import ot

    n, m = q.shape[-2], k.shape[-2]
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    cost = -(q @ np.swapaxes(k, -1, -2))
    return n * ot.sinkhorn(a, b, cost, eps, method="sinkhorn_log", warn=False, numItermax=200) @ v


def pot_transposed(q, k, v, eps=1.0):
    """One problem at a time, which the mapping says."""
    return pot_log(q, k, v, eps)


def transport_plan(q, k, eps=1.0):
    return iterate(raw(q, k), eps, 31)


def weights_of_scores(scores, temperature=1.0):
    return torch.softmax(scores / temperature, -1)


def weights_of_costs(C, eps):
    return torch.softmax(-C / eps, -1)


def attention_weights(q, k):
    return torch.softmax(scaled(q, k), -1)


def with_log_sum(q, k, v):
    return torch.softmax(scaled(q, k), -1) @ v, torch.logsumexp(scaled(q, k), -1)


class Module(torch.nn.Module):
    """Attention as a module."""

    def forward(self, query, key, value, attn_mask=None):
        return F.scaled_dot_product_attention(query, key, value, attn_mask)


HEADS = {"q": "q:bnhd", "k": "k:bmhd", "v": "v:b m h dv", "out": "o:b n h dv"}
RIGHT: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (F.scaled_dot_product_attention, {}),
    (Module(), {}),
    *((f, {}) for f in (
        plain, unscaled, warm, with_eps, with_scale, with_multiplier, with_divisor, with_prior, with_weights, with_bias,
        always_causal, causal_at_the_end, alibi, causal_alibi, windowed, safe_mask, padding, rotated, cosine, distance,
        linear, sparsemax, online, one_query_at_a_time, three_axes, self_attention_only, row_ended,
        row_ended_column_first, semirelaxed, weights_of_scores, weights_of_costs, attention_weights,
    )),
    (with_log_sum, {"mapping": "out[0]=o"}),
    (heads_last, {"mapping": HEADS}),
    (row_ended, {"half_steps": 7}),
    (plain, {"half_steps": 1}),
    (with_multiplier, {"mapping": "temperature=tau/sqrt(d)"}),
    (transport_plan, {"mapping": "out=P"}),
    (pot_transposed, {"arrays": "numpy", "mapping": "q=q:nd, k=k:md, v=v:m dv, out=o:n dv"}),
    (numpy_attention, {"arrays": "numpy"}),
    (pot_log, {"arrays": "numpy"}),
]  # fmt: skip
