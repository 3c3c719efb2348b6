"""Settings of every kernel test: Triton's interpreter where there is no device, repaired, and watched."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small products are 100 times slower with two
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when triton is first imported

collect_ignore_glob = [] if find_spec("triton") else ["gpu_*.py", "test_gpu.py", "quick.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a device where there is none, and say what the last run on one covers."""
    from dltsym.oracle import labels

    if not torch.cuda.is_available():
        reason = labels.without_device()
    elif os.environ.get("TRITON_INTERPRET") == "1":
        reason = "TRITON_INTERPRET=1 is set: nothing would run on the device"
    else:
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def watched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every test in the repaired interpreter under the sanitizer, unless it is marked ``unwatched``."""
    if os.environ.get("TRITON_INTERPRET") != "1":
        yield
        return
    pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")
    from dltsym.oracle import interpreter, sanitizer

    interpreter.install()
    if request.node.get_closest_marker("unwatched"):
        yield
        return
    with sanitizer.watch():
        yield
