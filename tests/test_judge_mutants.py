"""The judge against every row of the acceptance table: healthy references pass, seeded rounding mutants do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from lower_cases import ROWS
from lower_rows import Inputs, Row
from rounding_runs import PARTS
from torch.nn import functional as F

MEDIUM = {
    "n": 12, "m": 9, "d": 8, "c": 5, "T": 11, "E": 6, "N": 14, "K": 4, "C": 3, "S": 4, "L": 12, "P": 3, "M": 4, "R": 7,
    "p": 5, "w": 6, "r": 3, "batch": 2,
}  # fmt: skip
TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
SINGLE, HALF = torch.float32, torch.float16
Change = Callable[[Inputs], Inputs]


def row_of(number: str) -> Row:
    """Return the first row of a number."""
    return next(r for r in ROWS.values() if r.name.split()[0] == number)


@cache
def kernel_of(name: str) -> Any:
    """Return the kernel of a row."""
    return ROWS[name].kernel()


def given(row: Row, seed: int = 0, change: Change = dict) -> Inputs:
    """Return arrays of medium size."""
    sizes = {k: MEDIUM[k] for k in row.small}
    inputs = row.drawn(seed, sizes)
    if row.name.startswith("A33"):  # rows that sum to 1 exactly in every type, as declared
        n, m = sizes["n"], sizes["m"]
        inputs["p"] = np.random.default_rng(seed).multinomial(PARTS, np.full(m, 1 / m), n) / PARTS
    return change(inputs)


# References that are written well


def _plan(a: Any, b: Any, f: Any, g: Any, C: Any, eps: float) -> Any:
    return a[:, None] * b * torch.exp((f[:, None] + g - C) / eps)


HEALTHY = {
    "A11": _plan,  # the reference of the table adds logarithms to quotients of 20: that costs it a digit
    "A29": lambda b: -torch.expm1(torch.cumsum(torch.log1p(-b), -1)),
}
"""Where the reference of the table is faster than it is accurate."""


@pytest.mark.parametrize("row", [r for r in ROWS.values() if not r.name.startswith("A18")], ids=lambda r: r.name)
def test_healthy_references_pass(row: Row) -> None:
    kernel, reference = kernel_of(row.name), HEALTHY.get(row.name.split()[0], row.reference)
    for dtype in TYPES:
        result = kernel.check(reference, **row.tensors(given(row, 1), dtype))
        if row.name.startswith("A12") and dtype == torch.bfloat16:  # twenty rounds in bfloat16: 100 % is no bound
            assert not result.judged
            assert not result.passed
        else:
            assert result.passed, f"{dtype}: {result}"
            assert result.z_max < 5
            assert result.judged > result.unjudged


# Mutants


def rounded(x: Any, dtype: torch.dtype = HALF) -> Any:
    """Pass through a type."""
    return x.to(dtype).to(x.dtype)


def cut(x: Any, bits: int = 12) -> Any:
    """Drop the last bits of float32 numbers: a cast that truncates."""
    return (x.contiguous().view(torch.int32) & -(1 << bits)).view(torch.float32)


def weights(Q: Any, K: Any) -> Any:
    return torch.softmax(Q @ K.mT / Q.shape[-1] ** 0.5, -1)


def base_two(x: Any) -> Any:
    """Return a softmax with log2(e) of six digits."""
    e = torch.exp2(1.44270 * (x - x.amax(-1, keepdim=True)))
    return e / e.sum(-1, keepdim=True)


def entropy(x: Any, slip: float = 0.0) -> Any:
    p = torch.softmax(x, -1)
    return -(p * torch.log(p + slip)).sum(-1)


def causal(Q: Any, L: Any, U: Any, diagonal: int) -> Any:
    s = Q @ L.mT / Q.shape[-1] ** 0.5
    later = torch.ones(s.shape, dtype=torch.bool).triu(diagonal)
    return torch.nan_to_num(torch.softmax(s.masked_fill(later, -torch.inf), -1)) @ U


def normed(x: Any, g: Any, b: Any, eps: float = 1e-5, moment: Any = None) -> Any:
    c = x - x.mean(-1, keepdim=True)
    variance = c.square().mean(-1, keepdim=True) if moment is None else moment(x)
    return c * torch.rsqrt(variance + eps) * g + b


def once(x: Any) -> Any:
    """Return a variance in one pass."""
    return x.square().mean(-1, keepdim=True) - x.mean(-1, keepdim=True).square()


def slow_sum(x: Any) -> Any:
    """Sum the last axis in float16."""
    total = torch.zeros_like(x[..., 0], dtype=HALF)
    for k in range(x.shape[-1]):
        total = total + x[..., k].to(HALF)
    return total.to(x.dtype)


def state_space(D: Any, A: Any, B: Any, R: Any, x: Any) -> Any:
    h, out = torch.zeros(A.shape), []
    for t in range(D.shape[0]):
        h = rounded(torch.exp(D[t, :, None] * A) * h + (D[t] * x[t])[:, None] * B[t], torch.bfloat16)
        out.append(h @ R[t])
    return torch.stack(out)


def sums_of(q: Any, k: Any, V: Any, phi: Any) -> Any:
    q, k = phi(q), phi(k)
    below = (q * k.cumsum(-2)).sum(-1, keepdim=True)
    return (q[:, None] @ (k[:, :, None] * V[:, None]).cumsum(0))[:, 0] / below


def products(q: Any, k: Any, V: Any, h: float) -> Any:
    far = q.square().sum(-1)[:, None] + k.square().sum(-1) - 2 * q @ k.mT
    return torch.softmax(-far / (2 * h * h), -1) @ V


def plain_decay(C: Any, B: Any, a: Any, x: Any) -> Any:
    s = a.cumsum(-1)
    return ((C @ B.mT) * torch.exp(s[:, None] - s).tril()) @ x


def short_sinkhorn(a: Any, b: Any, C: Any, eps: float) -> Any:
    g = torch.zeros_like(b)
    f = torch.zeros_like(a)
    for _ in range(19):
        f = -torch.logsumexp((g + b.log()) - C / eps, -1)
        g = -torch.logsumexp((f + a.log())[:, None] - C / eps, -2)
    return {"f": eps * f, "g": eps * g}


def shifted(**by: Any) -> Change:
    """Add to some arrays."""
    return lambda inputs: {k: x + by[k] if k in by else x for k, x in inputs.items()}


def scaled(**by: Any) -> Change:
    """Multiply some arrays."""
    return lambda inputs: {k: x * by[k] if k in by else x for k, x in inputs.items()}


def near(inputs: Inputs) -> Inputs:
    """Make the second logits nearly those of the first."""
    return inputs | {"y": inputs["x"] + 1e-4 * inputs["y"]}


def sudden(inputs: Inputs) -> Inputs:
    """Let the first decay, which no sum holds, be very strong."""
    return inputs | {"a": np.where(np.arange(len(inputs["a"])) == 0, -1e3, inputs["a"])}


def near_laws(inputs: Inputs) -> Inputs:
    """Make the first law nearly the second."""
    return inputs | {"s0": inputs["s1"] * (1 + 1e-4 * inputs["m0"]), "m0": inputs["m1"] + 1e-4}


MUTANTS: dict[str, list[tuple[str, Any, Change]]] = {
    "A1": [("log2 e in six digits", lambda x, eps: eps * torch.logsumexp(x / eps * (1.44270 / 1.4426950408889634), -1),
            dict)],
    "A2": [("log of a cut softmax", lambda x: torch.log(cut(torch.softmax(x, -1))), dict)],
    "A3": [("log2 e in six digits", lambda Q, K: base_two(Q @ K.mT / Q.shape[-1] ** 0.5), dict),
           ("scores cut", lambda Q, K: torch.softmax(cut(Q @ K.mT) / Q.shape[-1] ** 0.5, -1), dict)],
    "A4": [("log2 e in six digits", lambda Q, K, V: base_two(Q @ K.mT / Q.shape[-1] ** 0.5) @ V, dict),
           ("weights through float16", lambda Q, K, V: rounded(weights(Q, K)) @ V, dict),
           ("weights cut", lambda Q, K, V: cut(weights(Q, K)) @ V, dict),
           ("scores through bfloat16", lambda Q, K, V: weights(rounded(Q, torch.bfloat16), K) @ V, dict),
           ("1/d for 1/sqrt d", lambda Q, K, V: torch.softmax(Q @ K.mT / Q.shape[-1], -1) @ V, dict),
           ("sum in float16", lambda Q, K, V: torch.stack([slow_sum(weights(Q, K) * c) for c in V.T], -1), dict)],
    "A5": [("weights through float16", lambda Q, K, V: rounded(weights(Q, K)) @ V, dict)],
    "A6": [("one entry too many", lambda Q, L, U: causal(Q, L, U, 2), dict),
           ("one entry too few", lambda Q, L, U: causal(Q, L, U, 0), dict)],
    "A7": [("dead rows", lambda S, M, V: torch.softmax(S.masked_fill(~M, -torch.inf), -1) @ V, dict),
           ("dead rows average", lambda S, M, V: torch.softmax(S.masked_fill(~M, -1e9), -1) @ V, dict)],
    "A8": [("log(b + 1e-6)", lambda b, S, V: torch.softmax(S + (b + 1e-6).log(), -1) @ V, dict)],
    "A9": [("distances by products", products, shifted(q=1e2, k=1e2)),
           ("weights cut", lambda q, k, V, h: cut(torch.softmax(-torch.cdist(q, k) ** 2 / (2 * h * h), -1)) @ V,
            dict)],
    "A10": [("1/eps in float16", lambda x, y, b, g, eps: row_of("A10").reference(
        x, y, b, g, 1 / float(torch.tensor(1.0 / eps + 0.01, dtype=HALF))), dict)],
    "A11": [("exponent through bfloat16", lambda a, b, f, g, C, eps: a[:, None] * b * torch.exp(
        rounded((f[:, None] + g - C) / eps, torch.bfloat16)), dict)],
    "A12": [("a round too few", short_sinkhorn, dict)],
    "A13": [("1/tau in six digits", lambda x, y, tau: F.cross_entropy(x @ y.mT * 14.2857, torch.arange(len(x))),
             dict)],
    "A14": [("weights through float16", lambda z, Y: -torch.log(rounded(torch.softmax(z, -1)))[
        torch.arange(len(Y)), Y].mean(), dict)],
    "A15": [("log(p + 1e-6)", lambda x: entropy(x, 1e-6), dict)],
    "A16": [("log(p + 1e-6)", lambda Q, K: entropy(Q @ K.mT / Q.shape[-1] ** 0.5, 1e-6), dict)],
    "A17": [("as written", lambda x, y: (torch.softmax(x, -1) * (torch.softmax(x, -1) / torch.softmax(y, -1)).log()
                                         ).sum(-1), near)],
    "A18": [("as written", row_of("A18").reference, lambda i: i | {"p": i["q"] * (1 + 1e-4)})],
    "A19": [("as written", row_of("A19").reference, near_laws)],
    "A20": [("loads in float16", lambda g: (i := slow_sum(g.T)).var(unbiased=False) / i.mean() ** 2, dict),
            ("unbiased variance", lambda g: (i := g.sum(0)).var() / i.mean() ** 2, dict)],
    "A21": [("softmax cut", lambda z: z.shape[1] * (F.one_hot(torch.topk(z, 2, -1).indices, z.shape[1]).sum(-2).to(
        z.dtype).mean(-2) * cut(torch.softmax(z, -1)).mean(-2)).sum(-1), dict)],
    "A22": [("+ 1e-6 below", lambda z: (e := torch.exp(z - z.amax(-1, keepdim=True)) * F.one_hot(
        torch.topk(z, 2, -1).indices, z.shape[1]).sum(-2)) / (e.sum(-1, keepdim=True) + 1e-6), dict)],
    "A23": [("sum in float16", lambda z: slow_sum(torch.logsumexp(z, -1).square()) / len(z), dict)],
    "A24": [("hidden through bfloat16", lambda g, x, W, U: torch.einsum("te,teh,ehc->tc", g, rounded(torch.relu(
        torch.einsum("tk,ekh->teh", x, W)), torch.bfloat16), U), dict)],
    "A25": [("state in bfloat16", state_space, dict)],
    "A26": [("exp(x) - 1", lambda D, A: (torch.exp(D[..., None] * A) - 1) / A, scaled(D=0.01))],
    "A27": [("differences of one sum", plain_decay, sudden)],
    "A28": [("elu(x) + 1", lambda q, k, V: sums_of(q, k, V, lambda x: F.elu(x) + 1), shifted(q=-12.0))],
    "A29": [("1 - product", row_of("A29").reference, scaled(b=1e-3))],
    "A30": [("TF32 operands", lambda A, B, C, D: A @ ((cut(B, 13) @ C) @ D), dict)],
    "A31": [("kernels through float16", lambda x, y, h: sum(s * rounded(torch.exp(-torch.cdist(a, b) ** 2 / (2 * h * h))
                                                                        ).mean() for s, a, b in
                                                            ((1, x, x), (1, y, y), (-2, x, y))), dict)],
    "A32": [("no eps", lambda x, g, b: normed(x, g, b, 0.0), dict),
            ("eps of 1e-6", lambda x, g, b: normed(x, g, b, 1e-6), dict),
            ("variance in one pass", lambda x, g, b: normed(x, g, b, moment=once), shifted(x=100.0))],
    "A33": [("centred nowhere", lambda p, V: torch.einsum("nm,ma,mb->nab", p, V, V) - torch.einsum(
        "na,nb->nab", p @ V, p @ V), shifted(V=100.0))],
    "A34": [("log(1 + x)", lambda y, z: (y * torch.log(1 + torch.exp(-z)) + (1 - y) * torch.log(1 + torch.exp(z))
                                         ).mean(), lambda i: i | {"y": 0 * i["y"] + 1, "z": 9 + np.abs(i["z"])})],
    "A35": [("pi in five digits", lambda x, mu, w, s: torch.logsumexp(
        torch.log(w / (2 * 3.1416 * s.square()).sqrt()) - (x[:, None] - mu).square() / (2 * s.square()), -1).sum(),
             dict)],
    "A36": [("losses cut", lambda **given: cut(row_of("A36").reference(**given)), dict)],
    "A37": [("weights through float16", lambda Q, K, eps: rounded(torch.softmax(
        Q @ K.mT / (eps * Q.shape[-1] ** 0.5), -1)) @ K / Q.shape[-1] ** 0.5, dict)],
    "A38": [("table cut", lambda W, ids: cut(W)[ids], dict)],
    "A39": [("sums in bfloat16", lambda x, ids, w: row_of("A39").reference(
        x.bfloat16(), ids, w.bfloat16()).float(), dict)],
}  # fmt: skip
CASES = [(row, name, other, change) for row, found in MUTANTS.items() for name, other, change in found]


def test_every_row_has_a_mutant() -> None:
    assert MUTANTS.keys() == {name.split()[0] for name in ROWS}


@pytest.mark.parametrize(("number", "name", "other", "change"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_mutants_are_rejected(number: str, name: str, other: Any, change: Change) -> None:
    row = row_of(number)
    kernel, inputs = kernel_of(row.name), row.tensors(given(row, 1, change), SINGLE)
    healthy = kernel.check(kernel, **inputs)
    assert healthy.passed, f"the kernel itself: {healthy}"
    result = kernel.check(other, **inputs)
    assert not result.passed, f"{name}: {result}"
    assert result.judged > 0


def test_fixed_tolerances_miss_what_the_judge_finds() -> None:
    row = row_of("A4")
    inputs = row.tensors(given(row, 1), SINGLE)
    want, missed = row.reference(**inputs), []
    for name, other, _ in MUTANTS["A4"]:
        got = other(**inputs)
        missed += [name] if torch.allclose(got, want, rtol=1e-3, atol=1e-3) else []
    assert missed == ["log2 e in six digits", "weights through float16", "weights cut", "sum in float16"]
