"""Acceptance rows A1 to A12: log-sum-exp, softmax, attention, transport (design note on lowering, table 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lower_rows import Asked, Generator, Inputs, Row, Sizes, Watch, each, finite, gap, gradients, normal, share

from dltsym import Scope, exp, log, sqrt
from dltsym.notation.folds_api import cases, iterate

# Log-sum-exp and softmax: A1 to A3


def _logits(rng: Generator, z: Sizes) -> Inputs:
    return {"x": normal(rng, z["n"], z["m"])}


def _soft_max(rng: Generator, z: Sizes) -> Inputs:
    return {"x": normal(rng, z["n"], z["m"]), "eps": 0.1}


def _smooth_maximum() -> Asked:
    v = Scope()
    n, m, eps = v.count("n"), v.count("m"), v.pos("eps")
    x, i = v.array("x", (n, m)), v.index("i", n)
    return Asked(eps * log(v.sum(lambda j: exp(x[i, j] / eps), m)), "i")


def _large_smooth_maximum(row: Row) -> None:
    inputs = {"x": normal(np.random.default_rng(0), 64, 96, scale=1e6), "eps": 1e-5}
    assert each(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 3e-7


def _log_softmax() -> Asked:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i, j = v.array("x", (n, m)), v.index("i", n), v.index("j", m)
    return Asked(x[i, j] - log(v.sum(lambda k: exp(x[i, k]), m)), "i j")


def _large_log_softmax(row: Row) -> None:
    inputs = {"x": normal(np.random.default_rng(0), 64, 96, scale=1e6)}
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _attention_scope() -> tuple[Scope, Any, Any, Any, Any, Any]:
    """Return the scope of attention, its scores s(i, j), its indices, its length and its values."""
    v = Scope()
    n, m, d, c = (v.count(name) for name in "nmdc")
    Q, K, V = v.array("Q", (n, d)), v.array("K", (m, d)), v.array("V", (m, c))
    i, e = v.index("i", n), v.index("e", c)

    def score(a: Any, b: Any) -> Any:
        return v.sum(lambda k: Q[a, k] * K[b, k], d) / sqrt(d)

    return v, score, i, e, m, V


def _weights() -> Asked:
    v, s, i, _, m, _ = _attention_scope()
    j = v.index("j", m)
    return Asked(exp(s(i, j)) / v.sum(lambda k: exp(s(i, k)), m), "i j")


def _queries(rng: Generator, z: Sizes) -> Inputs:
    return {"Q": normal(rng, z["n"], z["d"]), "K": normal(rng, z["m"], z["d"])}


def _rows_sum_to_one(row: Row) -> None:
    inputs = {k: 1e3 * x for k, x in row.drawn(sizes={"n": 64, "m": 96, "d": 64}).items()}
    got = row.kernel()(**row.tensors(inputs))
    assert finite(got)
    assert float((got.double().sum(-1) - 1).abs().max()) <= 1e-6


# Attention: A4 to A9


def _qkv(rng: Generator, z: Sizes) -> Inputs:
    return {**_queries(rng, z), "V": normal(rng, z["m"], z["c"])}


def _batched_qkv(rng: Generator, z: Sizes) -> Inputs:
    shapes = {"Q": ("n", "d"), "K": ("m", "d"), "V": ("m", "c")}
    return {k: normal(rng, z["batch"], *(z[a] for a in s)) for k, s in shapes.items()}


def _attention() -> Asked:
    v, s, i, e, m, V = _attention_scope()
    return Asked(v.sum(lambda j: exp(s(i, j)) * V[j, e], m) / v.sum(lambda j: exp(s(i, j)), m), "i e")


def _attention_torch(Q: Any, K: Any, V: Any) -> Any:
    return torch.softmax((Q @ K.mT) / Q.shape[-1] ** 0.5, -1) @ V


def _large_scores(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 64, "m": 96, "d": 64, "c": 32, "batch": 2})
    huge = {**inputs, "Q": inputs["Q"] * 1.1e3, "K": inputs["K"] * 1.1e3}
    values = row.tensors(huge)
    assert gap(row.kernel()(**values), row.reference(**values)) <= 1e-6
    large = row.tensors({**inputs, "Q": inputs["Q"] * 1e2, "K": inputs["K"] * 1e2}, grad=True)
    assert finite(*gradients(row.kernel(), large))


def _few_scores(row: Row) -> None:
    kernel, values = row.kernel(), row.tensors(row.drawn(sizes={"batch": 2, "n": 24, "m": 20, "d": 3, "c": 2}))
    with torch.no_grad(), Watch(2 * 24 * 20) as watch:
        kernel(**values)
    assert watch.made >= 2
    assert watch.alive <= 2
    assert watch.largest == 2 * 24 * 20


def _causal() -> Asked:
    v, _, i, e, _, V = _attention_scope()
    n = v.symbols["n"]
    V = v.array("U", (n, v.symbols["c"]))
    L = v.array("L", (n, v.symbols["d"]))

    def own(a: Any, b: Any) -> Any:
        return v.sum(lambda k: v.symbols["Q"][a, k] * L[b, k], v.symbols["d"]) / sqrt(v.symbols["d"])

    def past(j: Any) -> Any:
        return cases((j <= i, 1), 0) * exp(own(i, j))

    return Asked(v.sum(lambda j: past(j) * V[j, e], n) / v.sum(past, n), "i e")


def _causal_inputs(rng: Generator, z: Sizes) -> Inputs:
    n, d = z["n"], z["d"]
    return {"Q": normal(rng, n, d), "L": normal(rng, n, d), "U": normal(rng, n, z["c"])}


def _causal_torch(Q: Any, L: Any, U: Any) -> Any:
    s = (Q @ L.mT) / Q.shape[-1] ** 0.5
    later = torch.ones(s.shape[-2:], dtype=torch.bool).triu(1)
    return torch.softmax(s.masked_fill(later, float("-inf")), -1) @ U


def _causal_large(row: Row) -> None:
    kernel = row.kernel()
    assert ".any(" not in kernel.source
    inputs = {k: x * (300 if k != "U" else 1) for k, x in row.drawn(sizes={"n": 64, "d": 64, "c": 16}).items()}
    assert gap(kernel(**row.tensors(inputs)), row.reference(**row.tensors(inputs))) <= 1e-5


def _masked() -> Asked:
    v = Scope()
    n, m, c = v.count("n"), v.count("m"), v.count("c")
    S, M, V = v.array("S", (n, m)), v.array("M", (n, m), entries="bool"), v.array("V", (m, c))
    i, e = v.index("i", n), v.index("e", c)

    def weight(j: Any) -> Any:
        return M[i, j] * exp(S[i, j])

    return Asked(v.sum(lambda j: weight(j) * V[j, e], m) / v.sum(weight, m), "i e")


def _masked_inputs(rng: Generator, z: Sizes) -> Inputs:
    mask = rng.random((z["n"], z["m"])) < 0.7
    mask[1:2] = False  # there may be one row only
    return {"S": normal(rng, z["n"], z["m"]), "M": mask, "V": normal(rng, z["m"], z["c"])}


def _masked_torch(S: Any, M: Any, V: Any) -> Any:
    p = torch.softmax(S.masked_fill(~M, float("-inf")), -1)
    return torch.where(M.any(-1, keepdim=True), p, 0) @ V


def _dead_row(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 6, "m": 40, "c": 5})
    inputs["S"] = np.where(inputs["M"], inputs["S"], 1e30)
    values = row.tensors(inputs, grad=True)
    got = row.kernel()(**values)
    assert (got[1] == 0).all()
    assert gap(got.detach(), row.truth(inputs)) <= 1e-6
    assert finite(*gradients(row.kernel(), values))


def _weighted() -> Asked:
    v = Scope()
    n, m, c = v.count("n"), v.count("m"), v.count("c")
    b, S, V = v.array("b", m, lo=0), v.array("S", (n, m)), v.array("V", (m, c))
    i, e = v.index("i", n), v.index("e", c)

    def weight(j: Any) -> Any:
        return b[j] * exp(S[i, j])

    return Asked(v.sum(lambda j: weight(j) * V[j, e], m) / v.sum(weight, m), "i e")


def _weighted_inputs(rng: Generator, z: Sizes) -> Inputs:
    return {"b": share(rng, z["m"]), "S": normal(rng, z["n"], z["m"]), "V": normal(rng, z["m"], z["c"])}


def _zero_weights(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 60, "m": 90, "c": 5})
    inputs["b"][::3] = 0
    inputs["S"] *= 1e4
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _gaussian(**options: Any) -> Callable[[], Asked]:
    def build() -> Asked:
        v = Scope()
        n, m, d, c, h = v.count("n"), v.count("m"), v.count("d"), v.count("c"), v.pos("h")
        q, k, V = v.array("q", (n, d)), v.array("k", (m, d)), v.array("V", (m, c))
        i, e = v.index("i", n), v.index("e", c)

        def weight(j: Any) -> Any:
            return exp(-v.sum(lambda a: (q[i, a] - k[j, a]) ** 2, d) / (2 * h**2))

        return Asked(v.sum(lambda j: weight(j) * V[j, e], m) / v.sum(weight, m), "i e", options)

    return build


def _gaussian_inputs(rng: Generator, z: Sizes) -> Inputs:
    q, k = normal(rng, z["n"], z["d"]), normal(rng, z["m"], z["d"])
    return {"q": q, "k": k, "V": normal(rng, z["m"], z["c"]), "h": 1.3}


def _gaussian_torch(q: Any, k: Any, V: Any, h: float) -> Any:
    return torch.softmax(-(q[..., :, None, :] - k[..., None, :, :]).square().sum(-1) / (2 * h * h), -1) @ V


def _far_from_zero(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 40, "m": 50, "d": 16, "c": 8})
    inputs |= {"q": inputs["q"] + 1e3, "k": inputs["k"] + 1e3, "h": 0.3}
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-5


# Transport: A10 to A12


def _soft_transform() -> Asked:
    v = Scope()
    n, m, d, eps = v.count("n"), v.count("m"), v.count("d"), v.pos("eps")
    x, y, b, g = v.array("x", (n, d)), v.array("y", (m, d)), v.array("b", m, lo=0), v.array("g", m)
    i = v.index("i", n)

    def term(j: Any) -> Any:
        return b[j] * exp((g[j] - v.sum(lambda k: (x[i, k] - y[j, k]) ** 2, d)) / eps)

    return Asked(-eps * log(v.sum(term, m)), "i")


def _transform_inputs(rng: Generator, z: Sizes) -> Inputs:
    n, m, d = z["n"], z["m"], z["d"]
    x, y = normal(rng, n, d), normal(rng, m, d)
    return {"x": x, "y": y, "b": share(rng, m), "g": normal(rng, m, scale=0.1), "eps": 0.05}


def _transform_torch(x: Any, y: Any, b: Any, g: Any, eps: float) -> Any:
    cost = (x[..., :, None, :] - y[..., None, :, :]).square().sum(-1)
    return -eps * torch.logsumexp((g[..., None, :] - cost) / eps + b.log()[..., None, :], -1)


def _small_temperature(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 40, "m": 50, "d": 8}) | {"eps": 1e-5}
    assert each(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _plan() -> Asked:
    v = Scope()
    n, m, eps = v.count("n"), v.count("m"), v.pos("eps")
    a, b = v.array("a", n, lo=0, lo_open=True), v.array("b", m, lo=0, lo_open=True)
    f, g, C = v.array("f", n), v.array("g", m), v.array("C", (n, m))
    i, j = v.index("i", n), v.index("j", m)
    return Asked(a[i] * b[j] * exp((f[i] + g[j] - C[i, j]) / eps), "i j")


def _plan_inputs(rng: Generator, z: Sizes) -> Inputs:
    n, m = z["n"], z["m"]
    f, g = normal(rng, n, scale=0.1), normal(rng, m, scale=0.1)
    return {"a": share(rng, n), "b": share(rng, m), "f": f, "g": g, "C": rng.random((n, m)), "eps": 0.05}


def _plan_torch(a: Any, b: Any, f: Any, g: Any, C: Any, eps: float) -> Any:
    rows, columns = f / eps + a.log(), g / eps + b.log()
    return torch.exp(rows[..., :, None] + columns[..., None, :] - C / eps)


def _balanced_rows(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 128, "m": 128}) | {"eps": 1e-4}
    n = len(inputs["a"])
    inputs["a"] = inputs["b"] = np.full(n, 1 / n)
    z = (inputs["g"] - inputs["C"]) / inputs["eps"] + np.log(inputs["b"])
    top = z.max(-1, keepdims=True)
    inputs["f"] = -inputs["eps"] * (top[:, 0] + np.log(np.exp(z - top).sum(-1)))
    got = row.kernel()(**row.tensors(inputs))
    assert finite(got)
    assert float((n * got.sum(-1) - 1).abs().max()) <= 5e-3


def _sinkhorn() -> Asked:
    v = Scope()
    n, m, eps = v.count("n"), v.count("m"), v.pos("eps")
    a, b = v.array("a", n, lo=0, lo_open=True), v.array("b", m, lo=0, lo_open=True)
    C, i, j = v.array("C", (n, m)), v.index("i", n), v.index("j", m)

    states = {
        "u": ([n], 1, lambda u, v_, r: a[r] / v.sum(lambda s: exp(-C[r, s] / eps) * v_[s], m)),
        "v_": ([m], lambda s: b[s], lambda u, v_, s: b[s] / v.sum(lambda r: exp(-C[r, s] / eps) * u[r], n)),
    }
    f = iterate(20, states, lambda u, v_: eps * log(u[i] / a[i]))
    g = iterate(20, states, lambda u, v_: eps * log(v_[j] / b[j]))
    return Asked({"f": f, "g": g}, {"f": "i", "g": "j"})


def _sinkhorn_inputs(rng: Generator, z: Sizes) -> Inputs:
    n, m = z["n"], z["m"]
    return {"a": share(rng, n), "b": share(rng, m), "C": rng.random((n, m)), "eps": 0.05}


def _sinkhorn_torch(a: Any, b: Any, C: Any, eps: float) -> Any:
    rows, columns, cost = a.log(), b.log(), C / eps
    f, g = None, torch.zeros_like(b)
    for _ in range(20):
        f = -torch.logsumexp((g + columns)[..., None, :] - cost, -1)
        g = -torch.logsumexp((f + rows)[..., :, None] - cost, -2)
    assert f is not None
    return {"f": eps * f, "g": eps * g}


def _cold_transport(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 128, "m": 128}) | {"eps": 1e-4}
    got, want = row.kernel()(**row.tensors(inputs)), row.truth(inputs)
    assert max(gap(got[k], want[k]) for k in want) <= 5e-6
    a, b, C = (torch.from_numpy(inputs[k]) for k in "abC")
    potentials = got["f"].double()[:, None] + got["g"].double() - C
    columns = (potentials / 1e-4 + a.log()[:, None] + b.log()).exp().sum(0)
    assert float((columns - b).abs().max()) <= 1e-6


QKV = {"n": 256, "m": 256, "d": 64, "c": 64}
TINY = {"n": 3, "m": 4, "d": 2, "c": 5}
ROWS = (
    Row("A1 smooth maximum", _smooth_maximum, _soft_max, lambda x, eps: eps * torch.logsumexp(x / eps, -1),
        {"n": 1024, "m": 1024}, {"n": 3, "m": 4}, 1.05, (_large_smooth_maximum,)),
    Row("A2 log-softmax", _log_softmax, _logits, lambda x: torch.log_softmax(x, -1),
        {"n": 1024, "m": 1024}, {"n": 3, "m": 4}, 1.05, (_large_log_softmax,)),
    Row("A3 attention weights", _weights, _queries,
        lambda Q, K: torch.softmax((Q @ K.mT) / Q.shape[-1] ** 0.5, -1),
        {"n": 512, "m": 512, "d": 64}, {"n": 3, "m": 4, "d": 2}, 1.05, (_rows_sum_to_one,)),
    Row("A4 attention", _attention, _qkv, _attention_torch, QKV, TINY, 1.05, (_large_scores,), backward=True),
    Row("A5 attention in batches", _attention, _batched_qkv, _attention_torch,
        {"batch": 8, "n": 512, "m": 512, "d": 64, "c": 64}, {"batch": 2, **TINY}, 1.05, (_few_scores,)),
    Row("A6 causal attention", _causal, _causal_inputs, _causal_torch, {"n": 256, "d": 64, "c": 64},
        {"n": 4, "d": 2, "c": 3}, 1.10, (_causal_large,)),
    Row("A7 masked attention", _masked, _masked_inputs, _masked_torch, {"n": 512, "m": 512, "c": 64},
        {"n": 3, "m": 4, "c": 2}, 1.05, (_dead_row,)),
    Row("A8 attention with prior weights", _weighted, _weighted_inputs,
        lambda b, S, V: torch.softmax(S + b.log()[..., None, :], -1) @ V, {"n": 512, "m": 512, "c": 64},
        {"n": 3, "m": 4, "c": 2}, 1.05, (_zero_weights,)),
    Row("A9 Gaussian attention", _gaussian(), _gaussian_inputs, _gaussian_torch,
        {"n": 256, "m": 256, "d": 16, "c": 16}, TINY, 1.05, (_far_from_zero,)),
    Row("A9 Gaussian attention by products", _gaussian(cells=("sqdist_gemm",)), _gaussian_inputs, _gaussian_torch,
        {"n": 256, "m": 256, "d": 16, "c": 16}, TINY, 0.60, (_far_from_zero,)),
    Row("A10 dual potential", _soft_transform, _transform_inputs, _transform_torch,
        {"n": 256, "m": 256, "d": 8}, {"n": 3, "m": 4, "d": 2}, 1.05, (_small_temperature,), compiled=0.30),
    Row("A11 transport plan", _plan, _plan_inputs, _plan_torch, {"n": 512, "m": 512}, {"n": 3, "m": 4}, 1.05,
        (_balanced_rows,)),
    Row("A12 Sinkhorn", _sinkhorn, _sinkhorn_inputs, _sinkhorn_torch, {"n": 128, "m": 128}, {"n": 3, "m": 4}, 1.05,
        (_cold_transport,)),
)  # fmt: skip
