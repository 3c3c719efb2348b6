"""What is written down of the kernels: which cases each type sees, and what a check of one kernel says."""

import pytest

pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

import quick

from dltsym import kernels
from dltsym.implementation import DTYPES, Case, implementation_of
from dltsym.oracle import evidence

TYPES = tuple(DTYPES.values())


def test_cases_are_shared_out_and_none_is_lost() -> None:
    for name, function in kernels.everything().items():
        told = implementation_of(function)
        assert told is not None
        shared = evidence.shared_out(told.cases, told.dtypes)
        assert [c.name for c in shared] == [c.name for c in told.cases], name
        assert all(c.dtypes for c in shared), name
        seen = {d: sum(d in c.dtypes for c in shared) for d in told.dtypes}
        assert min(seen.values()) >= min(3, len(shared)), name
        assert seen["float32"] >= sum(not c.dtypes for c in told.cases), name


def test_the_quick_check_names_cases_of_every_kernel() -> None:
    """A case that was renamed would be left out in silence; the table may not miss a new kernel."""
    assert set(quick.QUICK) == set(kernels.everything())
    for name, function in kernels.everything().items():
        told = implementation_of(function)
        assert told is not None
        found = quick.cases_of(name, told, True)
        assert {c.name for c in found} == set(quick.QUICK[name])
        assert all(b <= quick.BATCH for c in found for shape in c.batch.values() for b in shape)
    assert set(quick.LONGEST) <= set(quick.QUICK)


def test_the_quick_check_fails_where_something_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quick.QUICK, "kl_inverse.kl_inverse", ("whole risk",))  # there is no gradient by the risk
    ok, text = quick.run("kl_inverse.kl_inverse", ["bf16"], True, 0)
    assert not ok
    assert " ill " in text


def test_a_case_of_one_type_stays_in_it() -> None:
    cases = [Case(str(k), {"n": 1}, dtypes=("f64",)) for k in range(6)]
    assert {c.dtypes for c in evidence.shared_out(cases, TYPES)} <= {("float64",), ("f64",)}


def test_a_kernel_passes_and_counts_what_was_run() -> None:
    found = evidence.interpret(kernels.everything()["bpd.token_sums"], full=False)
    assert found["verdict"] == "pass", found["faults"]
    assert found["dtypes"] == list(TYPES)
    assert (found["cases"], found["faults"]) == (12, [])
    assert found["launches"] >= 12
