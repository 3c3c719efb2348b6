"""What a device can do: its description, four measured roofs, errors of its functions, and how long a call takes."""

import math
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import gpu_boot
import torch
import triton
import triton.language as tl

FAR = 256 * 2**20
"""Bytes that inputs are rotated over, more than any second-level cache."""
GRAPH_BELOW = 20e-6
"""Seconds below which a launch is timed inside a graph too."""
PATIENCE, FEWEST = 3.0, 5
"""Seconds after which a median ends, and the calls that it needs: a slow peer must not eat the time of the others."""


@triton.jit
def exponentials(x, out, BLOCK: tl.constexpr, ROUNDS: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(x + i)
    for _ in range(ROUNDS):
        a = tl.exp2(a)
        a = -a
    tl.store(out + i, a)


@triton.jit
def function_values(x, out, BLOCK: tl.constexpr, NAME: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(x + i)
    if NAME == "exp":
        b = tl.exp(a)
    elif NAME == "exp2":
        b = tl.exp2(a)
    elif NAME == "log":
        b = tl.log(a)
    else:
        b = tl.log2(a)
    tl.store(out + i, b)


class Timer:
    """Times calls on one device: events and rotated inputs on an accelerator, the clock elsewhere."""

    def __init__(self, device: str, repeats: int) -> None:
        self.device, self.repeats = device, repeats

    def synchronize(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def once(self, call: Callable[[], Any]) -> float:
        """Time one call, in seconds."""
        if self.device != "cuda":
            start = time.perf_counter()
            call()
            return time.perf_counter() - start
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        call()
        last.record()
        last.synchronize()
        return first.elapsed_time(last) / 1e3

    def times(self, calls: Sequence[Callable[[], Any]], most: int) -> list[float]:
        """Time calls in turn, fewer of them when they are slow."""
        end, found = time.monotonic() + PATIENCE, []
        while len(found) < most and (len(found) < FEWEST or time.monotonic() < end):
            found.append(self.once(calls[len(found) % len(calls)]))
        return found

    def measure(self, calls: Sequence[Callable[[], Any]]) -> dict[str, Any]:
        """Return two independent medians' mean, their difference, and of how many calls, after a warm-up."""
        self.times(calls, min(10, self.repeats))
        self.synchronize()
        first, second = self.times(calls, self.repeats), self.times(calls, self.repeats)
        a, b = median(first), median(second)
        row: dict[str, Any] = {"seconds": (a + b) / 2, "spread": abs(a - b) / (a + b) * 2}
        row["runs"] = len(first) + len(second)
        if self.device == "cuda" and row["seconds"] < GRAPH_BELOW:
            try:
                row["graph_seconds"] = self.in_graph(calls[0])
            except RuntimeError as e:  # a call that copies from the host cannot be part of a graph
                row["graph"] = f"not captured: {e}"[:120]
        return row

    def in_graph(self, call: Callable[[], Any], count: int = 20) -> float:
        """Time a short call without the cost of its launch."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(count):
                call()
        graph.replay()
        return median(self.times([graph.replay], self.repeats)) / count


def environment(device: str) -> dict[str, Any]:
    """Describe machine, device and versions."""
    sha = _git("rev-parse", "HEAD")
    told: dict[str, Any] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "machine": platform.machine(),
        "git": sha,
        "dirty": bool(_git("status", "--porcelain")) if sha else None,
        "device": "cpu interpreter",
    }
    if device == "cuda":
        p = torch.cuda.get_device_properties(0)
        told |= {
            "device": p.name,
            "capability": f"{p.major}.{p.minor}",
            "multiprocessors": p.multi_processor_count,
            "l2_bytes": p.L2_cache_size,
            "memory_bytes": p.total_memory,
            "cuda": torch.version.cuda,
            "driver": _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        }
    return told


def roofs(timer: Timer, tiny: bool) -> dict[str, float]:
    """Measure the ceilings per second: bytes copied, products in three types, special functions."""
    device = timer.device
    n = 2**10 if tiny else 2**28
    source = torch.randn(n, device=device)
    target = torch.empty_like(source)
    found = {"bytes": 8 * n / timer.measure([lambda: target.copy_(source)])["seconds"]}
    side = 32 if tiny else 8192
    a, b = (torch.randn(side, side, device=device) for _ in range(2))
    kept = torch.backends.cuda.matmul.allow_tf32
    for name, dtype, tf32 in (
        ("bf16", torch.bfloat16, False),
        ("tf32", torch.float32, True),
        ("f32", torch.float32, False),
    ):
        x, y = a.to(dtype), b.to(dtype)
        torch.backends.cuda.matmul.allow_tf32 = tf32
        found[name] = 2 * side**3 / timer.measure([lambda x=x, y=y: x @ y])["seconds"]
    torch.backends.cuda.matmul.allow_tf32 = kept
    size, rounds = (2**10, 2) if tiny else (2**24, 256)
    x = -torch.rand(size, device=device)
    out = torch.empty_like(x)
    launch = [lambda: exponentials[(size // 1024,)](x, out, 1024, rounds)]
    found["special"] = size * rounds / timer.measure(launch)["seconds"]
    return found


def errors_of_functions(device: str, tiny: bool) -> dict[str, float]:
    """Search the largest error of each function in units in the last place, single precision."""
    n = 2**12 if tiny else 2**24
    generator = torch.Generator(device=device).manual_seed(0)
    found = {}
    for name in ("exp", "exp2", "log", "log2"):
        x = torch.rand(n, device=device, generator=generator)
        x = (x - 0.5) * 160 if name.startswith("exp") else torch.exp2((x - 0.5) * 200)
        out = torch.empty_like(x)
        function_values[(n // 1024,)](x, out, 1024, name)
        true = getattr(torch, name)(x.double())
        unit = torch.exp2(torch.floor(torch.log2(true.abs())) - 23)
        normal = (true.abs() > 2.0**-126) & (true.abs() < 2.0**127)
        found[name] = float((((out.double() - true).abs() / unit)[normal]).max())
    return found


def floor_of(cost: Any, sizes: Mapping[str, int], count: int, roof: Mapping[str, float], dtype: str) -> dict[str, Any]:
    """Return the least time that the measured roofs allow, and which of them binds."""
    io = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2}[dtype]
    names = {**sizes, "io": io, "itemsize": io, "log2": math.log2, "ceil": math.ceil}

    def amount(text: str) -> float:
        return count * float(eval(text, {"__builtins__": {}}, names))

    tensor = roof["bf16"] if io == 2 else roof["tf32"] / 3  # three products for one in single precision
    parts = {
        "tensor": amount(cost.tensor) / tensor,
        "f32": amount(cost.flops) / roof["f32"],
        "bytes": amount(cost.bytes) / roof["bytes"],
        "special": amount(cost.special) / roof["special"],
    }
    bound = max(parts, key=lambda k: parts[k])
    return {"floor": parts[bound], "bound_by": bound}


def _git(*arguments: str) -> str:
    return _output("git", "-C", str(gpu_boot.ROOT), *arguments)


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
