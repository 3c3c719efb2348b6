"""One command, one record: run every kernel on a device, hold it against the truth, and time it.

``python tests/kernels/gpu_run.py --suite FILE --minutes 9`` where `gpu_suite.py FILE` wrote the file on a machine with
ball arithmetic. The JSON is written after every stage, so that a run that is cut off leaves a record marked partial.
``--dry-run`` goes through all stages on the CPU at tiny sizes, to test this script; its record proves nothing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gpu_boot
import gpu_check
import gpu_device
import gpu_suite
import torch

from dltsym import kernels
from dltsym.errors import DltsymError
from dltsym.kernels.dispatch import interpreted
from dltsym.oracle import labels

HERE = gpu_boot.ROOT / "tests" / "kernels"
SCHEMA = 1
SHARES = {
    "environment": 0.02, "roofs": 0.06, "compiled": 0.14, "correctness": 0.3, "sanitizer": 0.08, "bites": 0.15,
    "timing": 0.25,
}  # fmt: skip


@dataclass
class Run:
    """What all stages share."""

    options: argparse.Namespace
    device: str
    suite: list[gpu_suite.Solved]
    record: dict[str, Any]
    until: float = 0.0
    timer: gpu_device.Timer = field(init=False)

    def __post_init__(self) -> None:
        self.timer = gpu_device.Timer(self.device, 2 if self.options.dry_run else 50)

    @property
    def kernels(self) -> dict[str, Callable[..., Any]]:
        """The kernels that were asked for."""
        wanted = self.options.kernels
        return {n: f for n, f in kernels.everything().items() if not wanted or any(w in n for w in wanted)}

    @property
    def families(self) -> list[str]:
        return sorted({name.split(".")[0] for name in self.kernels})

    def late(self) -> bool:
        return time.monotonic() > self.until


def environment(run: Run) -> dict[str, Any]:
    sources = {family: labels.source_hash(family) for family in run.families}
    return {**gpu_device.environment(run.device), "sources": sources}


def roofs(run: Run) -> dict[str, Any]:
    tiny = run.options.dry_run
    return {
        "per_second": gpu_device.roofs(run.timer, tiny),
        "ulp": gpu_device.errors_of_functions(run.device, tiny),
    }


def compiled(run: Run) -> dict[str, Any]:
    """Compile as on CI, for this device, and compare with the file."""
    from dltsym.oracle.compiled import compile_variants, differences, table

    capability = 90
    if run.device == "cuda":
        major, minor = torch.cuda.get_device_capability()
        capability = 10 * major + minor
    path, found = HERE / "resources.json", {}
    stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    comparable = capability == 90 and stored.get("triton") == version("triton")
    on_file = stored.get("families", {})
    for family in run.families:
        if run.late():
            found[family] = "not reached"
            continue
        try:
            variants = compile_variants(f"dltsym.kernels.{family}.variants", capability)
        except DltsymError as e:
            found[family] = str(e)
            continue
        faults = [told for variant in variants for told in variant.faults()]
        changed = differences(table(variants), on_file.get(family, {})) if comparable else []
        found[family] = {"faults": faults, "changed": changed, "variants": len(variants)}
    return {"capability": capability, "compared": comparable, "families": found}


def correctness(run: Run) -> dict[str, Any]:
    """Run the oracle's cases, then sizes that only a device can take, then ask for the same bits again."""
    rows: dict[str, dict[str, Any]] = {}
    for name, function in run.kernels.items():
        if run.late():
            rows[name] = {"passed": False, "why": "not reached"}
            continue
        cases = gpu_check.cases(name, function, run.suite, run.device)
        large = gpu_check.large(name, function, run.device, run.options.dry_run)
        failed = [f"{row['case']}: {row['why']}" for row in (*cases, *large) if not row["passed"]]
        failed += [] if cases else ["no case of the oracle"]
        failed += [f"{result} is judged by no case" for result in gpu_check.unjudged(name, run.suite)]
        rows[name] = {"passed": not failed, "why": "; ".join(failed[:5]), "cases": cases, "large": large}
    return rows


def sanitizer(run: Run) -> dict[str, Any]:
    """Run one faithful copy of each family under compute-sanitizer, if it is there."""
    tool = gpu_check.sanitizer_tool()
    if run.device != "cuda" or not tool:
        return {"absent": "no device" if run.device != "cuda" else "compute-sanitizer is not installed"}
    found = {}
    for family in run.families:
        for kind in ("memcheck", "racecheck"):
            command = [tool, "--tool", kind, "--error-exitcode", "9", *worker(run, family, 0)]
            code, out, _ = (None, "", "") if run.late() else _finished(command, run)
            found[f"{family} {kind}"] = (
                "not reached" if code is None else f"exit {code}: {out[-300:]}" if code else "clean"
            )
    return found


def bites(run: Run) -> dict[str, Any]:
    """Show that this suite rejects kernels that compute nothing, and planted bugs."""
    found: dict[str, Any] = {}
    for name, function in run.kernels.items():
        found[name] = {"nulls": gpu_check.null_kernels(name, function, run.suite, run.device)}
    for family in run.families:
        if run.late():
            found[family] = "not reached"
            continue
        code, out, err = _finished(worker(run, family, run.options.mutants), run)
        lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        found[family] = {"mutants": lines, "exit": code, "said": err[-300:]}
    return found


