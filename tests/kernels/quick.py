"""Hold every kernel against its theorem from the command line, quickly or with fresh seeds (`make kernels-quick`)."""

import argparse
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import gpu_boot  # noqa: F401

from dltsym import kernels
from dltsym.implementation import DTYPES, Case, Implementation, implementation_of
from dltsym.oracle import sanitizer
from dltsym.oracle.adapters import candidate
from dltsym.oracle.run import check
from dltsym.oracle.statement import spec_of

QUICK = {
    "attention.one_sided_eot": ("1x12 each head its own causal", "63x63 causal"),
    "bpd.smoothed_bpd": ("two blocks of words", "hidden words"),
    "bpd.token_sums": ("tokens", "one token"),
    "contrastive.infonce": ("three pairs, scales", "two blocks"),
    "contrastive.infonce_target": ("cold", "more keys"),
    "diffusion.step": ("posterior", "eta, v", "first, beta"),
    "kl_inverse.kl_inverse": ("usual", "broadcast"),
    "particles.particle_step": ("70 usa project", "temperatures sa geodesic", "one token sa project"),
    "router.expert_choice": ("tails", "ties", "no room"),
    "router.router": ("tails", "ties", "nothing counts"),
    "scan.complex_scan": ("66 steps",),
    "scan.selective_scan": ("views", "64 steps", "1 step"),
    "ssd.ssd": ("2 steps", "70 steps, batch 2, 2 heads share B and C", "mixed decay"),
    "transport.sinkhorn": ("small problems", "cold"),
}
"""A few cheap cases of each kernel. Together they show every output and every gradient in f32 and in bf16: where many
terms are summed the rounding of half-precision weights hides some, so the largest case alone does not."""
BATCH = 4
"""Length that no dimension of a batch exceeds in them: the interpreter runs one problem after the other."""
LONGEST = ("transport.sinkhorn", "scan.complex_scan", "attention.one_sided_eot")
"""What is begun first, so that no process is left with one of them alone at the end."""


def cases_of(name: str, told: Implementation, few: bool) -> tuple[Case, ...]:
    """Return the cases of `QUICK` with few problems in a batch, or all."""
    return tuple(_cut(c) for c in told.cases if c.name in QUICK[name]) if few else told.cases


def _cut(case: Case) -> Case:
    return replace(case, batch={name: tuple(min(b, BATCH) for b in shape) for name, shape in case.batch.items()})


def run(name: str, dtypes: list[str], few: bool, seed: int) -> tuple[bool, str]:
    """Check one kernel; return whether all is well, and what to print."""
    function = kernels.everything()[name]
    told = implementation_of(function)
    assert told is not None
    start, spec = time.perf_counter(), spec_of(told.key)
    with sanitizer.watch():
        report = check(
            spec, candidate(function, spec), dtypes=[d for d in dtypes if DTYPES[d] in told.dtypes],
            cases=cases_of(name, told, few), seed=seed, grads=told.grads,
            relations=not few, canaries=not few, selftest=not few,
        )  # fmt: skip
    lines = [f"{name:32} {report.verdict:8} {time.perf_counter() - start:6.1f} s"]
    for failure in report.failures:
        lines += [f"  {failure.dtype} {failure.message}", f"  {failure.replay} (seed +{seed})"]
    return report.ok, "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="kernels or families; all by default")
    parser.add_argument("--few", action="store_true", help="only a few cheap cases of each kernel")
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=list(DTYPES))
    parser.add_argument("--fresh", action="store_true", help="draw a new seed and print it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seed = secrets.randbelow(2**31) if options.fresh else options.seed
    sys.stdout.write(f"seed {seed}\n")
    names = [n for n in kernels.everything() if not options.names or {n, n.split(".")[0]} & set(options.names)]
    names.sort(key=lambda n: LONGEST.index(n) if n in LONGEST else len(LONGEST))
    bad = 0
    with ProcessPoolExecutor(min(options.workers, len(names)) or 1, get_context("spawn")) as pool:
        for future in [pool.submit(run, n, options.dtypes, options.few, seed) for n in names]:
            ok, text = future.result()
            bad += not ok
            sys.stdout.write(text)
            sys.stdout.flush()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
