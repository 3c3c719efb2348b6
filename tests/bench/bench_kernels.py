"""What a kernel costs: one call on scalars, and a million rows against the same formula written by hand.

The hand-written formula checks nothing and overflows at the ends; kernel and formula take turns, so that a machine that
gets slower half-way slows both. Writes ``build/bench/kernels.json``.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dltsym import catalogue

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "build" / "bench" / "kernels.json"
ROUNDS, CALLS, ROWS = 12, 200, 10**6
LIMITS = {"scalar_call_us": 200.0, "rows_over_by_hand": 3.0}

SCALARS: dict[str, dict[str, Any]] = {
    "pac_bayes.maurer_pinsker": {"n": 30000, "D": 1724.0, "dlt": 0.05, "s": 0.289307},
    "information.pinsker": {"q": 0.3, "p": 0.7},
    "llm_bounds.compute_optimal": {"V": 50257, "C": 0.1, "S": 1.0},
    "information.gibbs_identity": {"eps": 0.7, "s": [0.3, -1.2, 2.0, 0.7], "p": [0.1, 0.2, 0.3, 0.4]},
    "scaling.chinchilla_optimum": {"C": 5.76e23, "A": 406.4, "B": 410.7, "E": 1.69, "al": 0.34, "be": 0.28},
}


def seconds(call: Callable[[], Any]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def scalar_calls() -> dict[str, float]:
    """Return microseconds per call, the median over rounds, for every record and backend."""
    out = {}
    for backend in ("numpy", "torch"):
        for key, inputs in SCALARS.items():
            run = catalogue.get(key).kernel(backend)
            run(**inputs)
            rounds = [seconds(lambda run=run, inputs=inputs: [run(**inputs) for _ in range(CALLS)]) for _ in range(5)]
            out[f"{key} {backend}"] = statistics.median(rounds) / CALLS * 1e6
    return out


def rows() -> dict[str, float]:
    """Return seconds for a million rows, by hand and by kernel, and their ratio (of interleaved minima)."""
    rng = np.random.default_rng(0)
    n = rng.integers(100, 10**6, ROWS).astype(float)
    D, dlt, s = rng.uniform(0, 1e4, ROWS), rng.uniform(1e-6, 0.5, ROWS), rng.uniform(0, 1, ROWS)
    run = catalogue.get("pac_bayes.maurer_pinsker").kernel("numpy", "bound")

    def by_hand() -> Any:
        return s + np.sqrt((D + np.log(2 * np.sqrt(n) / dlt)) / n / 2)

    def by_kernel() -> Any:
        return run(n=n, D=D, dlt=dlt, s=s)

    np.testing.assert_allclose(by_kernel(), by_hand(), rtol=1e-15)
    hand, kernel = zip(*[(seconds(by_hand), seconds(by_kernel)) for _ in range(ROUNDS)], strict=True)
    return {"by_hand_s": min(hand), "kernel_s": min(kernel), "rows_over_by_hand": min(kernel) / min(hand)}


def main() -> None:
    """Measure and write the file."""
    calls, big = scalar_calls(), rows()
    report = {
        "machine": {"python": platform.python_version(), "numpy": np.__version__, "cpu": platform.machine()},
        "samples": {"rounds": ROUNDS, "calls": CALLS, "rows": ROWS},
        "limits": LIMITS,
        "scalar_call_us": calls,
        "maurer_pinsker": big,
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for name, us in calls.items():
        print(f"{us:8.0f} us  {name}{'  (over the limit)' if us > LIMITS['scalar_call_us'] else ''}")
    print(f"{big['rows_over_by_hand']:8.2f} x  by hand, {ROWS} rows")


if __name__ == "__main__":
    main()
