"""How long a user waits: importing dltsym, `--help`, `list`, and `verify` with an empty and a full cache.

Every number is the wall time of a process of its own. The short commands take turns, so that a machine that
gets slower half-way slows all of them. Writes ``build/bench/startup.json``.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "build" / "bench" / "startup.json"
ROUNDS = 11

QUICK = {
    "bare": ["-c", "pass"],
    "import": ["-c", "import dltsym"],
    "help": ["-m", "dltsym", "--help"],
    "list": ["-m", "dltsym", "list"],
}
LIMITS = {"import_over_bare": 0.060, "help": 0.2, "list": 1.0, "verify_cold": 60.0, "verify_cached": 5.0}


def seconds(arguments: list[str], cache: str, accepted: tuple[int, ...] = (0,)) -> tuple[float, int]:
    """Time one Python process that reads and writes verdicts in `cache`; return its exit status too."""
    environment = os.environ | {"DLTSYM_CACHE_DIR": cache}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=False, capture_output=True)
    elapsed = time.perf_counter() - start
    if done.returncode not in accepted:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stderr.decode()}")
    return elapsed, done.returncode


def quick_samples(cache: str) -> dict[str, list[float]]:
    """Time the short commands in turn, after one round that warms the file cache."""
    samples: dict[str, list[float]] = {name: [] for name in QUICK}
    for turn in range(ROUNDS + 1):
        for name, arguments in QUICK.items():
            elapsed, _ = seconds(arguments, cache)
            if turn:
                samples[name].append(elapsed)
    return samples


def verify_samples(cache: str) -> list[tuple[float, int]]:
    """Time `verify` on an empty cache and then three times on the cache that it left.

    Status 1 says that some record is not in order. Its time still counts, but only next to that fact: a report with
    an open step is not kept, so the cached runs then prove again.
    """
    return [seconds(["-m", "dltsym", "verify"], cache, accepted=(0, 1)) for _ in range(4)]


def measure(*, with_verify: bool) -> dict[str, Any]:
    """Run everything once and gather medians, samples, and the ratios to bare Python."""
    with tempfile.TemporaryDirectory(prefix="dltsym-bench-") as cache:
        verify = verify_samples(cache) if with_verify else []
        samples = quick_samples(cache)
    median = {name: statistics.median(values) for name, values in samples.items()}
    median["import_over_bare"] = median["import"] - median["bare"]
    ratio = {f"{name}_to_bare": median[name] / median["bare"] for name in QUICK}
    if verify:
        samples |= {"verify_cold": [verify[0][0]], "verify_cached": [elapsed for elapsed, _ in verify[1:]]}
        median |= {name: statistics.median(samples[name]) for name in ("verify_cold", "verify_cached")}
        ratio["verify_cached_to_cold"] = median["verify_cached"] / median["verify_cold"]
    return {
        "machine": {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()},
        "median_seconds": median,
        "ratio": ratio,
        "limit_seconds": LIMITS,
        "within_limit": {name: median[name] < limit for name, limit in LIMITS.items() if name in median},
        "verify_exit_status": [status for _, status in verify],
        "samples": samples,
    }


def main() -> None:
    """Measure, write the JSON file, and print one line per limit."""
    parser = argparse.ArgumentParser(description="Time dltsym's start and its main job.")
    parser.add_argument("--no-verify", action="store_true", help="leave out the runs of verify, which take longest")
    result = measure(with_verify=not parser.parse_args().no_verify)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name in result["within_limit"]:
        print(f"{name:<18} {result['median_seconds'][name]:8.3f} s   limit {LIMITS[name]:g} s")
    if any(result["verify_exit_status"]):
        print("verify did not pass: its times are not those of a finished catalogue")
    print(f"written: {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
