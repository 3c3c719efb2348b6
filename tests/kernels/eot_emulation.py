"""Attention kernels in torch, block by block as on a GPU, with bugs that can be planted (design note, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

LOG2E, LN2, HIDDEN = 1.4426950408889634, 0.6931471805599453, -1e30
ROWS, KEYS = 64, 32
"""Queries and keys of a block."""
FORWARD = tuple(f"E{k:02d}" for k in range(1, 26))
BACKWARD = tuple(f"G{k:02d}" for k in range(1, 15))
OTHERS = ("scores in bf16", "Delta in bf16", "dslope sign", "dlp averaged")
BUGS = (*FORWARD, *BACKWARD, *OTHERS)
OUTPUTS = ("o", "lse", "entropy")
GRADS = ("q", "k", "v", "tau", "lp", "slope")
Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Emulation:
    """One call: inputs in their type, accumulators in `acc`, whether causal, and the bug."""

    x: Tensors
    acc: torch.dtype
    causal: bool
    bug: str = ""

    @property
    def io(self) -> torch.dtype:
        """Type of the inputs."""
        return self.x["q"].dtype

    def wide(self, name: str) -> torch.Tensor:
        """Return an input in the accumulator's type."""
        return self.x[name].to(self.acc)

    def cast(self, t: torch.Tensor) -> torch.Tensor:
        """Round to the type of the inputs and back."""
        return t.to(self.io).to(self.acc)


def tf32(t: torch.Tensor) -> torch.Tensor:
    """Round to ten bits after the point."""
    bits = t.float().view(torch.int32)
    return ((bits + 0x1000) & -0x2000).view(torch.float32).to(t.dtype)


