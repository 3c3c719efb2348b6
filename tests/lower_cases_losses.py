"""Acceptance rows A13 to A24: losses, entropies, mixtures of experts (design note on lowering, table 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lower_rows import Asked, Generator, Inputs, Row, Sizes, each, finite, gap, gradients, normal
from torch.nn import functional as F

from dltsym import Scope, exp, log, sqrt
from dltsym.notation.calls import relu  # pyright: ignore[reportAttributeAccessIssue]
from dltsym.notation.folds_api import topk_over

# Cross-entropies: A13, A14


def _contrastive() -> Asked:
    v = Scope()
    n, d, tau = v.count("n"), v.count("d"), v.pos("tau")
    x, y = v.array("x", (n, d)), v.array("y", (n, d))

    def s(i: Any, j: Any) -> Any:
        return v.sum(lambda k: x[i, k] * y[j, k], d) / tau

    return Asked(-v.sum(lambda i: log(exp(s(i, i)) / v.sum(lambda j: exp(s(i, j)), n)), n) / n)


def _pairs(rng: Generator, z: Sizes) -> Inputs:
    x, y = normal(rng, z["n"], z["d"]), normal(rng, z["n"], z["d"])
    return {
        "x": x / np.linalg.norm(x, axis=-1, keepdims=True),
        "y": y / np.linalg.norm(y, axis=-1, keepdims=True),
        "tau": 0.07,
    }


def _contrastive_torch(x: Any, y: Any, tau: float) -> Any:
    return F.cross_entropy(x @ y.mT / tau, torch.arange(x.shape[-2]))


def _cold_pairs(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 64, "d": 16}) | {"tau": 1e-5}
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-5


def _classes() -> Asked:
    v = Scope(base=0)
    n, m = v.count("n"), v.count("m")
    z, Y = v.array("z", (n, m)), v.array("Y", n, entries="integer", lo=0, hi=m - 1)
    return Asked(-v.sum(lambda i: log(exp(z[i, Y[i]]) / v.sum(lambda c: exp(z[i, c]), m)), n) / n)


def _labelled(rng: Generator, z: Sizes) -> Inputs:
    return {"z": normal(rng, z["n"], z["m"]), "Y": rng.integers(0, z["m"], z["n"])}


def _large_classes(row: Row) -> None:
    inputs = row.drawn(sizes={"n": 64, "m": 96})
    inputs["z"] *= 1e5
    assert gap(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


# Entropies and divergences: A15 to A19


def _entropy() -> Asked:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i = v.array("x", (n, m)), v.index("i", n)

    def p(j: Any) -> Any:
        return exp(x[i, j]) / v.sum(lambda k: exp(x[i, k]), m)

    return Asked(-v.sum(lambda j: p(j) * log(p(j)), m), "i")


def _logits(rng: Generator, z: Sizes) -> Inputs:
    return {"x": normal(rng, z["n"], z["m"])}


def _entropy_torch(x: Any) -> Any:
    lp = torch.log_softmax(x, -1)
    return -(lp.exp() * lp).sum(-1)


def _large_entropy(row: Row) -> None:
    inputs = {"x": normal(np.random.default_rng(0), 64, 96, scale=1e4)}
    got, want = row.kernel()(**row.tensors(inputs)), row.truth(inputs)
    assert finite(got)
    assert float((got.double() - want).abs().max()) <= 1e-6
    some = torch.randn(8, 12)
    some[:, ::3] = float("-inf")
    kept = torch.distributions.Categorical(logits=some[:, [j for j in range(12) if j % 3]]).entropy()
    assert gap(row.kernel()(x=some), kept) <= 1e-5


def _score_entropy() -> Asked:
    v = Scope()
    n, m, d = v.count("n"), v.count("m"), v.count("d")
    Q, K, i = v.array("Q", (n, d)), v.array("K", (m, d)), v.index("i", n)

    def s(j: Any) -> Any:
        return v.sum(lambda k: Q[i, k] * K[j, k], d) / sqrt(d)

    def p(j: Any) -> Any:
        return exp(s(j)) / v.sum(lambda k: exp(s(k)), m)

    return Asked(-v.sum(lambda j: p(j) * log(p(j)), m), "i")


def _queries(rng: Generator, z: Sizes) -> Inputs:
    return {"Q": normal(rng, z["n"], z["d"]), "K": normal(rng, z["m"], z["d"])}


def _one_product(row: Row) -> None:
    source = row.kernel().source
    assert source.count(" @ ") + source.count("einsum(") + source.count("matmul(") == 1


def _divergence() -> Asked:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, y, i = v.array("x", (n, m)), v.array("y", (n, m)), v.index("i", n)

    def soft(t: Any, j: Any) -> Any:
        return exp(t[i, j]) / v.sum(lambda k: exp(t[i, k]), m)

    return Asked(v.sum(lambda j: soft(x, j) * log(soft(x, j) / soft(y, j)), m), "i")


def _two_logits(rng: Generator, z: Sizes) -> Inputs:
    return {"x": normal(rng, z["n"], z["m"]), "y": normal(rng, z["n"], z["m"])}


def _divergence_torch(x: Any, y: Any) -> Any:
    p, q = torch.log_softmax(x, -1), torch.log_softmax(y, -1)
    return (p.exp() * (p - q)).sum(-1)


def _near_logits(row: Row) -> None:
    rng = np.random.default_rng(0)
    x = normal(rng, 64, 64)
    inputs = {"x": x, "y": x + normal(rng, 64, 64, scale=1e-4)}
    assert each(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-5
    inputs["x"][:, 1:] -= 200  # rows where p underflows
    inputs["y"][:, 1:] -= 100
    got = row.kernel()(**row.tensors(inputs)).double()
    assert float((got - row.truth(inputs)).abs().max()) <= 1e-6


def _bernoulli() -> Asked:
    v = Scope()
    n = v.count("n")
    q, p = (v.array(name, n, lo=0, hi=1, lo_open=True, hi_open=True) for name in "qp")
    i = v.index("i", n)
    return Asked(q[i] * log(q[i] / p[i]) + (1 - q[i]) * log((1 - q[i]) / (1 - p[i])), "i")


def _probabilities(rng: Generator, z: Sizes) -> Inputs:
    return {"q": rng.uniform(0.01, 0.99, z["n"]), "p": rng.uniform(0.01, 0.99, z["n"])}


def _near_probabilities(row: Row) -> None:
    q = np.random.default_rng(0).uniform(0.01, 0.99, 1000)
    inputs = {"q": q, "p": q + 1e-6}
    q = q.astype(np.longdouble)
    t, r = inputs["p"].astype(np.longdouble) - q, 1 - q

    def excess(weight: Any, a: Any) -> Any:  # weight (a - log(1 + a)): the first orders cancel between both terms
        return weight * sum((-1) ** k * a**k / k for k in range(2, 9))

    want = excess(q, t / q) + excess(r, -t / r)
    got = row.kernel()(**row.tensors(inputs))
    assert each(got, torch.from_numpy(want.astype(np.float64))) <= 1e-14


def _normals() -> Asked:
    v = Scope()
    n, d = v.count("n"), v.count("d")
    s0, s1 = (v.array(name, (n, d), lo=0, lo_open=True) for name in ("s0", "s1"))
    m0, m1, i = v.array("m0", (n, d)), v.array("m1", (n, d)), v.index("i", n)

    def term(k: Any) -> Any:
        a, b = s0[i, k] ** 2, s1[i, k] ** 2
        return a / b + (m1[i, k] - m0[i, k]) ** 2 / b - 1 + log(b / a)

    return Asked(v.sum(term, d) / 2, "i")


def _normal_laws(rng: Generator, z: Sizes) -> Inputs:
    shape = z["n"], z["d"]
    spread = {k: rng.uniform(0.5, 2, shape) for k in ("s0", "s1")}
    return spread | {k: normal(rng, *shape) for k in ("m0", "m1")}


def _normals_torch(s0: Any, s1: Any, m0: Any, m1: Any) -> Any:
    a, b = s0.square(), s1.square()
    return 0.5 * (a / b + (m1 - m0).square() / b - 1 + torch.log(b / a)).sum(-1)


def _near_normals(row: Row) -> None:
    rng = np.random.default_rng(0)
    s1, m1 = rng.uniform(0.5, 2, (64, 256)), normal(rng, 64, 256)
    s0, m0 = s1 * (1 + normal(rng, 64, 256, scale=1e-4)), m1 + normal(rng, 64, 256, scale=1e-4)
    inputs = {"s0": s0, "s1": s1, "m0": m0, "m1": m1}
    assert each(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


# Mixtures of experts: A20 to A24


def _imbalance() -> Asked:
    v = Scope()
    T, E = v.count("T"), v.count("E")
    g = v.array("g", (T, E), lo=0)

    def load(e: Any) -> Any:
        return v.sum(lambda t: g[t, e], T)

    mu = v.sum(load, E) / E
    return Asked((v.sum(lambda e: load(e) ** 2, E) / E - mu**2) / mu**2)


def _gates(rng: Generator, z: Sizes) -> Inputs:
    x = np.exp(normal(rng, z["T"], z["E"]))
    return {"g": x / x.sum(-1, keepdims=True)}


def _imbalance_torch(g: Any) -> Any:
    load = g.sum(-2)
    return load.var(-1, unbiased=False) / load.mean(-1).square()


def _balanced(row: Row) -> None:
    rng, kernel = np.random.default_rng(0), row.kernel()
    inputs = {"g": 1 / 64 + normal(rng, 4096, 64, scale=1e-6)}
    assert each(kernel(**row.tensors(inputs)), row.truth(inputs)) <= 0.05
    for batch in (64, 5):
        many = {"g": rng.uniform(0, 1, (batch, 96, 64))}
        assert gap(kernel(**row.tensors(many)), row.truth(many)) <= 1e-5


def _router(balanced: bool) -> Callable[[], Asked]:
    def build() -> Asked:
        v = Scope()
        T, E = v.count("T"), v.count("E")
        z, t, e = v.array("z", (T, E)), v.index("t", T), v.index("e", E)

        def top(r: Any, f: Any) -> Any:
            return topk_over(E, lambda j: z[r, j], at=f, k=2)

        def soft(r: Any, f: Any) -> Any:
            return exp(z[r, f]) / v.sum(lambda j: exp(z[r, j]), E)

        if balanced:
            f, p = (lambda a: v.sum(lambda r: top(r, a), T) / T), (lambda a: v.sum(lambda r: soft(r, a), T) / T)
            return Asked(E * v.sum(lambda a: f(a) * p(a), E))
        return Asked(top(t, e) * exp(z[t, e]) / v.sum(lambda a: top(t, a) * exp(z[t, a]), E), "t e")

    return build


def _routed(rng: Generator, z: Sizes) -> Inputs:
    return {"z": normal(rng, z["T"], z["E"])}


def _balance_torch(z: Any) -> Any:
    experts = z.shape[-1]
    chosen = F.one_hot(torch.topk(z, 2, -1).indices, experts).sum(-2).to(z.dtype).mean(-2)
    return experts * (chosen * torch.softmax(z, -1).mean(-2)).sum(-1)


def _equal_logits(row: Row) -> None:
    got = row.kernel()(z=torch.zeros(6, 5))
    assert abs(float(got) - 2) <= 1e-6  # E * (1/E + 1/E): experts 1 and 2 take every token
    slanted = torch.zeros(6, 5)
    slanted[:, 4] = -1e-3
    p = torch.softmax(slanted.double(), -1).mean(-2)
    assert abs(float(row.kernel()(z=slanted)) - float(5 * (p[0] + p[1]))) <= 1e-6


def _gate_torch(z: Any) -> Any:
    values, places = torch.topk(z, 2, -1)
    return torch.zeros_like(z).scatter(-1, places, torch.softmax(values, -1))


def _tied_gates(row: Row) -> None:
    kernel = row.kernel()
    want = torch.zeros(4, 5)
    want[:, :2] = 0.5
    assert gap(kernel(z=torch.zeros(4, 5)), want) <= 1e-6
    inputs = {"z": normal(np.random.default_rng(0), 64, 64, scale=1e5)}
    assert gap(kernel(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6
    assert finite(*gradients(kernel, row.tensors(inputs, grad=True)))


def _z_loss() -> Asked:
    v = Scope()
    T, E = v.count("T"), v.count("E")
    z = v.array("z", (T, E))
    return Asked(v.sum(lambda t: log(v.sum(lambda e: exp(z[t, e]), E)) ** 2, T) / T)


def _large_z(row: Row) -> None:
    for scale in (3e4, -3e4):
        inputs = {"z": scale + normal(np.random.default_rng(0), 64, 16)}
        assert each(row.kernel()(**row.tensors(inputs)), row.truth(inputs)) <= 1e-6


def _experts() -> Asked:
    v = Scope()
    T, E, d, w, n = (v.count(name) for name in ("T", "E", "d", "w", "n"))
    g, x = v.array("g", (T, E)), v.array("x", (T, d))
    W, U = v.array("W", (E, d, w)), v.array("U", (E, w, n))
    t, c = v.index("t", T), v.index("c", n)

    def hidden(e: Any, h: Any) -> Any:
        return relu(v.sum(lambda k: x[t, k] * W[e, k, h], d))

    return Asked(v.sum(lambda e: g[t, e] * v.sum(lambda h: hidden(e, h) * U[e, h, c], w), E), "t c")


def _expert_inputs(rng: Generator, z: Sizes) -> Inputs:
    T, E, d, w, n = (z[k] for k in ("T", "E", "d", "w", "n"))
    return {
        "g": _gates(rng, z)["g"],
        "x": normal(rng, T, d),
        "W": normal(rng, E, d, w, scale=d**-0.5),
        "U": normal(rng, E, w, n, scale=w**-0.5),
    }


def _experts_torch(g: Any, x: Any, W: Any, U: Any) -> Any:
    hidden = torch.relu(torch.einsum("...tk,...ekh->...teh", x, W))
    return torch.einsum("...te,...teh,...ehc->...tc", g, hidden, U)


ROWS = (
    Row("A13 InfoNCE", _contrastive, _pairs, _contrastive_torch, {"n": 256, "d": 64}, {"n": 3, "d": 2}, 1.10,
        (_cold_pairs,), batches=False),
    Row("A14 cross-entropy", _classes, _labelled, lambda z, Y: F.cross_entropy(z, Y), {"n": 1024, "m": 4096},
        {"n": 3, "m": 4}, 1.10, (_large_classes,), batches=False),
    Row("A15 entropy", _entropy, _logits, _entropy_torch, {"n": 512, "m": 1024}, {"n": 3, "m": 4}, 1.10,
        (_large_entropy,)),
    Row("A16 attention entropy", _score_entropy, _queries, lambda Q, K: _entropy_torch(Q @ K.mT / Q.shape[-1] ** 0.5),
        {"n": 256, "m": 256, "d": 64}, {"n": 3, "m": 4, "d": 2}, 1.10, (_one_product,)),
    Row("A17 divergence of softmaxes", _divergence, _two_logits, _divergence_torch, {"n": 256, "m": 64},
        {"n": 3, "m": 4}, 5.5, (_near_logits,)),
    Row("A18 Bernoulli divergence", _bernoulli, _probabilities,
        lambda q, p: q * torch.log(q / p) + (1 - q) * torch.log((1 - q) / (1 - p)), {"n": 10**6}, {"n": 4}, 9,
        (_near_probabilities,), dtype=torch.float64),
    Row("A19 Gaussian divergence", _normals, _normal_laws, _normals_torch, {"n": 1024, "d": 256}, {"n": 3, "d": 4},
        4, (_near_normals,)),
    Row("A20 load imbalance", _imbalance, _gates, _imbalance_torch, {"T": 4096, "E": 64}, {"T": 5, "E": 3}, 1.20,
        (_balanced,)),
    Row("A21 load balance", _router(True), _routed, _balance_torch, {"T": 4096, "E": 64}, {"T": 5, "E": 4}, 0.80,
        (_equal_logits,), smooth=False),
    Row("A22 gates of two", _router(False), _routed, _gate_torch, {"T": 4096, "E": 64}, {"T": 5, "E": 4}, 1.15,
        (_tied_gates,), smooth=False),
    Row("A23 z-loss", _z_loss, _routed, lambda z: torch.logsumexp(z, -1).square().mean(-1), {"T": 4096, "E": 64},
        {"T": 5, "E": 3}, 1.05, (_large_z,)),
    Row("A24 expert layer", _experts, _expert_inputs, _experts_torch, {"T": 512, "E": 8, "d": 64, "w": 128, "n": 64},
        {"T": 5, "E": 3, "d": 2, "w": 4, "n": 6}, 1.00),
)  # fmt: skip
