"""The one rule that chooses between a Triton kernel and its plain torch twin."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dltsym.errors import UnknownKey, UnsupportedError, suggest

if TYPE_CHECKING:
    import torch

BACKENDS = ("auto", "triton", "torch")


def interpreted() -> bool:
    """Tell whether Triton's interpreter is asked for; it is read once, when triton is first imported.

    Returns
    -------
    bool
    """
    return os.environ.get("TRITON_INTERPRET") == "1"


def chosen(backend: str, *tensors: torch.Tensor | None) -> str:
    """Choose what runs: Triton for tensors on an accelerator, the torch twin on the CPU, unless one is asked for.

    Parameters
    ----------
    backend : {"auto", "triton", "torch"}
        What the caller asks for.
    *tensors : Tensor or None
        Arguments.

    Returns
    -------
    {"triton", "torch"}

    Raises
    ------
    UnknownKey
        For an unknown backend.
    UnsupportedError
        When Triton is asked for and cannot run: not installed, or the tensors are on the CPU outside its interpreter.
    """
    if backend not in BACKENDS:
        raise UnknownKey(f"no backend {backend!r}; there are {', '.join(BACKENDS)}{suggest(backend, BACKENDS)}")
    on_cpu = all(t is None or t.device.type == "cpu" for t in tensors)
    if backend == "auto":
        return "torch" if on_cpu or find_spec("triton") is None else "triton"
    if backend == "triton":
        if find_spec("triton") is None:
            raise UnsupportedError("triton is not installed; pip install dltsym[gpu]")
        if on_cpu and not interpreted():
            raise UnsupportedError(
                "triton needs tensors on an accelerator; on the CPU set TRITON_INTERPRET=1 before triton is imported"
            )
    return backend


def torch_module() -> Any:
    """Return torch, or say which extra brings it.

    Returns
    -------
    module

    Raises
    ------
    UnsupportedError
        When torch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise UnsupportedError("torch is not installed; pip install dltsym[torch]") from None
    return torch
