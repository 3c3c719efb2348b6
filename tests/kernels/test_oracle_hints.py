"""Explanations fit what they explain, and nothing else: no hint for noise, no contract for a wrong formula."""

from typing import Any

import numpy as np
import pytest
import torch
from oracle_subjects import BAD, candidate, right, softmax_average

from dltsym.implementation import Case
from dltsym.oracle.hints import _patterns
from dltsym.oracle.run import check

CASES = (Case("odd", {"n": 21, "m": 34}, {"": (2,)}, seed=2), Case("square", {"n": 16, "m": 16}, seed=3))
PLAIN = {"relations": False, "canaries": False, "selftest": False}


def told(function: Any, dtype: str = "f32") -> str:
    """Return the report of a check, which has to fail."""
    report = check(softmax_average(), candidate(function), dtypes=(dtype,), cases=CASES, **PLAIN)
    assert report.exit_code == 1, report.table()
    return report.table()


def changed(output: str, change: Any) -> Any:
    """Return the right candidate with one output changed."""
    return lambda x, w: (good := right(x, w)) | {output: change(good[output], x)}


@pytest.mark.parametrize(
    ("output", "change", "words"),
    [
        ("lse", lambda y, x: y / 0.6931471805599453, "base 2"),
        ("lse", lambda y, x: -y, "sign"),
        ("y", lambda y, x: y / x.shape[-1], "expected / m"),
        ("y", lambda y, x: y * x.shape[-1] ** 0.5, "sqrt(m)"),
        ("y", lambda y, x: y * (x.shape[-1] / (x.shape[-1] - 1)), "sample variance"),
        ("p", lambda y, x: y.mT.reshape(y.shape), "exchanged"),
        ("lse", lambda y, x: y.roll(1, -1), "shifted by 1"),
        ("lse", lambda y, x: torch.zeros_like(y), "all entries are 0"),
        ("lse", lambda y, x: torch.where(torch.arange(y.shape[-1]) > 13, torch.nan, y), "nan"),
        ("lse", lambda y, x: y[..., None], "shape"),
        ("lse", lambda y, x: y + 300, "expected + 300"),
    ],
)
def test_a_known_mistake_is_named(output: str, change: Any, words: str) -> None:
    table = told(changed(output, change))
    assert words in next(line for line in table.splitlines() if line.startswith(f"hint: {output}")), table


@pytest.mark.parametrize("name", ["log2e with six digits", "denominator * 1.0005"])
def test_a_systematic_error_is_explained_by_no_contract(name: str) -> None:
    assert "explained by no contract" in told(BAD[name])


def test_equal_entries_are_no_offset() -> None:
    rng = np.random.default_rng(0)
    assert list(_patterns(np.full(8, 0.7), 1e-6 * rng.random(8))) == []
    true = rng.random(8)
    assert list(_patterns(true + 0.7, true)) == ["got = expected + 0.7 everywhere"]


def test_noise_has_no_hint() -> None:
    torch.manual_seed(0)
    table = told(
        changed("y", lambda y, x: y * (1 + 0.03 * torch.randn(y.shape, generator=torch.Generator().manual_seed(1))))
    )
    assert "hint" not in table


def test_an_entry_that_happens_to_be_off_is_no_lost_tail() -> None:
    def spoilt(y: Any, x: Any, last: int) -> Any:
        y = y * 1.005
        y[..., -last:] *= 1.02 if last > 1 else torch.linspace(1.0, 1.02, y[..., -1:].numel()).view(y[..., -1:].shape)
        return y

    assert "last block" not in told(changed("lse", lambda y, x: spoilt(y, x, 1)))
    assert "last block" in told(changed("lse", lambda y, x: spoilt(y / 1.005, x, 4)))


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
def test_weights_in_half_precision_are_diagnosed(low: torch.dtype) -> None:
    def half(x: Any, w: Any) -> Any:
        p = torch.softmax(x, -1).to(low).to(x.dtype)
        return right(x, w) | {"y": (p * w.unsqueeze(-2)).sum(-1)}

    table = told(half)
    same = "tf32 dot operands" in table and low is torch.float16  # both keep 11 bits
    assert same or f"P cast to {str(low).removeprefix('torch.')}" in table
