"""Kernels on a device, at sizes that the interpreter cannot reach; the full run is `gpu_run.py`."""

import gpu_check
import pytest

from dltsym import kernels

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", kernels.everything())
def test_large_calls_agree_with_the_twin_and_repeat_bit_for_bit(name: str) -> None:
    failed = [row for row in gpu_check.large(name, kernels.everything()[name], "cuda", tiny=False) if not row["passed"]]
    assert failed == []