def timing(run: Run) -> list[dict[str, Any]]:
    ceilings = run.record.get("roofs", {}).get("per_second")
    rows: list[dict[str, Any]] = []
    for name, function in run.kernels.items():
        rows += gpu_check.timings(name, function, run.timer, ceilings, run.options.dry_run, run.late)
    return rows


STAGES = (environment, roofs, compiled, correctness, sanitizer, bites, timing)


def worker(run: Run, family: str, count: int) -> list[str]:
    """Return the command that plants bugs in a family in a process of its own."""
    return [sys.executable, str(HERE / "gpu_check.py"), family, run.options.suite, run.device, str(count)]


def _finished(command: list[str], run: Run) -> tuple[int | None, str, str]:
    """Run a program for as long as the stage lasts, for a planted bug may hang; without a status it was stopped."""
    left = max(run.until - time.monotonic(), 10.0)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=left)
    except subprocess.TimeoutExpired as e:
        said = e.stdout.decode() if isinstance(e.stdout, bytes) else e.stdout or ""
        return None, said[: said.rfind("\n") + 1], "not reached: stopped at the end of the stage"
    return done.returncode, done.stdout, done.stderr


def save(run: Run) -> Path:
    """Write the record as it is now."""
    told = run.record.get("environment", {})
    device = str(told.get("device", "unknown")).replace(" ", "-").lower()
    name = f"{device}-{run.record['date']}-{told.get('git', '')[:7] or 'nogit'}.json"
    path = Path(run.options.out) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run.record, indent=1, default=str) + "\n", encoding="utf-8")
    return path


def table(record: dict[str, Any]) -> str:
    """Return the summary: one line for each kernel, and for each timing of a kernel that passed."""
    right = {name: row["passed"] for name, row in record.get("correctness", {}).items()}
    lines = [
        f"{name:32} {'pass' if ok else 'FAIL: ' + record['correctness'][name]['why'][:80]}"
        for name, ok in right.items()
    ]
    for family, row in record.get("bites", {}).items():
        planted = [m for m in row.get("mutants", ()) if m["mutant"] != "none"] if isinstance(row, dict) else []
        if planted:
            lines.append(f"{family:32} {sum(bool(m['rejected_by']) for m in planted)} of {len(planted)} bugs rejected")
    for row in record.get("timing", ()):
        if not right.get(row["kernel"]):
            continue
        if "seconds" not in row:
            lines.append(f"{row['title'][:60]:60} {row['pass']:8} {row['why'][:40]}")
            continue
        note = "suspect timing" if row["suspect"] else f"{row['fraction']:.0%} of {row['bound_by']} roof"
        lines.append(f"{row['title'][:60]:60} {row['pass']:8} {1e3 * row['seconds']:9.3f} ms  {note}")
    return "\n".join(lines[:40])


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--suite", default="", help="file that gpu_suite.py wrote")
    parser.add_argument("--out", default=str(HERE / "records"))
    parser.add_argument("--kernels", type=lambda text: text.split(","), default=[], help="parts of names")
    parser.add_argument("--mutants", type=int, default=5, help="planted bugs for each family")
    parser.add_argument("--dry-run", action="store_true")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Go through all stages; return 0 if every kernel passed."""
    options = arguments(given)
    device = "cpu" if options.dry_run else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no CUDA device; --dry-run goes through the stages on the CPU and proves nothing")
    if device == "cuda" and interpreted():
        raise SystemExit("TRITON_INTERPRET=1 is set: kernels would be interpreted, not run; unset it")
    record: dict[str, Any] = {"schema": SCHEMA, "partial": True, "dry_run": options.dry_run, "stages": {}, "errors": {}}
    record["date"] = datetime.now(UTC).strftime("%Y-%m-%d")
    with tempfile.TemporaryDirectory() as folder:
        if options.dry_run and not options.suite:
            options.suite = str(Path(folder) / "suite.npz")
            gpu_suite.write(Path(options.suite), list(gpu_suite.solve(("f32",), 1, options.kernels)))
        suite = gpu_suite.read(Path(options.suite)) if options.suite else []
        run = Run(options, device, suite, record)
        for stage in STAGES:
            start = time.monotonic()
            run.until = start + 60 * options.minutes * SHARES[stage.__name__]
            try:
                record[stage.__name__] = stage(run)
            except Exception as e:  # the record has to tell of it, and later stages go on
                record["errors"][stage.__name__] = f"{type(e).__name__}: {e}"
            record["stages"][stage.__name__] = round(time.monotonic() - start, 2)
            save(run)
    record["partial"] = bool(record["errors"]) or "not reached" in json.dumps(record, default=str)
    sys.stdout.write(f"{table(record)}\n{save(run)}\n")
    return 0 if all(row["passed"] for row in record.get("correctness", {"": {"passed": False}}).values()) else 1


if __name__ == "__main__":
    sys.exit(main())
