"""Statements of every kind of operation, with inputs, for the tests of references and tolerances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym import Scope, cases_, exp, log, lse_over, scan_over, softplus, sqrt, topk_over, xlogx

Draw = Callable[[np.random.Generator], dict[str, Any]]


@dataclass(frozen=True)
class Sample:
    """A statement as outputs by name, and a way to draw its inputs."""

    outputs: dict[str, Any]
    draw: Draw


def softmaxes(shift: float = 0.0) -> Sample:
    """Weights, their log-sum-exp and entropy, masked."""
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i, j = v.array("x", (n, m)), v.index("i", n), v.index("j", m)

    def term(k: Any) -> Any:
        return cases_((k <= i + m - n, exp(x[i, k])), 0)

    total = v.sum(term, m)
    out = {"p": term(j) / total, "lse": log(total), "entropy": -v.sum(lambda k: xlogx(term(k) / total), m)}
    return Sample(out, lambda rng: {"x": 3 * rng.standard_normal((2, 7, 9)) + shift})


def attention() -> Sample:
    """Weighted means of values, with a temperature."""
    v = Scope()
    n, m, d, e = v.count("n"), v.count("m"), v.count("d"), v.count("e")
    q, k, u, tau = v.array("q", (n, d)), v.array("k", (m, d)), v.array("u", (m, e)), v.pos("tau")
    i, c = v.index("i", n), v.index("c", e)

    def weight(j: Any) -> Any:
        return exp(v.sum(lambda r: q[i, r] * k[j, r], d) / tau)

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        x = {"q": rng.standard_normal((2, 3, 6, 8)), "k": rng.standard_normal((3, 7, 8))}
        return x | {"u": rng.standard_normal((2, 1, 7, 5)), "tau": rng.uniform(0.5, 2, (3,))}

    return Sample({"o": v.sum(lambda j: weight(j) * u[j, c], m) / v.sum(weight, m)}, draw)


def norms(shift: float = 0.0) -> Sample:
    """Rows with mean 0 and variance 1."""
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i, j = v.array("x", (n, m)), v.index("i", n), v.index("j", m)
    mean = v.sum(lambda k: x[i, k], m) / m
    spread = v.sum(lambda k: (x[i, k] - mean) ** 2, m) / m
    return Sample(
        {"y": (x[i, j] - mean) / sqrt(spread + v.read("1/100000"))},
        lambda rng: {"x": rng.standard_normal((3, 40)) + shift},
    )


def recurrence() -> Sample:
    """States of a linear recurrence with decays in (0, 1)."""
    v = Scope()
    n = v.count("n")
    a, b, t = v.array("a", n), v.array("b", n), v.index("t", n)
    state = scan_over(t, lambda s, h: exp(-softplus(a[s])) * h + softplus(a[s]) * b[s])
    return Sample({"h": state}, lambda rng: {"a": rng.standard_normal((2, 60)), "b": rng.standard_normal((2, 60))})


def losses() -> Sample:
    """The usual contrastive loss, which subtracts a score from a log-sum-exp."""
    v = Scope()
    n, d = v.count("n"), v.count("d")
    x, y, i = v.array("x", (n, d)), v.array("y", (n, d)), v.index("i", n)

    def score(a: Any, b: Any) -> Any:
        return v.sum(lambda r: x[a, r] * y[b, r], d)

    loss = lse_over(n, lambda j: score(i, j)) - score(i, i)
    return Sample(
        {"loss": loss}, lambda rng: {"x": rng.standard_normal((9, 6)), "y": rng.standard_normal((9, 6))}
    )  # fmt: skip


def gates() -> Sample:
    """Sums over the two largest entries of a row."""
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i = v.array("x", (n, m)), v.index("i", n)
    best = v.sum(lambda j: topk_over(m, lambda k: x[i, k] * x[i, k], at=j, k=2) * x[i, j], m)
    return Sample({"best": best}, lambda rng: {"x": rng.standard_normal((4, 9))})


SAMPLES: dict[str, Sample] = {
    "softmax": softmaxes(), "softmax + 300": softmaxes(300.0), "softmax - 300": softmaxes(-300.0),
    "attention": attention(), "norm": norms(), "norm + 100": norms(100.0), "recurrence": recurrence(),
    "loss": losses(), "gates": gates(),
}  # fmt: skip
