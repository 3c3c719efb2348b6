"""Doubting a kernel with questions that cannot be answered: each is one clear error, never a pass."""

from typing import Any

import numpy as np
import pytest

from dltsym import DomainError, Scope, ShapeError, compile, exp, log
from dltsym.lower.checks.validate import Validation


@pytest.fixture(scope="module")
def total() -> Any:
    v = Scope()
    m = v.count("m")
    x = v.array("x", m)
    return compile(log(v.sum(lambda j: exp(x[j]), m)), backend="numpy", name="total")


def test_no_trial_is_no_validation(total: Any) -> None:
    with pytest.raises(DomainError, match="at least one trial"):
        total.validate(trials=0)


def test_a_validation_without_an_entry_is_no_pass() -> None:
    empty = Validation(trials=2, entries=0, undecided=2, z_max=0.0, problems=())
    assert not empty.ok
    assert "2 undecided" in str(empty)
    assert "nothing could be compared" in str(empty)


@pytest.mark.parametrize("other", [3, None, lambda **_: None, lambda **_: {}])
def test_what_returns_no_numbers_is_not_judged(total: Any, other: Any) -> None:
    with pytest.raises(DomainError):
        total.check(other, x=np.ones(4))


@pytest.mark.parametrize("typical", [{"k": 3}, {"m": 0}, {"m": -1}, {"m": 2.5}])
def test_typical_sizes_exist_and_are_positive(typical: Any) -> None:
    v = Scope()
    x, m = v.array("x", v.count("m")), v.symbols["m"]
    with pytest.raises(ShapeError, match="typical"):
        compile(v.sum(lambda j: x[j], m), typical=typical)
