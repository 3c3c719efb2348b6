"""Compiles the launches of a family's example calls for hardware that need not be there; run as a program.

``python -m dltsym.oracle.compile_worker MODULE CAPABILITY SECONDS NAME...`` prints one JSON line with the names of all
variants, one when a variant starts and one when it is done. It is a process of its own, because whether Triton
interprets is settled when kernels are imported.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

INSTRUCTIONS = {
    "wgmma": r"wgmma\.mma_async",
    "mma": r"(?<!w)\bmma\.sync",
    "cp_async": r"cp\.async\.c[ag]",
    "ex2": r"ex2\.approx",
    "wide_loads": r"(?:ld\.global|cp\.async\.c[ag])[^;]*?(?:\.v4\.b32|\.v2\.b64|, 0x10|, 16)\b",
    "shuffles": r"shfl\.sync",
}
"""What is counted in the PTX."""


class _Device:
    """Stands for the driver of a device with the given compute capability."""

    def __init__(self, capability: int) -> None:
        from triton.backends.compiler import GPUTarget

        self._target = GPUTarget("cuda", capability, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_current_target(self) -> Any:
        return self._target


def capture(capability: int) -> list[tuple[str, Any]]:
    """Let launches compile and do nothing else.

    Parameters
    ----------
    capability : int
        Compute capability times ten.

    Returns
    -------
    list
        Filled with the name of every kernel launched from now on, and what the compiler made of it.
    """
    import triton
    from triton.runtime import jit

    triton.runtime.driver.set_active(_Device(capability))
    seen: list[tuple[str, Any]] = []
    original = jit.JITFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        kernel = original(self, *args, grid=grid, warmup=True, **options)
        if all(kernel is not k for _, k in seen):
            seen.append((self.fn.__name__, kernel))
        return kernel

    jit.JITFunction.run = run  # type: ignore[method-assign]
    return seen


def resources(kernel: Any) -> dict[str, Any]:
    """Read off registers, stack, shared memory and instruction counts.

    Parameters
    ----------
    kernel : CompiledKernel
        Result of the compiler.

    Returns
    -------
    dict
        Numbers by name; ``dots`` counts matrix products in the source that are not in double precision.
    """
    ptx, ttir = kernel.asm["ptx"], kernel.asm["ttir"]
    counts = {name: len(re.findall(pattern, ptx)) for name, pattern in INSTRUCTIONS.items()}
    dots = [line for line in ttir.splitlines() if "tt.dot " in line and "xf64>" not in line]
    chosen = kernel.metadata
    return {
        **_registers(kernel.asm["cubin"]),
        "shared": chosen.shared,
        "warps": chosen.num_warps,
        "stages": chosen.num_stages,
        "dots": len(dots),
        **counts,
    }


def _registers(cubin: bytes) -> dict[str, int]:
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        told = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    return {name: int(re.findall(rf"{label}:(\d+)", told)[0]) for name, label in (("regs", "REG"), ("stack", "STACK"))}


def main(module: str, capability: str, seconds: str, *names: str) -> None:
    """Compile the named variants (all, if none is named) of a module with a function ``variants``.

    Parameters
    ----------
    module, capability, seconds : str
        Module, compute capability times ten, and the limit for one variant.
    *names : str
        Variants.
    """
    seen = capture(int(capability))
    variants = list(import_module(module).variants())
    _tell({"variants": [variant.name for variant in variants]})
    for variant in variants:
        if names and variant.name not in names:
            continue
        _tell({"start": variant.name})
        signal.alarm(int(seconds))  # no handler: the signal ends the process even inside the compiler
        first, error = len(seen), ""
        try:
            variant.call()
        except Exception as e:  # compilers raise anything: it is told in the row of this variant, which then fails
            error = f"{type(e).__name__}: {e}"
        rows = [{"kernel": name, **resources(kernel)} for name, kernel in seen[first:]]
        signal.alarm(0)
        promise = {"tensor_cores": variant.tensor_cores, "stack": dict(variant.stack)}
        _tell({"done": variant.name, "error": error, "kernels": rows, "promise": promise})
        seen.clear()


def _tell(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ["DLTSYM_COMPILE_ONLY"] = "1"
    main(*sys.argv[1:])