def product(e: Emulation, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Multiply matrices, in one pass of tf32 if that is the bug."""
    return tf32(a) @ tf32(b) if e.bug == "E20" and e.io == torch.float32 else a @ b


def distances(e: Emulation, n: int, m: int, shift: int) -> torch.Tensor:
    """Return the distance of query and key; signed if that is the bug."""
    far = (torch.arange(n)[:, None] + shift - torch.arange(m)).to(e.acc)
    return far if e.bug == "E12" else far.abs()


def scores(e: Emulation, *, prior: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores to base 2, padded to whole key blocks, and which of them are seen."""
    q, k, tau, lp, slope = (e.wide(name) for name in ("q", "k", "tau", "lp", "slope"))
    n, m = q.shape[-2], k.shape[-2]
    log2e = 1.4427 if e.bug == "E21" else LOG2E
    scale = log2e / (tau.sqrt() if e.bug == "E14" else tau)
    s = product(e, q, k.transpose(-1, -2)) * scale
    if e.bug == "scores in bf16":
        s = s.bfloat16().to(e.acc)
    if prior:
        s = s + (lp * log2e * (1 / tau if e.bug == "E11" else 1))[..., None, :]
    if e.bug == "E13":
        rows = slope[torch.arange(q.shape[0]) % slope.shape[0]][:, None, None, None]
        s = s - rows * log2e * distances(e, n, m, m - n)
    else:
        s = s - slope[:, None, None] * log2e * distances(e, n, m, m - n)
    i, j = torch.arange(n)[:, None], torch.arange(m)
    seen = j <= i + {"E08": m - n - 1, "E09": 0}.get(e.bug, m - n) if e.causal else torch.ones(n, m, dtype=torch.bool)
    if e.bug == "E10":
        seen = seen & (j < n)
    if e.bug == "E05":
        seen = seen & (j < m // KEYS * KEYS)
    pad = -m % KEYS
    seen = torch.nn.functional.pad(seen, (0, pad), value=e.bug == "E04")
    s = torch.nn.functional.pad(s, (0, pad))
    return torch.where(seen, s.clamp_min(HIDDEN), HIDDEN), seen


def forward(e: Emulation) -> dict[str, torch.Tensor]:
    """Return output, log-sum-exp and entropy."""
    x, _ = scores(e)
    v = e.wide("v")
    v = torch.nn.functional.pad(v[:1].expand_as(v) if e.bug == "E24" else v, (0, 0, 0, x.shape[-1] - v.shape[-2]))
    m = torch.full(x.shape[:-1], 0.0 if e.bug in ("E06", "E07") else HIDDEN, dtype=e.acc)
    total, t, acc = torch.zeros_like(m), torch.zeros_like(m), torch.zeros(*m.shape, v.shape[-1], dtype=e.acc)
    for at in range(0, x.shape[-1], KEYS):
        block = x[..., at : at + KEYS]
        top = torch.maximum(m, block.amax(-1)) if e.bug != "E06" else m
        inside = block.amax(-1) if e.bug == "E03" else top
        a, p = torch.exp2(m - top), torch.exp2(block - inside[..., None])
        moved = torch.zeros_like(total) if e.bug == "E17" else total * (m - top)
        t = a * (t + moved) + (p * (block - inside[..., None])).sum(-1)
        total = (total if e.bug == "E02" else a * total) + p.sum(-1)
        narrow = p.half().to(e.acc) if e.bug == "E19" and e.io == torch.float32 else e.cast(p)
        acc = (acc if e.bug == "E01" else a[..., None] * acc) + product(e, narrow, v[..., at : at + KEYS, :])
        m = top
    return finished(e, m, total, t, acc)


def finished(e: Emulation, m: torch.Tensor, total: torch.Tensor, t: torch.Tensor, acc: torch.Tensor) -> dict[str, Any]:
    """Divide, and take logarithms; rows without any key are 0."""
    total = {"E22": total * 1.0005, "E23": total + 1e-6}.get(e.bug, total)
    empty = m <= HIDDEN / 2 if e.bug != "E18" else torch.zeros_like(m, dtype=torch.bool)
    safe = torch.where(empty, torch.ones_like(total), total)
    o = torch.where(empty[..., None], 0.0, acc / safe[..., None])
    log = torch.log2(safe)
    lse = m * LN2 + log if e.bug == "E15" else LN2 * (m + log)
    entropy = (1.0 if e.bug == "E16" else LN2) * (log - t / safe)
    out = {"o": o.to(e.io), "lse": torch.where(empty, -torch.inf, lse), "entropy": torch.where(empty, 0.0, entropy)}
    if e.bug == "E25":
        for name, one in out.items():
            rows = one.shape[2] // ROWS * ROWS
            out[name] = torch.cat([one[:, :, :rows], torch.full_like(one[:, :, rows:], torch.nan)], 2)
    return out


def backward(e: Emulation, out: Tensors, cotangents: Tensors) -> dict[str, torch.Tensor]:
    """Return the gradients by all inputs; weights are computed again from the log-sum-exp."""
    x, seen = scores(e, prior=e.bug != "G10")
    m, (q, k, v, tau) = e.x["k"].shape[-2], (e.wide(name) for name in ("q", "k", "v", "tau"))
    x, seen = x[..., :m], seen[:, :m]
    lse, entropy = out["lse"].to(e.acc), out["entropy"].to(e.acc)
    do, dl, dh = (cotangents[name].to(e.acc) for name in OUTPUTS)
    rest = LN2 * x - torch.where(torch.isinf(lse), 0.0, lse)[..., None]
    p = torch.where(seen & ~torch.isinf(lse)[..., None], torch.exp2(rest * LOG2E), 0.0)
    dh = torch.zeros_like(dh) if e.bug == "G05" else dh
    dot = do * out["o"].to(e.acc)
    dot = (dot.bfloat16().to(e.acc) if e.bug == "Delta in bf16" else dot).sum(-1)
    delta = dot - {"G03": 0.0, "G04": -1.0}.get(e.bug, 1.0) * dl + dh * entropy
    delta = {"G01": torch.zeros_like(delta), "G02": 0.999 * delta}.get(e.bug, delta)
    bracket = product(e, do, v.transpose(-1, -2)) - delta[..., None] - dh[..., None] * rest
    return collected(e, p, torch.where(p > 0, p * bracket, 0.0), x, do, q, k, tau)


def collected(e: Emulation, p: torch.Tensor, ds: torch.Tensor, x: torch.Tensor, do: torch.Tensor, q: torch.Tensor,
              k: torch.Tensor, tau: torch.Tensor) -> dict[str, torch.Tensor]:  # fmt: skip
    """Sum the gradients of the scores up for every input."""
    n, m = p.shape[-2:]
    narrow = ds.bfloat16().to(e.acc) if e.bug == "G06" and e.io == torch.float32 else e.cast(ds)
    late = late_start(e, n, m)
    dq = product(e, narrow, k) / tau
    dk = product(e, (narrow * late).transpose(-1, -2), q) / (1.0 if e.bug == "G07" else tau)
    weights = narrow if e.bug == "G08" else e.cast(p)
    dv = product(e, (weights * late).transpose(-1, -2), do)
    dlp = ds.sum(-2)
    dlp = dlp[-1] if e.bug == "G14" else dlp.mean(0) if e.bug == "dlp averaged" else dlp.sum(0)
    far = distances(e, n, m, 0 if e.bug == "G13" else m - n)
    dslope = (ds * far).sum((0, 2, 3)) * (1.0 if e.bug == "dslope sign" else -1.0)
    if e.bug == "G11":
        dtau = -(torch.where(x > HIDDEN / 2, ds * x * LN2, 0.0)).sum() / tau
    else:
        dtau = -(q * dq).sum() / (tau**2 if e.bug == "G12" else tau)
    found = {"q": dq, "k": dk, "v": dv, "tau": dtau, "lp": dlp, "slope": dslope}
    return {name: t.to(e.io) for name, t in found.items()}


def late_start(e: Emulation, n: int, m: int) -> torch.Tensor:
    """Return 0 for the first block of queries that sees a key block, if the loop over queries starts too late."""
    keep = torch.ones(n, m, dtype=e.acc)
    if e.bug == "G09" and e.causal:
        for at in range(0, m, KEYS):
            first = max(at - (m - n), 0) // ROWS * ROWS
            keep[first : first + ROWS, at : at + KEYS] = 0
    return keep
