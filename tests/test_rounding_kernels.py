"""Compiled kernels of every type stay within the bound and the six deviations, in torch and numpy, against balls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from lower_cases import ROWS as TABLE
from lower_rows import Row
from rounding_sim import Array, Build, I, J, K, Sim, bounds, ratio

from dltsym import Scope, exp, log
from dltsym.lower.compiler import compile as lower
from dltsym.lower.interpret.model import F32, MODELS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
ROWS = tuple(TABLE.values())
THROUGHOUT = [r for r in ROWS if r.name.split()[0] in ("A3", "A4", "A9", "A12", "A25", "A28", "A32")]
TYPES = {
    "float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16,
}  # fmt: skip


def tensors(inputs: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """Round the real arrays of a kernel to a type."""
    made = {k: torch.as_tensor(x) if isinstance(x, np.ndarray) else x for k, x in inputs.items()}
    real = {k for k, x in made.items() if isinstance(x, torch.Tensor) and x.is_floating_point()}
    return {k: x.to(dtype) if k in real else x for k, x in made.items()}


def arrays(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tensors hold, in float64."""
    made = {k: x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x for k, x in inputs.items()}
    return {k: x.numpy() if isinstance(x, torch.Tensor) else x for k, x in made.items()}


def results(value: Any) -> list[Any]:
    """List one result or several."""
    return list(value.values()) if isinstance(value, dict) else [value]


def hold(kernel: Any, inputs: Mapping[str, Any], name: str) -> None:
    """Hold a kernel of one type against the balls."""
    known = arrays(inputs)
    given = inputs if kernel.backend == "torch" else {
        k: x.numpy() if isinstance(x, torch.Tensor) else x for k, x in inputs.items()
    }  # fmt: skip
    got, balls = results(kernel(**given)), results(kernel.oracle(**known))
    worst, typical = results(kernel.bound(name, **known)), results(kernel.sigma(name, **known))
    for value, ball, bound, deviation in zip(got, balls, worst, typical, strict=True):
        value = value.double().numpy() if isinstance(value, torch.Tensor) else np.asarray(value, float)
        error = np.abs(np.asarray(ball.error(value), float))
        assert np.isfinite(bound).mean() > 0.9
        assert (error <= bound).all()
        model = MODELS[name]
        assert (error <= 6 * deviation + model.u * np.abs(value) + model.eta).all()


@pytest.mark.parametrize("backend", ["torch", "numpy"])
@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_rows_of_the_acceptance_table(row: Row, backend: str) -> None:
    inputs = row.inputs(np.random.default_rng(11), row.small)
    kernel = row.kernel()
    kernel = kernel if backend == "torch" else kernel.to("numpy")
    for name, dtype in TYPES.items():
        if backend == "torch" or name == "float32":
            hold(kernel, tensors(inputs, dtype), name)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("row", THROUGHOUT,
                         ids=lambda r: r.name)  # fmt: skip
def test_half_precision_throughout(row: Row, name: str) -> None:
    if row.name.startswith("A12") and name == "bfloat16":
        # Twenty rounds in bfloat16 throughout: the worst case passes 100 %, and nothing is promised.
        inputs = arrays(tensors(row.inputs(np.random.default_rng(12), row.small), torch.bfloat16))
        assert np.isinf(results(row.kernel(acc="native").bound(name, **inputs))[0]).all()
        return
    kernel = row.kernel(acc="native")
    hold(kernel, tensors(row.inputs(np.random.default_rng(12), row.small), TYPES[name]), name)


def test_fused_attention() -> None:
    v = Scope()
    n, m, d, e = (v.count(c) for c in "nmde")
    q, k, w = v.array("Q", (n, d)), v.array("K", (m, d)), v.array("V", (m, e))
    i, c = v.index("i", n), v.index("c", e)

    def s(j: Any) -> Any:
        return v.sum(lambda l: q[i, l] * k[j, l], d) / 3  # noqa: E741

    kernel = lower(v.sum(lambda j: exp(s(j)) * w[j, c], m) / v.sum(lambda j: exp(s(j)), m), "i c", cells=("sdpa",))
    assert "scaled_dot_product_attention" in kernel.source
    rng = np.random.default_rng(13)
    shapes = {"Q": (6, 8), "K": (40, 8), "V": (40, 3)}
    inputs = {name: rng.standard_normal(shape) * 2 for name, shape in shapes.items()}
    for name, dtype in TYPES.items():
        hold(kernel, tensors(inputs, dtype), name)


def test_logarithmic_product() -> None:
    v = Scope()
    n, m, d = (v.count(c) for c in "nmd")
    x, y = v.array("x", (n, m)), v.array("y", (m, d))
    i, k = v.index("i", n), v.index("k", d)
    kernel = lower(log(v.sum(lambda j: exp(x[i, j] + y[j, k]), m)), "i k", cells=("logmm",))
    assert "_logmm" in kernel.source
    rng = np.random.default_rng(14)
    inputs = {"x": rng.standard_normal((5, 7)) * 3, "y": rng.standard_normal((7, 4)) * 3}
    for name, dtype in TYPES.items():
        hold(kernel, tensors(inputs, dtype), name)


def test_squared_distances_by_a_product_lose_what_the_bound_says() -> None:
    rng = np.random.default_rng(15)
    x = (rng.standard_normal((200, 5, 8)) + 100).astype(np.float32)
    y = (rng.standard_normal((200, 6, 8)) + 100).astype(np.float32)
    x[:, 0] = y[:, 0]
    c = x.mean(1, keepdims=True)
    p, q = x - c, y - c
    got = (p**2).sum(-1)[..., None] + (q**2).sum(-1)[:, None] - 2 * (p @ q.swapaxes(-1, -2))
    got = np.maximum(got, 0)
    exact = ((x.astype(float)[:, :, None] - y.astype(float)[:, None]) ** 2).sum(-1)
    b = Build()
    node = b.table.bind("sqdist", (b.ref("x_ik"), b.ref("y_jk")), (K,))
    _, e = bounds(b, node, {"x_ik": x.astype(float), "y_jk": y.astype(float)}, F32)
    assert ratio(got.astype(float), exact, e).max() <= 1
    assert ratio(got.astype(float), exact, e).max() > 0.005
    assert node.axes == {I, J}
    assert Sim(F32, rng).r(np.ones(1)) == 1


def test_equal_bounds_for_equal_programs() -> None:
    row = next(r for r in ROWS if r.name.startswith("A4"))
    inputs = row.inputs(np.random.default_rng(16), row.small)
    first, second = (row.kernel().bound("float32", **inputs) for _ in range(2))
    assert isinstance(first, np.ndarray)
    both: list[Array] = [first, second]
    assert np.array_equal(*both)
