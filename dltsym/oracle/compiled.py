"""Second layer: every launch of a family compiles for hardware that need not be there, within its resources."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from dltsym.errors import DltsymError

__all__ = ["SHARED_LIMIT", "Compiled", "compile_variants", "differences", "table"]

SHARED_LIMIT = {80: 166_912, 90: 232_448, 100: 232_448}
"""Bytes of shared memory that one program can have, by compute capability."""


@dataclass(frozen=True)
class Compiled:
    """What became of one variant.

    Attributes
    ----------
    name : str
        Variant.
    kernels : tuple of mapping
        One row of resources for each kernel that it launches.
    error : str
        Why it does not compile.
    promise : mapping
        ``tensor_cores``, and ``stack`` by kernel.
    capability : int
        Compute capability times ten.
    """

    name: str
    kernels: tuple[Mapping[str, Any], ...] = ()
    error: str = ""
    promise: Mapping[str, Any] = field(default_factory=dict)
    capability: int = 90

    def faults(self) -> list[str]:
        """Hold the variant against the gate.

        Returns
        -------
        list of str
            What is wrong; empty if nothing is.
        """
        if self.error:
            return [f"{self.name}: {self.error}"]
        if not self.kernels:
            return [f"{self.name}: launched no kernel"]
        return [f"{self.name}: {row['kernel']}: {told}" for row in self.kernels for told in self._row(row)]

    def _row(self, row: Mapping[str, Any]) -> list[str]:
        limit = SHARED_LIMIT[self.capability]
        found = []
        if row["shared"] > limit:
            found.append(f"{row['shared']} bytes of shared memory, {limit} allowed")
        if row["stack"] and row["kernel"] not in self.promise.get("stack", {}):
            found.append(f"{row['stack']} bytes of stack (registers are spilt) and no reason given")
        if self.promise.get("tensor_cores") and row["dots"] and not row["wgmma"] + row["mma"]:
            found.append(f"{row['dots']} matrix products and no tensor-core instruction")
        return found


def compile_variants(module: str, capability: int = 90, seconds: int = 120) -> list[Compiled]:
    """Compile all variants of a module in processes of their own.

    Parameters
    ----------
    module : str
        Module with a function ``variants``, such as ``dltsym.kernels.attention.variants``.
    capability : {80, 90, 100}
        Compute capability times ten.
    seconds : int
        Limit for one variant.

    Returns
    -------
    list of Compiled

    Raises
    ------
    DltsymError
        When triton is missing, or the module cannot be imported or lists no variants.
    """
    if find_spec("triton") is None:
        raise DltsymError("triton is not installed; pip install dltsym[gpu]")
    listed: list[str] = []
    done: dict[str, Compiled] = {}
    while not listed or len(done) < len(listed):
        rows, started, said = _work(module, capability, seconds, *(name for name in listed if name not in done))
        listed = listed or next((row["variants"] for row in rows if "variants" in row), [])
        if not listed:
            raise DltsymError(f"{module} lists no variants: {said}")
        for row in rows:
            if "done" in row:
                name = row["done"]
                done[name] = Compiled(name, tuple(row["kernels"]), row["error"], row["promise"], capability)
        if len(done) < len(listed):  # it died
            name = started or next(name for name in listed if name not in done)
            done[name] = Compiled(name, error=said, capability=capability)
    return [done[name] for name in listed]


def _work(module: str, capability: int, seconds: int, *names: str) -> tuple[list[dict[str, Any]], str | None, str]:
    """Run one worker; return its rows, the variant in which it died, and why."""
    command = [sys.executable, "-m", "dltsym.oracle.compile_worker", module, str(capability), str(seconds), *names]
    with tempfile.TemporaryDirectory(prefix="dltsym-triton-") as cache:
        environment = {**os.environ, "TRITON_CACHE_DIR": cache, "TRITON_INTERPRET": "0"}
        run = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            out, err = run.communicate(timeout=60 + seconds * max(1, len(names)))
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            out, err = run.communicate()
    rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    started = rows[-1].get("start") if rows else None
    why = f"longer than {seconds} s" if run.returncode == -signal.SIGALRM else (err.strip().splitlines() or ["?"])[-1]
    return rows, started, why


def table(found: list[Compiled]) -> dict[str, dict[str, Any]]:
    """Arrange the resources by variant and kernel, as they are kept on file.

    Parameters
    ----------
    found : list of Compiled
        Variants.

    Returns
    -------
    dict
        ``"variant / kernel"``, numbered where a variant launches several of one name, to its numbers.
    """
    out: dict[str, dict[str, Any]] = {}
    for variant in found:
        for row in variant.kernels:
            name, k = f"{variant.name} / {row['kernel']}", 2
            while name in out:
                name, k = f"{variant.name} / {row['kernel']} #{k}", k + 1
            out[name] = {key: value for key, value in row.items() if key != "kernel"}
    return out


def differences(new: Mapping[str, Mapping[str, Any]], old: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare two tables.

    Parameters
    ----------
    new, old : mapping
        Results of `table`.

    Returns
    -------
    list of str
        One line for every difference.
    """
    lines = [f"{name}: not on file" for name in new if name not in old]
    lines += [f"{name}: no longer compiled" for name in old if name not in new]
    for name in new:
        told = [f"{k} {v} (was {old[name].get(k)})" for k, v in new[name].items() if old.get(name, {}).get(k, v) != v]
        if told:
            lines.append(f"{name}: {', '.join(told)}")
    return lines
