"""Arrays, indices, inputs and one kernel that the tests of the compiler share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dltsym import Scope, exp, sqrt, sum_over
from dltsym.notation.tree import Expr

torch = pytest.importorskip("torch")


SIZES = {"n": 5, "m": 7, "d": 3}


class World:
    """Arrays and indices that the cases share."""

    def __init__(self) -> None:
        v = self.v = Scope()
        self.n, self.m, self.d = v.count("n"), v.count("m"), v.count("d")
        self.x, self.y = v.array("x", self.n), v.array("y", self.m)
        self.A, self.B = v.array("A", (self.n, self.n)), v.array("B", (self.n, self.m))
        self.b = v.array("b", self.n, lo=0, lo_open=True, hi=1)
        self.w, self.z = v.array("w", self.n + 1), v.array("z", self.n - 1)
        self.at = v.array("at", self.m, entries="integer", lo=1, hi=self.n)
        self.M = v.array("M", (self.n, self.n), entries="bool")
        self.i, self.j, self.t, self.k = (v.index(a, h) for a, h in zip("ijtk", (*[self.n] * 3, self.m), strict=True))
        self.mid, self.late = v.index("mid", self.n, lo=2), v.index("late", self.n, lo=3)
        self.p, self.r = v.pos("p"), v.real("r")


def values(kernel: Any, seed: int = 0, **sizes: int) -> dict[str, Any]:
    """Draw inputs for a kernel."""
    rng, known, out = np.random.default_rng(seed), {**SIZES, **sizes}, {}
    for i in kernel.arguments.inputs:
        shape = tuple(int(eval(s, {}, known)) for s in i.shape)
        if i.entries == "integer":
            out[i.name] = rng.integers(1, known["n"] + 1, shape) if shape else known.get(i.name, 3)
        elif i.entries == "bool":
            out[i.name] = rng.random(shape) < 0.5
        else:
            x = rng.random(shape) if i.hi is not None else rng.normal(size=shape)
            out[i.name] = np.abs(x) + 0.1 * (i.hi is None) if i.lo is not None else x
            out[i.name] = out[i.name] if shape else float(out[i.name])
    return out


def tensors(inputs: dict[str, Any], dtype: Any = None) -> dict[str, Any]:
    """Turn arrays into tensors."""
    out = {k: torch.tensor(x) if isinstance(x, np.ndarray) else x for k, x in inputs.items()}
    return {k: x.to(dtype) if dtype and torch.is_tensor(x) and x.is_floating_point() else x for k, x in out.items()}


def attention(o: World | None = None) -> Expr:
    v = (o or World()).v
    n, m, d = v.symbols["n"], v.symbols["m"], v.symbols["d"]
    q, k, w = v.array("Q", (n, d)), v.array("K", (m, d)), v.array("V", (m, d))
    i, c, eps = v.symbols["i"], v.index("c", d), v.pos("eps")

    def weight(j: Any) -> Expr:
        return exp(sum_over(d, lambda a: q[i, a] * k[j, a]) / (eps * sqrt(d)))

    return sum_over(m, lambda j: weight(j) * w[j, c]) / sum_over(m, weight)


def refused(kind: type[Exception], said: str, call: Callable[[], Any]) -> None:
    """Require one line that says something."""
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert said in text, text
    assert "\n" not in text
