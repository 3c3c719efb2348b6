"""What the tensor compiler is worth: every row of its acceptance table against hand-written torch, and compile times.

Generated function and reference take turns, so that a machine that gets slower half-way slows both; the ratio is that
of the minima over many short rounds, because a round longer than a time slice is never undisturbed. "unchecked" is the
generated function without the checks of a call. One thread.
``python tests/bench/bench_lower.py [A4 A20] [--compiled]``; writes ``build/bench/lower.json``.
"""

import argparse
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from lower_cases import ROWS  # noqa: E402
from lower_rows import Row  # noqa: E402

TARGET = ROOT / "build" / "bench" / "lower.json"
ROUNDS, LEAST = 200, 0.002  # at most so many rounds; a round repeats a call until it takes this many seconds
FEWEST, BUDGET = 12, 2.0  # but at least so many rounds, and no more than take this many seconds
COMPILE_MS = 20.0


def seconds(call: Callable[[], Any], times: int = 1) -> float:
    """Time some calls and return seconds per call."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def minima(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the least seconds per call of each function; they take turns."""
    once = {name: min(seconds(call), seconds(call)) for name, call in calls.items()}
    times = {name: max(1, min(200, int(LEAST / t))) for name, t in once.items()}
    out = dict.fromkeys(calls, float("inf"))
    rounds = max(FEWEST, min(rounds, int(BUDGET / sum(once[name] * times[name] for name in calls))))
    gc.disable()
    try:
        for k in range(rounds):
            names = list(calls) if k % 2 == 0 else list(calls)[::-1]
            for name in names:
                out[name] = min(out[name], seconds(calls[name], times[name]))
    finally:
        gc.enable()
    return out


def backward(run: Callable[..., Any], values: dict[str, Any]) -> Callable[[], Any]:
    """Return a call that evaluates and differentiates the sum of the result."""
    wanted = [x for x in values.values() if isinstance(x, torch.Tensor) and x.requires_grad]
    return lambda: torch.autograd.grad(run(**values).sum(), wanted)


def compile_ms(row: Row) -> float:
    """Return the processor milliseconds from expression to source, the least of five; the tree is built before."""
    asked = row.build()
    from dltsym.lower.compiler import compile as lower

    def once() -> float:
        start = time.process_time()
        lower(asked.what, asked.axes, **asked.options)
        return time.process_time() - start

    return 1e3 * min(once() for _ in range(5))


def measure(row: Row, rounds: int, compiled: bool) -> dict[str, Any]:
    """Return what one row costs."""
    inputs = row.drawn(sizes=row.sizes)
    values, kernel = row.tensors(inputs), row.kernel()
    bare, order = kernel.function, [values[name] for name in kernel.inputs]
    with torch.no_grad():
        calls: dict[str, Callable[[], Any]] = {
            "generated": lambda: kernel(**values),
            "by hand": lambda: row.reference(**values),
            "unchecked": lambda: bare(*order),
        }
        if compiled:
            fused = row.kernel(compile=True)
            first = seconds(lambda: fused(**values))
            calls["compiled"] = lambda: fused(**values)
        least = minima(calls, rounds)
    out: dict[str, Any] = {
        "generated_ms": 1e3 * least["generated"],
        "by_hand_ms": 1e3 * least["by hand"],
        "ratio": least["generated"] / least["by hand"],
        "ratio_unchecked": least["unchecked"] / least["by hand"],
        "allowed": row.ratio,
        "compile_ms": compile_ms(row),
    }
    if compiled:
        out |= {"compiled_over_eager": least["compiled"] / least["generated"], "first_call_s": first}
    if row.backward:
        graded = row.tensors(inputs, grad=True)
        both = {"generated": backward(kernel, graded), "by hand": backward(row.reference, graded)}
        least = minima(both, rounds)
        out["ratio_backward"] = least["generated"] / least["by hand"]
    return out


def line(name: str, r: dict[str, Any]) -> str:
    """Return one line of the table."""
    over = " " if r["ratio"] <= r["allowed"] else "!"
    slow = " " if r["compile_ms"] <= COMPILE_MS else "!"
    text = f"{name:32} {r['generated_ms']:9.3f} {r['by_hand_ms']:9.3f} {r['ratio']:7.2f}{over}"
    text += f" {r['ratio_unchecked']:9.2f} {r['allowed']:7.2f}"
    text += f" {r['compile_ms']:8.1f}{slow}"
    if "ratio_backward" in r:
        text += f"  with gradient {r['ratio_backward']:.2f}"
    if "compiled_over_eager" in r:
        text += f"  compiled/eager {r['compiled_over_eager']:.2f} (first call {r['first_call_s']:.1f} s)"
    return text


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="numbers such as A4; all rows by default")
    parser.add_argument("--compiled", action="store_true", help="time torch.compile too")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    heads = f"{'ratio':>7}  {'unchecked':>9} {'allowed':>7} {'compile':>8}   (ms)"
    print(f"{'row':32} {'generated':>9} {'by hand':>9} {heads}")
    for name, row in ROWS.items():
        if args.rows and name.split()[0] not in args.rows:
            continue
        found[name] = measure(row, args.rounds, args.compiled)
        print(line(name, found[name]), flush=True)
    ratios = [r["ratio"] for r in found.values()]
    print(f"median ratio {statistics.median(ratios):.2f}, largest {max(ratios):.2f}")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    about = {"python": platform.python_version(), "torch": torch.__version__, "rounds": args.rounds}
    TARGET.write_text(json.dumps({"about": about, "rows": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
