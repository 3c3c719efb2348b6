"""Acceptance rows A31 to A39: variances, likelihoods, gradients, gathers (design note on lowering, table 7.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from lower_rows import Asked, Generator, Inputs, Row, Sizes, each, finite, gap, normal, share
from torch.nn import functional as F

from dltsym import Eq, Scope, exp, log, sqrt
from dltsym.notation.calls import delta, diff, huber, sigmoid  # pyright: ignore[reportAttributeAccessIssue]


def _discrepancy() -> Asked:
    v = Scope()
    n, m, d, h = v.count("n"), v.count("m"), v.count("d"), v.pos("h")
    x, y = v.array("x", (n, d)), v.array("y", (m, d))

    def k(a: Any, i: Any, b: Any, j: Any) -> Any:
        return exp(-v.sum(lambda r: (a[i, r] - b[j, r]) ** 2, d) / (2 * h**2))

    same = v.sum(lambda i, j: k(x, i, x, j), n, n) / n**2 + v.sum(lambda i, j: k(y, i, y, j), m, m) / m**2
    return Asked(same - 2 * v.sum(lambda i, j: k(x, i, y, j), n, m) / (n * m))


def _samples(rng: Generator, z: Sizes) -> Inputs:
    return {"x": normal(rng, z["n"], z["d"]), "y": normal(rng, z["m"], z["d"]) + 0.5, "h": 3.0}


def _discrepancy_torch(x: Any, y: Any, h: float) -> Any:
    def k(a: Any, b: Any) -> Any:
        return torch.exp((a[..., :, None, :] - b[..., None, :, :]).square().sum(-1) / (-2 * h * h)).mean((-1, -2))

    return k(x, x) + k(y, y) - 2 * k(x, y)


def _same_samples(row: Row) -> None:
    kernel = row.kernel()
    x = torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
    assert abs(float(kernel(x=x, y=x.clone(), h=3.0))) <= 1e-7
    assert any(f.code == "W04" for f in kernel.report)


def _layer_norm() -> Asked:
    v = Scope()
    T, d = v.count("T"), v.count("d")
    x, g, b = v.array("x", (T, d)), v.array("g", d), v.array("b", d)
    t, k = v.index("t", T), v.index("k", d)
    mu = v.sum(lambda r: x[t, r], d) / d
    second = v.sum(lambda r: x[t, r] ** 2, d) / d
    return Asked((x[t, k] - mu) / sqrt(second - mu**2 + v.read("0.00001")) * g[k] + b[k], "t k")


def _features(rng: Generator, z: Sizes) -> Inputs:
    return {"x": normal(rng, z["T"], z["d"]), "g": normal(rng, z["d"]), "b": normal(rng, z["d"])}


def _layer_norm_torch(x: Any, g: Any, b: Any) -> Any:
    c = x - x.mean(-1, keepdim=True)
    return c * torch.rsqrt(c.square().mean(-1, keepdim=True) + 1e-5) * g[..., None, :] + b[..., None, :]


def _offset_features(row: Row) -> None:
    inputs = row.drawn(sizes={"T": 32, "d": 512})
    inputs["x"] += 1e4
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _covariance() -> Asked:
    v = Scope()
    n, m, c = v.count("n"), v.count("m"), v.count("c")
    p, V = v.array("p", (n, m), lo=0), v.array("V", (m, c))
    i, a, b = v.index("i", n), v.index("a", c), v.index("b", c)

    def mean(f: Any) -> Any:
        return v.sum(lambda j: p[i, j] * f(j), m)

    given = [Eq(v.sum(lambda j: p[i, j], m), 1)]
    return Asked(
        mean(lambda j: V[j, a] * V[j, b]) - mean(lambda j: V[j, a]) * mean(lambda j: V[j, b]),
        "i a b",
        {"given": given},
    )


def _weighted_values(rng: Generator, z: Sizes) -> Inputs:
    return {"p": share(rng, z["n"], z["m"]), "V": normal(rng, z["m"], z["c"])}


def _covariance_torch(p: Any, V: Any) -> Any:
    centred = V[..., None, :, :] - (p @ V)[..., :, None, :]
    return (centred * p[..., None]).mT @ centred


def _offset_values(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 8, "m": 256, "c": 16})
    inputs["V"] += 1e4
    rounded = {k: x.double() for k, x in row.tensors(inputs).items()}
    rounded["p"] = rounded["p"] / rounded["p"].sum(-1, keepdim=True)
    assert gap(row.kernel()(**row.tensors(inputs)), row.reference(**rounded)) <= 1e-5


def _logistic() -> Asked:
    v = Scope()
    N = v.count("N")
    y, z = v.array("y", N, lo=0, hi=1), v.array("z", N)

    def term(i: Any) -> Any:
        return y[i] * log(sigmoid(z[i])) + (1 - y[i]) * log(1 - sigmoid(z[i]))

    return Asked(-v.sum(term, N) / N)


def _targets(rng: Generator, z: Sizes) -> Inputs:
    return {"y": rng.random(z["N"]), "z": normal(rng, z["N"])}


def _logistic_torch(y: Any, z: Any) -> Any:
    return (y * F.softplus(-z) + (1 - y) * F.softplus(z)).mean(-1)


def _large_margins(row: Row) -> None:
    rng = np.random.default_rng(0)
    inputs = {"y": rng.random(1000), "z": np.where(rng.random(1000) < 0.5, 1e4, -1e4)}
    assert each(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _mixture() -> Asked:
    v = Scope()
    N, K = v.count("N"), v.count("K")
    x, mu = v.array("x", N), v.array("mu", K)
    w, s = v.array("w", K, lo=0, lo_open=True), v.array("s", K, lo=0, lo_open=True)

    def density(i: Any, k: Any) -> Any:
        return w[k] * (2 * v.read("pi") * s[k] ** 2) ** v.read("-1/2") * exp(-((x[i] - mu[k]) ** 2) / (2 * s[k] ** 2))

    return Asked(v.sum(lambda i: log(v.sum(lambda k: density(i, k), K)), N))


def _mixed(rng: Generator, z: Sizes) -> Inputs:
    K = z["K"]
    return {"x": normal(rng, z["N"]), "mu": normal(rng, K), "w": share(rng, K), "s": rng.uniform(0.5, 2, K)}


def _mixture_torch(x: Any, mu: Any, w: Any, s: Any) -> Any:
    offset = w.log() - 0.5 * torch.log(2 * torch.pi * s.square())
    z = (x[..., :, None] - mu[..., None, :]).square() * (-0.5 / s.square())[..., None, :]
    return torch.logsumexp(z + offset[..., None, :], -1).sum(-1)


def _outliers(row: Row) -> None:
    inputs = row.drawn(sizes={"N": 40, "K": 5})
    inputs["x"] += 1e5
    assert each(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-12


def _scaling() -> Asked:
    v = Scope()
    M, R, w = v.count("M"), v.count("R"), v.pos("w")
    a, al, b, be, e0 = (v.array(name, M) for name in ("a", "al", "b", "be", "e0"))
    N, D, L = (v.array(name, R, lo=0, lo_open=True) for name in ("N", "D", "L"))
    i = v.index("i", M)

    def residual(r: Any) -> Any:
        return log(exp(a[i] - al[i] * log(N[r])) + exp(b[i] - be[i] * log(D[r])) + exp(e0[i])) - log(L[r])

    return Asked(v.sum(lambda r: huber(residual(r), w), R), "i")


def _runs(rng: Generator, z: Sizes) -> Inputs:
    M, R = z["M"], z["R"]
    params = {"a": rng.uniform(0, 25, M), "al": rng.uniform(0, 2, M), "b": rng.uniform(0, 25, M)}
    params |= {"be": rng.uniform(0, 2, M), "e0": rng.uniform(-1, 1.5, M)}
    data = {k: np.exp(rng.uniform(lo, hi, R)) for k, lo, hi in (("N", 16, 23), ("D", 20, 27), ("L", 0.5, 1.5))}
    return params | data | {"w": 1e-3}


def _scaling_torch(a: Any, al: Any, b: Any, be: Any, e0: Any, N: Any, D: Any, L: Any, w: float) -> Any:
    left = a[..., :, None] - al[..., :, None] * N.log()[..., None, :]
    right = b[..., :, None] - be[..., :, None] * D.log()[..., None, :]
    total = torch.logsumexp(torch.stack([left, right, e0[..., :, None].expand_as(left)]), 0)
    r = total - L.log()[..., None, :]
    return F.huber_loss(r, torch.zeros_like(r), reduction="none", delta=w).sum(-1)


def _far_start(row: Row) -> None:
    inputs = row.drawn()
    inputs["a"][0] = 1e3
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-12


def _slope() -> Asked:
    v = Scope()
    n, m, d, eps = v.count("n"), v.count("m"), v.count("d"), v.pos("eps")
    Q, K, i, a = v.array("Q", (n, d)), v.array("K", (m, d)), v.index("i", n), v.index("a", d)

    def s(j: Any) -> Any:
        return v.sum(lambda k: Q[i, k] * K[j, k], d) / (eps * sqrt(d))

    return Asked(diff(eps * log(v.sum(lambda j: exp(s(j)), m)), Q[i, a]), "i a")


def _slope_inputs(rng: Generator, z: Sizes) -> Inputs:
    return {"Q": normal(rng, z["n"], z["d"]), "K": normal(rng, z["m"], z["d"]), "eps": 0.7}


def _slope_torch(Q: Any, K: Any, eps: float) -> Any:
    root = Q.shape[-1] ** 0.5
    return torch.softmax(Q @ K.mT / (eps * root), -1) @ K / root


def _plain_slope(row: Row) -> None:
    kernel = row.kernel()
    assert kernel.source.count("softmax(") == 1
    assert kernel.source.count(" @ ") == 2
    inputs = row.drawn(sizes={"n": 16, "m": 24, "d": 8})
    inputs["Q"] *= 3e4
    assert gap(kernel(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _lookup() -> Asked:
    v = Scope(base=0)
    N, T, C = v.count("N"), v.count("T"), v.count("C")
    W, ids = v.array("W", (N, C)), v.array("ids", T, entries="integer", lo=0, hi=N - 1)
    t, c = v.index("t", T), v.index("c", C)
    return Asked(v.sum(lambda w: delta(w, ids[t]) * W[w, c], N), "t c")


def _ids(rng: Generator, z: Sizes) -> Inputs:
    return {"W": normal(rng, z["N"], z["C"]), "ids": rng.integers(0, z["N"], z["T"])}


def _in_range_only(row: Row) -> None:
    kernel = row.kernel()
    assert "one_hot" not in kernel.source
    for bad in (7, -1):
        with pytest.raises(Exception, match=r"ids|range|index"):
            kernel(W=torch.randn(7, 2), ids=torch.tensor([0, bad]))


def _segments() -> Asked:
    v = Scope(base=0)
    E, T, C = v.count("E"), v.count("T"), v.count("C")
    x, ids = v.array("x", (T, C)), v.array("ids", T, entries="integer", lo=0, hi=E - 1)
    w = v.array("w", E)
    e, c = v.index("e", E), v.index("c", C)
    return Asked(w[e] * v.sum(lambda t: delta(e, ids[t]) * x[t, c], T), "e c")


def _segment_inputs(rng: Generator, z: Sizes) -> Inputs:
    return {"x": normal(rng, z["T"], z["C"]), "ids": rng.integers(0, z["E"], z["T"]), "w": np.ones(z["E"])}


def _segments_torch(x: Any, ids: Any, w: Any) -> Any:
    out = torch.zeros(w.shape[-1], x.shape[-1], dtype=x.dtype)
    return w[:, None] * out.index_add(0, ids, x)


def _empty_segments(row: Row) -> None:
    kernel = row.kernel()
    got = kernel(x=torch.ones(4, 2), ids=torch.tensor([1, 1, 3, 1]), w=torch.ones(5))
    assert torch.equal(got, torch.tensor([0.0, 3, 0, 1, 0])[:, None].expand(5, 2))
    assert finite(got)


DOUBLE = torch.float64
ROWS = (
    Row("A31 kernel discrepancy", _discrepancy, _samples, _discrepancy_torch, {"n": 256, "m": 256, "d": 16},
        {"n": 3, "m": 4, "d": 2}, 1.05, (_same_samples,)),
    Row("A32 layer norm", _layer_norm, _features, _layer_norm_torch, {"T": 2048, "d": 512}, {"T": 3, "d": 4}, 1.40,
        (_offset_features,)),
    Row("A33 covariance", _covariance, _weighted_values, _covariance_torch, {"n": 64, "m": 256, "c": 16},
        {"n": 3, "m": 4, "c": 2}, 1.60, (_offset_values,), smooth=False),
    Row("A34 logistic loss", _logistic, _targets, _logistic_torch, {"N": 10**6}, {"N": 5}, 1.10, (_large_margins,)),
    Row("A35 mixture likelihood", _mixture, _mixed, _mixture_torch, {"N": 10**5, "K": 8}, {"N": 4, "K": 3}, 1.20,
        (_outliers,), dtype=DOUBLE),
    Row("A36 scaling law", _scaling, _runs, _scaling_torch, {"M": 4500, "R": 240}, {"M": 3, "R": 4}, 1.10,
        (_far_start,), dtype=DOUBLE),
    Row("A37 slope of a potential", _slope, _slope_inputs, _slope_torch, {"n": 64, "m": 64, "d": 16},
        {"n": 3, "m": 4, "d": 2}, 1.25, (_plain_slope,)),
    Row("A38 table lookup", _lookup, _ids, lambda W, ids: W[ids], {"N": 32768, "T": 2048, "C": 64},
        {"N": 5, "T": 3, "C": 2}, 1.05, (_in_range_only,), batches=False),
    Row("A39 segment sums", _segments, _segment_inputs, _segments_torch, {"E": 1024, "T": 65536, "C": 16},
        {"E": 4, "T": 7, "C": 2}, 1.05, (_empty_segments,), batches=False),
)  # fmt: skip
