"""Time the batched inverse of relative entropy against a loop over scipy's root finder, on a million pairs.

``python tests/bench/bench_kl_inverse.py [pairs]`` writes build/bench/kl_inverse.json. The loop is timed on a sample,
for relative entropy written with `math` and with numpy. Times of the batched inverse are told twice: processor time on
one thread, and the time that passes with as many threads as the library takes by itself; the least of many runs each.
On a machine with other work the second says nothing about threads, so that the load is written down too.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq

from dltsym.bounds import inversion
from dltsym.bounds.inversion import kl_upper

SAMPLE, RUNS = 3000, 25


def _plain(q: float, p: float) -> float:
    return q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))


def _arrays(q: float, p: float) -> Any:
    return q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))


def _loop(q: Any, c: Any, kl: Callable[[float, float], Any]) -> float:
    started = time.process_time()
    for a, b in zip(q, c, strict=True):
        brentq(lambda p, a=a, b=b: kl(a, p) - b, a, 1 - 1e-16)
    return (time.process_time() - started) / len(q)


def _batched(q: Any, c: Any, mode: str, threads: int, clock: Callable[[], float]) -> float:
    inversion.THREADS, before = threads, inversion.THREADS
    kl_upper(q[:20_000], c[:20_000], mode=mode)
    took = []
    for _ in range(RUNS):
        started = clock()
        kl_upper(q, c, mode=mode)
        took.append(clock() - started)
    inversion.THREADS = before
    return min(took) / len(q)


def _accelerator(q: Any, c: Any) -> float | None:
    if not torch.cuda.is_available():
        return None
    x, y = (torch.as_tensor(v, device="cuda") for v in (q, c))
    for _ in range(3):
        kl_upper(x, y, backend="triton")
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(20):
        kl_upper(x, y, backend="triton")
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / 20 / len(q)


def main(count: int) -> dict[str, Any]:
    """Measure everything in one run and return seconds per pair with the ratios to the loops."""
    rng = np.random.default_rng(0)
    q, c = 0.9 * rng.uniform(size=count), 10.0 ** rng.uniform(-6, 0.2, count)
    loops = {"math": _loop(q[:SAMPLE].tolist(), c[:SAMPLE].tolist(), _plain)}
    loops["numpy"] = _loop(q[:SAMPLE], c[:SAMPLE], _arrays)
    fast = {}
    for mode in ("estimate", "certified"):
        fast[f"numpy {mode}, processor time"] = _batched(q, c, mode, 1, time.process_time)
        fast[f"numpy {mode}, passed time"] = _batched(q, c, mode, inversion.THREADS, time.perf_counter)
    device = _accelerator(q, c)
    if device is not None:
        fast["triton estimate"] = device
    pairs = [(f"{k} over the {name} loop", loop, k) for k in fast for name, loop in loops.items()]
    return {
        "pairs": count,
        "threads": inversion.THREADS,
        "processors and load": [os.cpu_count(), *os.getloadavg()],
        "seconds_per_pair": {**{f"brentq loop, {k}": v for k, v in loops.items()}, **fast},
        "times_faster": {text: loop / fast[k] for text, loop, k in pairs},
        "device": torch.cuda.get_device_name() if device is not None else "none",
    }


if __name__ == "__main__":
    found = main(int(sys.argv[1]) if len(sys.argv) > 1 else 10**6)
    out = Path("build/bench/kl_inverse.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
