"""The pytest plugin: the marker ``gpu``, and one reason for all tests that it skips. It imports nothing heavy."""

from __future__ import annotations

from functools import lru_cache

import pytest

OURS = "needs an accelerator that Triton can use"
MARKER = f"gpu: {OURS}; skipped with the date of the last run where there is none"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, unless the project has one of that name for itself: its tests are its own business then.

    Parameters
    ----------
    config : Config
        Settings of the run.
    """
    if not of_another(config):
        config.addinivalue_line("markers", MARKER)


def of_another(config: pytest.Config) -> bool:
    """Tell whether the project has a marker of the same name that means something else.

    Parameters
    ----------
    config : Config
        Settings of the run.

    Returns
    -------
    bool
    """
    found = (line.partition(":") for line in config.getini("markers"))
    return any(name.strip() == "gpu" and not said.strip().startswith(OURS) for name, _, said in found)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``gpu`` where there is no device.

    Parameters
    ----------
    item : Item
        Test.
    """
    if not of_another(item.config) and item.get_closest_marker("gpu") and (reason := without_device()):
        pytest.skip(reason)


@lru_cache(maxsize=1)
def without_device() -> str:
    """Return why there is no device, with what the last run on one covers; nothing if there is one.

    Returns
    -------
    str
    """
    from importlib.util import find_spec

    if find_spec("torch") is None:
        return "torch is not installed; pip install dltsym[gpu]"
    import torch

    if torch.cuda.is_available():
        return ""
    from dltsym.oracle import labels

    return labels.without_device()
