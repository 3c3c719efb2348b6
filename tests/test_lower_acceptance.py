"""Every row of the compiler's acceptance table: values, balls, gradients, batches, extremes (times: `bench_lower`)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from lower_cases import ROWS
from lower_rows import Row, gap

EVERY = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
SMOOTH = [r for r in ROWS.values() if r.smooth]
SINGLE = [r for r in ROWS.values() if "batch" not in r.small]  # the oracle takes no batches; A4 is the same expression
DOUBLE = torch.float64


def many(results: Any) -> dict[str, Any]:
    """Return several results by name, one as the only entry."""
    return results if isinstance(results, dict) else {"value": results}


@EVERY
def test_values(row: Row) -> None:
    kernel, twin = row.kernel(), row.kernel(backend="numpy")
    for seed in range(2):
        inputs = row.drawn(seed)
        got, want = many(kernel(**row.tensors(inputs, DOUBLE))), many(row.reference(**row.tensors(inputs, DOUBLE)))
        arrays = many(twin(**inputs))
        assert got.keys() == want.keys() == arrays.keys()
        for name in got:
            assert gap(got[name], want[name]) <= 1e-12
            assert gap(arrays[name], got[name]) <= 1e-12


@EVERY
def test_translation_is_valid(row: Row) -> None:
    outcome = row.kernel().validate(trials=1)
    assert outcome.ok, str(outcome)


@pytest.mark.parametrize("row", SINGLE, ids=[r.name for r in SINGLE])
def test_float32_is_within_its_own_bound(row: Row) -> None:
    kernel = row.kernel()
    values = row.tensors(row.drawn(), torch.float32)
    outcome = kernel.check(kernel, **values)
    assert outcome.passed, str(outcome)


@EVERY
def test_extremes(row: Row) -> None:
    for demand in row.demands:
        demand(row)


@pytest.mark.parametrize("row", SMOOTH, ids=[r.name for r in SMOOTH])
def test_gradients(row: Row) -> None:
    kernel = row.kernel()
    values = row.tensors(row.drawn(), DOUBLE, grad=True)
    asked = {k: x for k, x in values.items() if isinstance(x, torch.Tensor) and x.requires_grad}

    def run(*some: Any) -> Any:
        out = many(kernel(**{**values, **dict(zip(asked, some, strict=True))}))
        return tuple(out.values())

    assert torch.autograd.gradcheck(run, tuple(asked.values()), check_undefined_grad=False)


@EVERY
def test_batches_are_stacks(row: Row) -> None:
    kernel = row.kernel()
    single = [row.tensors(row.drawn(seed), DOUBLE) for seed in range(3)]
    arrays = [k for k, x in single[0].items() if isinstance(x, torch.Tensor)]
    stacked = {**single[0], **{k: torch.stack([s[k] for s in single]) for k in arrays}}
    got = many(kernel(**stacked))
    for name, out in got.items():
        want = torch.stack([many(kernel(**s))[name] for s in single])
        assert gap(out, want) <= 1e-12


@EVERY
def test_the_source_is_the_same_every_time(row: Row) -> None:
    assert row.kernel().source == row.kernel().source
