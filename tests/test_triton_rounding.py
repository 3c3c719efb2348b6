"""Streaming triton kernels against their own arithmetic, row by row: float32, float16, float64, extreme data."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when triton is first imported
pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

from lower_cases import ROWS
from lower_rows import Row
from rounding_runs import Run, judged

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.skipif(torch.cuda.is_available(), reason="the rows draw their inputs on the CPU"),
]
STREAMED = [r for r in ROWS.values() if 1 <= int(r.name.split()[0][1:]) <= 10]
SIZES = {"n": 5, "m": 70, "d": 8, "c": 3, "batch": 2}  # the last block of the streamed axis is not full
DATA = [("own", 1.0), ("positive", 3.0), ("heavy", 30.0), ("offset", 1.0)]


def run_of(row: Row, dtype: str, kind: str, scale: float, sizes: dict[str, int]) -> Run:
    return Run(row.name, "triton", dtype, "float32", kind, scale, {k: sizes[k] for k in row.small}, 7)


@pytest.mark.parametrize("row", STREAMED, ids=lambda r: r.name)
def test_streams_stay_within_bound_and_deviations(row: Row) -> None:
    kernel = row.kernel(backend="triton")
    for dtype in ("float32", "float16", "float64"):
        for kind, scale in DATA if dtype == "float16" else DATA[:2]:
            found = judged(run_of(row, dtype, kind, scale, SIZES), kernel)
            assert found.entries > found.unjudged, f"{dtype} {kind}: {found}"
            assert not found.alarms, f"{dtype} {kind}: {found}"
            assert not found.violations, f"{dtype} {kind}: {found}"
    one = judged(run_of(row, "float16", "normal", 1.0, dict.fromkeys(SIZES, 1)), kernel)
    assert not one.alarms + one.violations, str(one)


@pytest.mark.parametrize("number", ["A4", "A9"])
def test_half_precision_is_judged_as_it_is_computed(number: str) -> None:
    # In float32 but for the weights: the model of a kernel that stores everything in half would be 50 times as wide.
    row = next(r for r in STREAMED if r.name.startswith(number))
    given = row.tensors(row.drawn(1, {k: SIZES[k] for k in row.small}), torch.float16)
    kernel = row.kernel()
    streamed = kernel.to("triton")
    result = kernel.check(streamed, **given)
    assert result.passed
    assert 0.2 < result.rms_z < 1
    narrow = np.mean(streamed.sigma("float16", **given) / row.kernel(acc="native").sigma("float16", **given))
    assert narrow < 0.7


def at(row: str, dtype: str, kind: str, scale: float, seed: int, **sizes: int) -> Run:
    return Run(row, "triton", dtype, "float32", kind, scale, sizes, seed)


ONCE = {
    "a log-sum-exp carries the rounding of its shift": at("A2 log-softmax", "float32", "offset", 30.0, 1417, n=4, m=3),
    "the same in half": at("A2 log-softmax", "float16", "offset", 30.0, 1193, n=5, m=5),
    "weights that sum to 1": at("A3 attention weights", "float32", "normal", 30.0, 2353, n=3, m=4, d=100),
    "a product in half": at("A30 chain of matrices", "float16", "own", 0.1, 42, n=1, p=7, w=7, r=11, m=5),
    "one term": at("A30 chain of matrices", "float64", "positive", 0.1, 175, n=11, p=1, w=1, r=1, m=4),
}


@pytest.mark.parametrize("run", ONCE.values(), ids=ONCE)
def test_runs_that_once_passed_the_bound(run: Run) -> None:
    found = judged(run, ROWS[run.row].kernel(backend="triton"))
    assert found.entries
    assert not found.alarms + found.violations, str(found)
