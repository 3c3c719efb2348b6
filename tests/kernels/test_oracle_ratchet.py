"""The records of our own kernels on this platform: none may become worse unnoticed.

``DLTSYM_UPDATE_RATCHET=1 pytest tests/kernels/test_oracle_ratchet.py`` writes what is measured now, for a commit of its
own.
"""

import os
from pathlib import Path

import pytest

from dltsym import kernels
from dltsym.implementation import Case, implementation_of
from dltsym.oracle import ratchet
from dltsym.oracle.adapters import candidate
from dltsym.oracle.run import check
from dltsym.oracle.statement import spec_of

HERE = Path(__file__).parent
UPDATE = os.environ.get("DLTSYM_UPDATE_RATCHET") == "1"
LARGEST = 20_000
"""Product of sizes and batches of a case that is measured."""


def _work(case: Case) -> int:
    out = 1
    for size in (*case.sizes.values(), *(b for lead in case.batch.values() for b in lead)):
        out *= size
    return out


def _ordinary(cases: tuple[Case, ...]) -> list[Case]:
    small = [c for c in cases if _work(c) <= LARGEST and all(s > 1 for s in c.sizes.values())]
    return sorted(small or sorted(cases, key=_work)[:1], key=lambda c: (len(c.values), -_work(c)))[:1]


@pytest.mark.parametrize("name", sorted(kernels.everything()))
def test_no_kernel_became_worse(name: str) -> None:
    function = kernels.everything()[name]
    told = implementation_of(function)
    assert told is not None
    spec = spec_of(told.key)
    options = {"relations": False, "canaries": False, "selftest": False}
    report = check(spec, candidate(function, spec), dtypes=("f32",), cases=_ordinary(told.cases), **options)
    assert report.exit_code in (0, 3), report.table()
    path = HERE / "ratchet" / f"{ratchet.platform_name(report.environment)}.json"
    if not UPDATE and not path.exists():
        pytest.skip(f"no records of this platform, {path.stem}")
    assert ratchet.held_against(report, HERE / "ratchet", update=UPDATE) == []
