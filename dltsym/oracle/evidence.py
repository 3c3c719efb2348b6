"""Writes down how far the kernels of this package were checked, after the checks have run.

``python -m dltsym.oracle.evidence [--jobs N] [--records FOLDER] [--full] [--dry] [NAME...]`` checks the named kernels
(all, if none is named) in the interpreter, compiles them, takes over what records of devices say, and writes the file
that labels are read from. ``--full`` runs all cases in all types, ``--dry`` writes nothing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from dltsym import kernels
from dltsym.errors import DltsymError
from dltsym.implementation import DTYPES, Case, implementation_of
from dltsym.oracle.compiled import compile_variants
from dltsym.oracle.labels import EVIDENCE, source_hash
from dltsym.oracle.metrics import Comparison
from dltsym.oracle.verdicts import Found, of_row

__all__ = ["compile_gate", "interpret", "main", "ran", "shared_out"]

SHARES = {"float64": (3, 2), "float16": (2, 0), "bfloat16": (2, 1)}
"""Of which cases, by their number modulo the first, a type takes those with the second as remainder."""


def shared_out(cases: Sequence[Case], dtypes: Sequence[str]) -> tuple[Case, ...]:
    """Share the cases out between the types: all in single precision, the others take turns.

    Parameters
    ----------
    cases : sequence of Case
        All cases.
    dtypes : sequence of str
        Types of the kernel.

    Returns
    -------
    tuple of Case
        The same cases in the same order, each in the types whose turn it is. The first ones are for all.
    """
    shared = []
    for k, case in enumerate(cases):
        turn = [d for d in dtypes if k < 3 or d not in SHARES or k % SHARES[d][0] == SHARES[d][1]]
        own = {DTYPES.get(d, d) for d in case.dtypes} or set(dtypes)
        shared.append(replace(case, dtypes=tuple(d for d in turn if d in own) or tuple(case.dtypes)))
    return tuple(shared)


def interpret(function: Callable[..., Any], full: bool = True) -> dict[str, Any]:
    """Check a kernel in the interpreter, under the sanitizer, in all its types, with gradients and relations.

    Parameters
    ----------
    function : callable
        Kernel.
    full : bool
        Whether all cases are run in all types, or shared out between them.

    Returns
    -------
    dict
        Verdict, and how much was run.

    Raises
    ------
    DltsymError
        When the function is no kernel of a theorem, or the interpreter cannot be had.
    """
    from dltsym.oracle import sanitizer
    from dltsym.oracle.adapters import candidate
    from dltsym.oracle.run import check
    from dltsym.oracle.statement import spec_of

    told = implementation_of(function)
    if told is None:
        raise DltsymError(f"{function!r} is not marked as an implementation of a theorem")
    spec = spec_of(told.key)
    with sanitizer.watch() as seen:
        cases = told.cases if full else shared_out(told.cases, told.dtypes)
        report = check(spec, candidate(function, spec), dtypes=told.dtypes, cases=cases, grads=told.grads)
    return {
        "verdict": report.verdict,
        "faults": [*(f"{f.dtype} {f.message}" for f in report.failures), *_unseen(report.found)],
        "dtypes": list(told.dtypes),
        "cases": len(report.results),
        "launches": seen.launches,
        "triton": version("triton"),
    }


def _unseen(found: Found) -> list[str]:
    """Name the results of which most entries are below what rounding lets anybody see."""
    rows: dict[tuple[str, str], list[Comparison]] = {}
    for result in found.cases:
        for one in result.comparisons:
            rows.setdefault((result.dtype, one.output), []).append(one)
    told = {row: (sum(c.ill for c in seen), sum(c.count for c in seen)) for row, seen in rows.items()}
    return [
        f"{dtype} {output}: {blind} of {count} entries cannot be judged"
        for (dtype, output), (blind, count) in told.items()
        if of_row(rows[dtype, output]) == "ill"
    ]


def compile_gate(family: str, capability: int = 90) -> dict[str, Any]:
    """Compile the variants of a family.

    Parameters
    ----------
    family : str
        Family.
    capability : int
        Compute capability times ten.

    Returns
    -------
    dict
        Verdict, and what is wrong.
    """
    found = compile_variants(f"{kernels.__name__}.{family}.variants", capability)
    faults = [told for variant in found for told in variant.faults()]
    verdict = "fail" if faults else "pass"
    return {"verdict": verdict, "capability": capability, "variants": len(found), "faults": faults}


def ran(name: str, records: Iterable[Path]) -> list[dict[str, Any]]:
    """Collect what records of devices say of a kernel.

    Parameters
    ----------
    name : str
        Kernel, ``family.function``.
    records : iterable of Path
        Files of the GPU run; dry runs do not count.

    Returns
    -------
    list of dict
    """
    found = []
    for path in sorted(records):
        record = json.loads(path.read_text(encoding="utf-8"))
        checked = record.get("correctness", {}).get(name)
        if record.get("dry_run") or checked is None:
            continue
        told = record["environment"]
        found.append(
            {
                "hash": told["sources"].get(name.split(".", maxsplit=1)[0], ""),
                "date": record["date"],
                "device": told["device"],
                "record": path.name,
                "passed": checked["passed"],
            }
        )
    return found


def _interpreted(name: str, full: bool) -> dict[str, Any]:
    before, start = source_hash(_family(name)), time.process_time()
    found = interpret(kernels.everything()[name], full)
    if source_hash(_family(name)) != before:
        raise DltsymError(f"{name} was changed while it was checked; run this again")
    return {**_stamp(before), **found, "seconds": round(time.process_time() - start)}


def _compiled(family: str) -> dict[str, Any]:
    before = source_hash(family)
    found = compile_gate(family)
    if source_hash(family) != before:
        raise DltsymError(f"{family} was changed while it was compiled; run this again")
    return {**_stamp(before), **found}


def _stamp(source: str) -> dict[str, Any]:
    return {"hash": source, "date": datetime.now(UTC).strftime("%Y-%m-%d")}


def _family(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def main(names: Sequence[str], records: Path, jobs: int = 2, full: bool = False, dry: bool = False) -> int:
    """Check kernels and write the file.

    Parameters
    ----------
    names : sequence of str
        Kernels or families; all, if empty.
    records : Path
        Folder of the records of devices.
    jobs : int
        Processes at a time.
    full : bool
        Whether all cases are run in all types.
    dry : bool
        Whether nothing is written.

    Returns
    -------
    int
        0 if every kernel passed.
    """
    everything = kernels.everything()
    wanted = [n for n in everything if not names or n in names or _family(n) in names]
    bad = 0
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        longest = sorted(wanted, key=lambda n: -len(getattr(implementation_of(everything[n]), "cases", ())))
        gates: dict[str, Future[dict[str, Any]]] = {}
        for family in dict.fromkeys(map(_family, longest)):
            gates[family] = pool.submit(_compiled, family)
        runs = {pool.submit(_interpreted, name, full): name for name in longest}
        for run in as_completed(runs):  # a row is written as soon as it is known: the rest may be stopped
            name = runs[run]
            row = {"interpreted": run.result(), "compiled": gates[_family(name)].result()}
            faults = [*row["interpreted"].pop("faults"), *row["compiled"]["faults"]]
            verdicts = [row[part]["verdict"] for part in ("interpreted", "compiled")]
            bad += verdicts != ["pass", "pass"]
            if not dry:
                _put(name, {**row, "ran": ran(name, records.glob("*.json"))}, everything)
            seconds = row["interpreted"]["seconds"]
            sys.stdout.write(f"{name}: {verdicts[0]}, compiled: {verdicts[1]} ({seconds} s of one core)\n")
            sys.stdout.write("".join(f"  {told}\n" for told in faults))
            sys.stdout.flush()
    return int(bad > 0)


def _put(name: str, row: dict[str, Any], known: Iterable[str]) -> None:
    path = Path(str(files(kernels))) / EVIDENCE
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows = {**told.get("kernels", {}), name: row}
    kept = {n: rows[n] for n in sorted(rows) if n in known}
    path.write_text(json.dumps({"schema": 1, "kernels": kept}, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dltsym.oracle.evidence")
    parser.add_argument("names", nargs="*", help="kernels or families; all by default")
    parser.add_argument("--records", type=Path, default=Path("tests/kernels/records"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="all cases in all types")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(**vars(_options())))
