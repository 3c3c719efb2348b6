"""SymPy expressions: the traps of the design note, section 2.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compile_world import refused, values

import dltsym
from dltsym import compile

# SymPy


class SymPy:
    """SymPy names for the traps of the design note, section 2.3."""

    def __init__(self) -> None:
        import sympy as sp

        self.sp = sp
        self.n, self.m = sp.symbols("n m", integer=True, positive=True)
        self.i, self.j, self.l = sp.symbols("i j l", integer=True, nonnegative=True)
        self.x, self.y = sp.IndexedBase("x", shape=(self.n,)), sp.IndexedBase("y", shape=(self.m,))
        self.eps = sp.Symbol("eps", positive=True)

    def total(self, body: Any, k: Any, size: Any) -> Any:
        return self.sp.Sum(body, (k, 0, size - 1))


TRAPS: dict[str, tuple[Callable[[SymPy], Any], Callable[..., Any]]] = {
    "a factor is kept": (lambda s: s.x[s.i] / s.eps, lambda x, eps: x / eps),
    "the size is kept": (lambda s: s.x[s.i] / (s.eps * s.sp.sqrt(s.n)), lambda x, eps: x / (eps * 5**0.5)),
    "the denominator is kept": (lambda s: s.sp.exp(s.x[s.i]) / s.total(s.sp.exp(s.x[s.l]), s.l, s.n),
                                lambda x: np.exp(x) / np.exp(x).sum()),
    "a shift is kept": (lambda s: s.sp.Sum(s.x[s.i + 1] * s.x[s.i], (s.i, 0, s.n - 2)),
                        lambda x: (x[1:] * x[:-1]).sum()),
    "bound and free of one name": (lambda s: s.total(s.x[s.i] * s.y[s.j], s.i, s.n) * s.x[s.i],
                                   lambda x, y: np.outer(y * x.sum(), x)),
    "nested sums": (lambda s: s.total(s.sp.exp(s.total(s.x[s.i] * s.y[s.j], s.i, s.n)), s.j, s.m),
                    lambda x, y: np.exp(x.sum() * y).sum()),
    "nested sums of one dummy name": (
        lambda s: s.total(s.x[(a := s.sp.Dummy("k"))] * s.total(s.y[(b := s.sp.Dummy("k"))] ** 2, b, s.m), a, s.n),
        lambda x, y: x.sum() * (y**2).sum()),
    "a delta of unequal sizes": (lambda s: s.total(s.sp.KroneckerDelta(s.i, s.j) * s.x[s.i], s.i, s.n) * s.y[s.j],
                                 lambda x, y: np.concatenate([x, [0, 0]]) * y),
    "a running sum": (lambda s: s.sp.Sum(s.x[s.j], (s.j, 0, s.i)) * s.x[s.i], lambda x: x.cumsum() * x),
    "cases": (lambda s: s.sp.Piecewise((s.x[s.i], s.x[s.i] > 0), (0, True)), lambda x: x.clip(0)),
    "a product": (lambda s: s.sp.Product(s.x[s.j], (s.j, 0, s.n - 1)), lambda x: x.prod()),
    "a double sum": (lambda s: s.sp.Sum(s.x[s.i] * s.y[s.j], (s.i, 0, s.n - 1), (s.j, 0, s.m - 1)),
                     lambda x, y: x.sum() * y.sum()),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAPS)
def test_sympy_input(name: str) -> None:
    make, reference = TRAPS[name]
    kernel = compile(make(SymPy()), backend="numpy")
    inputs = values(kernel)
    wanted, got = reference(**inputs), kernel(**inputs)
    wanted = wanted.T if np.shape(wanted) != np.shape(got) else wanted
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_sympy_input_that_is_not_clear_is_refused() -> None:
    s = SymPy()
    sp = s.sp
    other = sp.IndexedBase("x", shape=(s.n,), positive=True)
    for tree, said in (
        (s.x[s.i + 1], "range of the index i is unknown"),
        (sp.IndexedBase("z")[s.i], "IndexedBase z has no shape"),
        (sp.Function("f")(s.x[s.i]), "f(x[i]) is not part of the notation"),
        (s.x[s.i] + s.y[s.i], "the index i runs over"),
        (s.x[s.i] + other[s.i], "two different SymPy symbols are called x"),
        (0.5 * s.x[s.i], "0.5"),
    ):  # fmt: skip
        refused(dltsym.DltsymError, said, lambda tree=tree: compile(tree))


def test_sympy_assumptions_are_facts() -> None:
    import sympy as sp

    n = sp.Symbol("n", integer=True, positive=True)
    b, k = sp.IndexedBase("b", shape=(n,), nonnegative=True), sp.IndexedBase("k", shape=(n,), integer=True)
    i = sp.Symbol("i", integer=True)
    kernel = compile(sp.log(sp.Sum(b[i], (i, 0, n - 1))) * k[0])
    found = {a.name: a for a in kernel.arguments.inputs}
    assert found["b"].lo == 0
    assert found["k"].entries == "integer"
