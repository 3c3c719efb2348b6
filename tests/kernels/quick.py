"""Hold every kernel against its theorem from the command line, quickly or with fresh seeds (`make kernels-quick`)."""

import argparse
import secrets
import sys
import time

import gpu_boot  # noqa: F401

from dltsym import kernels
from dltsym.implementation import DTYPES, Case, Implementation, implementation_of
from dltsym.oracle import sanitizer
from dltsym.oracle.adapters import candidate
from dltsym.oracle.run import check
from dltsym.oracle.statement import spec_of


def cases_of(told: Implementation, count: int) -> tuple[Case, ...]:
    """Return the largest cases, as many as asked for; all for 0."""
    largest = sorted(told.cases, key=lambda case: -sum(case.sizes.values()))
    return tuple(largest[:count]) if count else told.cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="kernels or families; all by default")
    parser.add_argument("--cases", type=int, default=0, help="how many cases of each kernel; 0 for all")
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=list(DTYPES))
    parser.add_argument("--fresh", action="store_true", help="draw a new seed and print it")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seed = secrets.randbelow(2**31) if options.fresh else options.seed
    sys.stdout.write(f"seed {seed}\n")
    bad = 0
    for name, function in kernels.everything().items():
        told = implementation_of(function)
        if told is None or (options.names and not {name, name.split(".")[0]} & set(options.names)):
            continue
        start, spec, full = time.perf_counter(), spec_of(told.key), not options.cases
        dtypes = [d for d in options.dtypes if DTYPES[d] in told.dtypes]
        with sanitizer.watch():
            report = check(
                spec, candidate(function, spec), dtypes=dtypes, cases=cases_of(told, options.cases), seed=seed,
                grads=told.grads, relations=full, canaries=full, selftest=full,
            )  # fmt: skip
        bad += not report.ok
        sys.stdout.write(f"{name:32} {report.verdict:8} {time.perf_counter() - start:6.1f} s\n")
        for failure in report.failures:
            sys.stdout.write(f"  {failure.dtype} {failure.message}\n  {failure.replay} (seed +{seed})\n")
        sys.stdout.flush()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
