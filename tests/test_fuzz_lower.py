"""Random expressions through the whole compiler, and every expression that it was once wrong about.

500 examples in the ``ci`` profile, the same in every run, and 100 otherwise. A failure is made smaller and shown as a
line for `lower_regressions`. ``python tests/fuzz_lower.py 20000`` runs many more.
"""

import os

import pytest
import torch
from fuzz_lower import check, label, minimal, streamed
from fuzz_lower_case import Random, case_of, line_of
from fuzz_lower_terms import Terms
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lower_regressions import REGRESSIONS

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when triton is first imported
EXAMPLES = 500 if settings().derandomize else 100


@settings(max_examples=EXAMPLES, phases=(Phase.reuse, Phase.generate), deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_random_expressions(seed: int) -> None:
    case = Terms(Random(seed)).draw()
    wrong = label(case)
    if wrong is not None:
        small = minimal(case, wrong[0])
        pytest.fail(f"seed {seed}: {wrong[0]}\n{line_of(small)}\n{(label(small) or wrong)[1]}")


@settings(max_examples=EXAMPLES // 5, phases=(Phase.reuse, Phase.generate), deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_random_streaming_kernels(seed: int) -> None:
    pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")
    wrong = label(Terms(Random(seed)).draw(), streamed)
    assert wrong is None, f"seed {seed}: {wrong}"


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regressions(name: str) -> None:
    check(case_of(*REGRESSIONS[name]))
