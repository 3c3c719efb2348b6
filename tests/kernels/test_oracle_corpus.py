"""The worst inputs that searches have found are run on every kernel of their theorem, always.

``DLTSYM_SEARCH=5 pytest tests/kernels/test_oracle_corpus.py`` searches for so many seconds with each kernel's twin.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dltsym import kernels
from dltsym.implementation import Implementation, implementation_of
from dltsym.oracle import corpus
from dltsym.oracle.adapters import candidate
from dltsym.oracle.run import judge
from dltsym.oracle.search import search
from dltsym.oracle.statement import Statement, spec_of

FOLDER = Path(__file__).parent / "corpus"
SECONDS = float(os.environ.get("DLTSYM_SEARCH", "0"))
KERNELS = kernels.everything()


def _told(name: str) -> Implementation:
    told = implementation_of(KERNELS[name])
    assert told is not None
    return told


def _searched(told: Implementation, spec: Statement) -> None:
    """Search with the plain twin, which takes many inputs at once."""
    twin: Any = candidate(told.reference, spec, told=replace(told, backend="torch"))
    small = min(told.cases, key=lambda c: (len(c.batch), len(c.values), sum(c.sizes.values())))
    worst = search(spec, twin, "float32", SECONDS, case=replace(small, batch={}, dtypes=()))
    if worst is not None and worst.ratio > 0:
        corpus.save(FOLDER, spec, worst.prepared, worst.ratio)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_kernels_pass_on_the_worst_inputs(name: str) -> None:
    told = _told(name)
    kept = [path for path in FOLDER.glob("*.npz") if path.name.startswith(f"{told.key}-")]
    if not kept and not SECONDS:
        return  # nothing was found for this theorem so far
    spec = spec_of(told.key)
    if SECONDS and told.reference is not None:
        _searched(told, spec)
    own = candidate(KERNELS[name], spec)
    results = [judge(spec, own, p) for p in corpus.prepared(FOLDER, spec, "float32", own.arithmetic("float32"))]
    assert {r.verdict for r in results} <= {"pass", "ill"}, [r.message for r in results]
