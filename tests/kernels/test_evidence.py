"""What is written down of the kernels: which cases each type sees, and what a check of one kernel says."""

import pytest

pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

from dltsym import kernels
from dltsym.implementation import DTYPES, Case, implementation_of
from dltsym.oracle import evidence

TYPES = tuple(DTYPES.values())


def test_cases_are_shared_out_and_none_is_lost() -> None:
    for name, function in kernels.everything().items():
        told = implementation_of(function)
        shared = evidence.shared_out(told.cases, told.dtypes)
        assert [c.name for c in shared] == [c.name for c in told.cases], name
        assert all(c.dtypes for c in shared), name
        seen = {d: sum(d in c.dtypes for c in shared) for d in told.dtypes}
        assert min(seen.values()) >= min(3, len(shared)), name
        assert seen["float32"] >= sum(not c.dtypes for c in told.cases), name


def test_a_case_of_one_type_stays_in_it() -> None:
    cases = [Case(str(k), {"n": 1}, dtypes=("f64",)) for k in range(6)]
    assert {c.dtypes for c in evidence.shared_out(cases, TYPES)} <= {("float64",), ("f64",)}


def test_a_kernel_passes_and_counts_what_was_run() -> None:
    found = evidence.interpret(kernels.everything()["bpd.token_sums"], full=False)
    assert found["verdict"] == "pass", found["faults"]
    assert found["dtypes"] == list(TYPES)
    assert (found["cases"], found["faults"]) == (12, [])
    assert found["launches"] >= 12
