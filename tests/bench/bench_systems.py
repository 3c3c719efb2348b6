"""What a right side read off a record costs beside plain numpy, and what whole runs take.

The right sides of the flows are generated from `particles.mean_field`, with shifted exponents; plain numpy is the
formula as one would type it. Both take turns and the least time of many rounds counts. Runs are timed once, in
processor time. ``python tests/bench/bench_systems.py``; writes ``build/bench/systems.json``.
"""

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: small products only lose by threads

import numpy as np

from dltsym import systems
from dltsym.systems.compiled import tensor
from dltsym.systems.flows import _drift

TARGET = Path(__file__).resolve().parent.parent.parent / "build" / "bench" / "systems.json"
SIZES = ((6, 3), (128, 2), (128, 3), (512, 16))
ROUNDS, LEAST = 60, 0.002
WANTED = {"sa": 2.0, "usa": 4.0}  # at n >= 128


def plain(x: np.ndarray, beta: float, rule: str) -> np.ndarray:
    """Return the velocities by the formula as written."""
    weights = np.exp(beta * (x @ x.T))
    pull = weights @ x / (weights.sum(1, keepdims=True) if rule == "sa" else len(x))
    return pull - (pull * x).sum(1, keepdims=True) * x


def minima(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the least seconds per call; the functions take turns."""
    out = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start, times = time.perf_counter(), 0
            while time.perf_counter() - start < LEAST:
                call()
                times += 1
            out[name] = min(out[name], (time.perf_counter() - start) / times)
    return out


def right_sides() -> list[dict[str, Any]]:
    """Time right sides at several sizes."""
    rows = []
    for n, d in SIZES:
        x = systems.random_tokens((n, d), 0)
        for rule in ("sa", "usa"):
            np.testing.assert_allclose(plain(x, 2.0, rule), systems.particle_drift(x, 2.0, rule), atol=1e-13)
            found = minima(
                {
                    "record": lambda x=x, rule=rule: _drift(x, np.asarray(2.0), rule, None, False),
                    "plain": lambda x=x, rule=rule: plain(x, 2.0, rule),
                }
            )
            row = {"n": n, "d": d, "rule": rule} | {k: round(1e6 * s, 1) for k, s in found.items()}
            rows.append(row | {"ratio": round(found["record"] / found["plain"], 2)})
            print(row["rule"], f"n = {n}, d = {d}: {rows[-1]['record']} us, plain {rows[-1]['plain']} us,", end=" ")
            print(f"ratio {rows[-1]['ratio']}", "" if n < 128 or rows[-1]["ratio"] <= WANTED[rule] else "MISSED")
    return rows


def runs() -> dict[str, float]:
    """Time whole runs, in seconds of processor time."""
    tensor("particles.cluster_diversity", "entropy")
    jobs = {
        "128 tokens on the circle to t = 30, beta = 9": lambda: systems.metastability_run(128, 9.0, times=[30.0]),
        "12 x 10 tokens in space to t = 300, beta = 2": lambda: systems.flow(
            systems.random_tokens((12, 10, 3), 0), 2.0, times=[300.0], balance=False
        ),
        "phase curve at 100 times": lambda: systems.phase_curve(np.linspace(6, 30, 100), 128, 1e-3),
        "curves at 50 temperatures": lambda: systems.curve(128, np.linspace(0.1, 9, 50), t=30.0),
    }
    out = {}
    for name, job in jobs.items():
        start = time.process_time()
        job()
        out[name] = round(time.process_time() - start, 2)
        print(f"{name}: {out[name]} s")
    return out


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.machine(), "python": platform.python_version(), "numpy": np.__version__}
    report = {"right_sides_us": right_sides(), "runs_s": runs(), "machine": machine}
    TARGET.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
