"""Random expressions through the whole compiler, and every expression that it was once wrong about.

500 examples in the ``ci`` profile, the same in every run, and 100 otherwise. A failure is made smaller and shown as a
line for `lower_regressions`. ``python tests/fuzz_lower.py 20000`` runs many more.
"""

import os
from collections import Counter

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


def test_random_expressions() -> None:
    tally: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES, phases=(Phase.reuse, Phase.generate), deadline=None)
    @given(st.integers(0, 2**64 - 1))
    def run(seed: int) -> None:
        tally["cases"] += 1
        case = Terms(Random(seed)).draw()
        wrong = label(case, tally=tally)
        if wrong is not None:
            small = minimal(case, wrong[0])
            pytest.fail(f"seed {seed}: {wrong[0]}\n{line_of(small)}\n{(label(small) or wrong)[1]}")

    run()
    # A case that could not be judged has not passed: most are.
    assert tally["translation"] >= 0.9 * tally["cases"], tally
    assert tally["numbers"] >= 0.9 * tally["cases"], tally
    assert tally["gradient"] >= 0.8 * tally["cases"], tally


def test_random_streaming_kernels() -> None:
    pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")
    tally: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES // 5, phases=(Phase.reuse, Phase.generate), deadline=None)
    @given(st.integers(0, 2**64 - 1))
    def run(seed: int) -> None:
        tally["cases"] += 1
        wrong = label(Terms(Random(seed)).draw(), streamed, tally)
        assert wrong is None, f"seed {seed}: {wrong}"

    run()
    assert tally["streamed"] >= 0.1 * tally["cases"], tally


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regressions(name: str) -> None:
    check(case_of(*REGRESSIONS[name]))
