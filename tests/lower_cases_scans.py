"""Acceptance rows A25 to A30: recurrences, triangular sums and contractions (design note on lowering, table 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lower_rows import Asked, Generator, Inputs, Row, Sizes, Watch, each, finite, gap, gradients, normal

from dltsym import Scope, exp
from dltsym.notation.folds_api import cases, prod_over, scan_over, sum_over


def _state_space() -> Asked:
    v = Scope()
    L, C, S = v.count("L"), v.count("C"), v.count("S")
    D, x = v.array("D", (L, C), lo=0), v.array("x", (L, C))
    A = v.array("A", (C, S), hi=0)
    B, R = v.array("B", (L, S)), v.array("R", (L, S))
    t, c = v.index("t", L), v.index("c", C)

    def state(s: Any) -> Any:
        return scan_over(t, lambda r, h: exp(D[r, c] * A[c, s]) * h + D[r, c] * B[r, s] * x[r, c])

    return Asked(sum_over(S, lambda s: R[t, s] * state(s)), "t c")


def _state_inputs(rng: Generator, z: Sizes) -> Inputs:
    L, C, S = z["L"], z["C"], z["S"]
    return {
        "D": rng.uniform(0.001, 0.1, (L, C)),
        "A": -rng.uniform(0.5, 16, (C, S)),
        "B": normal(rng, L, S),
        "R": normal(rng, L, S),
        "x": normal(rng, L, C),
    }


def _state_torch(D: Any, A: Any, B: Any, R: Any, x: Any) -> Any:
    a = torch.exp(D[..., None] * A)
    b = (D * x)[..., None] * B[..., None, :]
    h, out = torch.zeros_like(b[..., 0, :, :]), []
    for t in range(a.shape[-3]):
        h = torch.addcmul(b[..., t, :, :], a[..., t, :, :], h)
        out.append((h * R[..., t, None, :]).sum(-1))
    return torch.stack(out, -2)


def _stiff_states(row: Row) -> None:
    rng, kernel = np.random.default_rng(0), row.kernel()
    for length in (1, 63, 1000):
        inputs = row.inputs(rng, {"L": length, "C": 4, "S": 3})
        inputs["D"] = np.where(rng.random(inputs["D"].shape) < 0.5, 0.0, 1e3)
        values = row.tensors(inputs, grad=True)
        assert gap(kernel(**values).detach(), row.truth(inputs)) <= 1e-5
        assert finite(*gradients(kernel, values))
    inputs = row.inputs(rng, {"L": 1000, "C": 4, "S": 3})
    half = {k: x.bfloat16() for k, x in row.tensors(inputs).items()}
    want = row.reference(**{k: x.double() for k, x in half.items()})
    assert gap(kernel(**half), want) <= 2**-8


def _held(open_: bool) -> Callable[[], Asked]:
    def build() -> Asked:
        v = Scope()
        T, C, S = v.count("T"), v.count("C"), v.count("S")
        D, A = v.array("D", (T, C), lo=0), v.array("A", (C, S), hi=0, hi_open=open_)
        t, c, s = v.index("t", T), v.index("c", C), v.index("s", S)
        return Asked((exp(D[t, c] * A[c, s]) - 1) / A[c, s], "t c s")

    return build


def _held_inputs(rng: Generator, z: Sizes) -> Inputs:
    return {"D": rng.uniform(0.001, 0.1, (z["T"], z["C"])), "A": -rng.uniform(0.5, 16, (z["C"], z["S"]))}


def _held_torch(D: Any, A: Any) -> Any:
    return torch.expm1(D[..., None] * A) / A


def _hold_at_zero(row: Row) -> None:
    kernel = row.kernel()
    inputs = row.drawn(sizes={"T": 5, "C": 4, "S": 3})
    inputs["A"][:, 0] = 0
    values = row.tensors(inputs, grad=True)
    got = kernel(**values)
    assert torch.equal(got[..., 0], values["D"])
    assert finite(*gradients(kernel, values))


def _small_steps(row: Row) -> None:
    kernel, z = row.kernel(), {"T": 5, "C": 4, "S": 3}
    inputs = row.drawn(sizes=z)
    inputs["D"] = 1e-6 / np.abs(inputs["A"]).max() * np.ones_like(inputs["D"])
    values = row.tensors(inputs, torch.float32, grad=True)
    (slope,) = torch.autograd.grad(kernel(**values).sum(), values["A"])
    D, A = values["D"].detach().double(), values["A"].detach().double()
    y = D[..., None] * A  # the derivative by A of D phi1(D A) is D^2 (1/2 + y/3 + y^2/8 + ...)
    want = (D[..., None] ** 2 * (0.5 + y / 3 + y**2 / 8)).sum(0)
    assert each(slope, want) <= 1e-6


def _decayed() -> Asked:
    v = Scope()
    T, n, P = v.count("T"), v.count("n"), v.count("P")
    C, B, a, x = v.array("C", (T, n)), v.array("B", (T, n)), v.array("a", T), v.array("x", (T, P))
    t, p = v.index("t", T), v.index("p", P)

    def term(s: Any) -> Any:
        return v.sum(lambda k: C[t, k] * B[s, k], n) * exp(v.sum(lambda r: a[r], (s + 1, t))) * x[s, p]

    return Asked(v.sum(term, (1, t)), "t p")


def _decay_inputs(rng: Generator, z: Sizes) -> Inputs:
    T, n = z["T"], z["n"]
    return {"C": normal(rng, T, n), "B": normal(rng, T, n), "a": -rng.random(T), "x": normal(rng, T, z["P"])}


def _decay_torch(C: Any, B: Any, a: Any, x: Any) -> Any:
    size = a.shape[-1]
    ones = torch.ones(size, size, dtype=torch.bool)
    steps = a[..., :, None].expand(*a.shape, size).masked_fill(~ones.tril(-1), 0).cumsum(-2)
    decay = steps.masked_fill(~ones.tril(0), float("-inf")).exp()
    return ((C @ B.mT) * decay) @ x


def _strong_decay(row: Row) -> None:
    inputs = row.drawn(sizes={"T": 96, "n": 4, "P": 3})
    inputs["a"] *= 30
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _linear_attention() -> Asked:
    v = Scope()
    T, d, c = v.count("T"), v.count("d"), v.count("c")
    q, k, V = v.array("q", (T, d)), v.array("k", (T, d)), v.array("V", (T, c))
    t, e = v.index("t", T), v.index("e", c)

    def phi(x: Any) -> Any:
        return cases((x > 0, x + 1), exp(x))

    def top(a: Any) -> Any:
        return phi(q[t, a]) * v.sum(lambda s: phi(k[s, a]) * V[s, e], (1, t))

    def below(a: Any) -> Any:
        return phi(q[t, a]) * v.sum(lambda s: phi(k[s, a]), (1, t))

    return Asked(v.sum(top, d) / v.sum(below, d), "t e")


def _linear_inputs(rng: Generator, z: Sizes) -> Inputs:
    T, d = z["T"], z["d"]
    return {"q": normal(rng, T, d), "k": normal(rng, T, d), "V": normal(rng, T, z["c"])}


def _phi(x: Any) -> Any:
    return torch.where(x > 0, x + 1, torch.exp(x.clamp(max=0)))


def _linear_torch(q: Any, k: Any, V: Any) -> Any:
    q, k = _phi(q), _phi(k)
    sums = (k[..., :, None] * V[..., None, :]).cumsum(-3)
    below = (q * k.cumsum(-2)).sum(-1, keepdim=True)
    return (q[..., None, :] @ sums)[..., 0, :] / below


def _far_queries(row: Row) -> None:
    kernel, rng = row.kernel(), np.random.default_rng(0)
    one = row.inputs(rng, {"T": 1, "d": 4, "c": 3})
    assert gap(kernel(**row.tensors(one)), row.truth(one)) <= 1e-6
    far = row.inputs(rng, {"T": 40, "d": 4, "c": 3})
    far["q"] -= 50
    assert gap(kernel(**row.tensors(far)), row.truth(far)) <= 1e-5


def _survival() -> Asked:
    v = Scope()
    n, T = v.count("n"), v.count("T")
    b = v.array("b", (n, T), lo=0, hi=1, hi_open=True)
    i, t = v.index("i", n), v.index("t", T)
    return Asked(1 - prod_over((1, t), lambda s: 1 - b[i, s]), "i t")


def _hazards(rng: Generator, z: Sizes) -> Inputs:
    return {"b": rng.uniform(0, 0.01, (z["n"], z["T"]))}


def _rare_events(row: Row) -> None:
    kernel = row.kernel()
    b = torch.full((3, 100), 1e-8)
    want = -torch.expm1(torch.arange(1, 101) * torch.log1p(-b.double()))
    assert each(kernel(b=b), want) <= 1e-6


def _chain() -> Asked:
    v = Scope()
    i_, a_, b_, c_, j_ = (v.count(name) for name in ("n", "p", "w", "r", "m"))
    A, B = v.array("A", (i_, a_)), v.array("B", (a_, b_))
    C, D = v.array("C", (b_, c_)), v.array("D", (c_, j_))
    i, j = v.index("i", i_), v.index("j", j_)
    total = v.sum(lambda a, b, c: A[i, a] * B[a, b] * C[b, c] * D[c, j], a_, b_, c_)
    return Asked(total, "i j", {"typical": {"n": 512, "p": 16, "w": 512, "r": 16, "m": 512}})


def _chain_inputs(rng: Generator, z: Sizes) -> Inputs:
    n, p, w, r, m = (z[k] for k in ("n", "p", "w", "r", "m"))
    return {"A": normal(rng, n, p), "B": normal(rng, p, w), "C": normal(rng, w, r), "D": normal(rng, r, m)}


def _small_products(row: Row) -> None:
    kernel, values = row.kernel(), row.tensors(row.drawn(sizes={"n": 48, "p": 3, "w": 40, "r": 2, "m": 56}))
    with Watch(48 * 56) as watch:
        kernel(**values)
    assert watch.largest == 48 * 56
    assert watch.made == 1


ROWS = (
    Row("A25 state space", _state_space, _state_inputs, _state_torch, {"L": 1024, "C": 64, "S": 16},
        {"L": 5, "C": 2, "S": 3}, 0.75, (_stiff_states,)),
    Row("A26 zero-order hold, A not 0", _held(True), _held_inputs, _held_torch, {"T": 1024, "C": 64, "S": 16},
        {"T": 4, "C": 2, "S": 3}, 1.05, (_small_steps,)),
    Row("A26 zero-order hold", _held(False), _held_inputs, _held_torch, {"T": 1024, "C": 64, "S": 16},
        {"T": 4, "C": 2, "S": 3}, 1.6, (_hold_at_zero, _small_steps)),
    Row("A27 decayed sums", _decayed, _decay_inputs, _decay_torch, {"T": 512, "n": 16, "P": 32},
        {"T": 5, "n": 2, "P": 3}, 1.05, (_strong_decay,)),
    Row("A28 linear attention", _linear_attention, _linear_inputs, _linear_torch, {"T": 1024, "d": 16, "c": 16},
        {"T": 5, "d": 2, "c": 3}, 1.10, (_far_queries,)),
    Row("A29 survival", _survival, _hazards, lambda b: 1 - torch.cumprod(1 - b, -1), {"n": 256, "T": 1000},
        {"n": 3, "T": 5}, 2.0, (_rare_events,)),
    Row("A30 chain of matrices", _chain, _chain_inputs, lambda A, B, C, D: A @ ((B @ C) @ D),
        {"n": 512, "p": 16, "w": 512, "r": 16, "m": 512}, {"n": 3, "p": 2, "w": 5, "r": 4, "m": 6}, 1.10,
        (_small_products,)),
)  # fmt: skip
