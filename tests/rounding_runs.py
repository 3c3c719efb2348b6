"""Random runs of the kernels of the acceptance table against their error models, by hand: ``rounding_runs.py 10000``.

Every run draws a row, sizes (1 among them), a backend, a type, a scale and a kind of data, computes, and holds every
entry against balls: six deviations must never alarm on these healthy kernels, and the bound must never be passed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from lower_cases import ROWS
from lower_rows import Generator, Inputs

from dltsym.errors import Undecided
from dltsym.lower.interpret.ir_arb import ir_balls
from dltsym.lower.interpret.model import MODELS, rounded

BACKENDS = {"torch": ("float32", "float16", "bfloat16", "float64"), "numpy": ("float32", "float64", "float16")}
KINDS = ("own", "normal", "positive", "offset", "heavy")
SCALES = (1e-3, 0.1, 1.0, 3.0, 30.0, 300.0)
LEAST = {"A21 load balance": {"E": 2}, "A22 gates of two": {"E": 2}}  # two of one expert is no choice
SMALL, MEDIUM = 150, 6000  # products of the sizes, for the oracle and for the balls of the program
HALF = ("float16", "bfloat16")
PARTS = 64


@dataclass(frozen=True)
class Run:
    """One run: everything is drawn from the seed.

    Attributes
    ----------
    row, backend, dtype, acc, kind : str
        Name of the row, what computes, number type, type in which half precision is computed with, kind of data.
    scale : float
        Scale of the free arrays.
    sizes : dict of str to int
        Lengths.
    seed : int
        Seed.
    """

    row: str
    backend: str
    dtype: str
    acc: str
    kind: str
    scale: float
    sizes: Mapping[str, int]
    seed: int


@dataclass
class Figures:
    """Sums over entries: `z` is the error in sixths of the threshold, a `silent` one has a bound but no deviation."""

    runs: int = 0
    entries: int = 0
    unjudged: int = 0
    silent: int = 0
    z_max: float = 0.0
    squares: float = 0.0
    total: float = 0.0
    worst: float = 0.0
    alarms: int = 0
    violations: int = 0

    def add(self, other: Figures) -> None:
        """Add the figures of other runs."""
        for name in ("runs", "entries", "unjudged", "silent", "squares", "total", "alarms", "violations"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.z_max, self.worst = max(self.z_max, other.z_max), max(self.worst, other.worst)

    def __str__(self) -> str:
        n = max(1, self.entries)
        return (
            f"{self.runs:5} runs {self.entries:7} entries {self.unjudged:6} unjudged {self.silent} silent  "
            f"z_max {self.z_max:6.3f} "
            f"rms {(self.squares / n) ** 0.5:.3f} bias {self.total / n:+.3f}  R {self.worst:.3f}  "
            f"{self.alarms} alarms {self.violations} violations"
        )


def draw(rng: Generator, seed: int) -> Run:
    """Draw a run."""
    row = ROWS[str(rng.choice(list(ROWS)))]
    backend = str(rng.choice(["torch", "torch", "numpy"]))
    limit = SMALL if rng.random() < 0.6 else MEDIUM
    while True:
        sizes = {n: int(rng.choice([1, 2, 3, 4, 5, 7, 11, 16, 33, 64, 100])) for n in row.small}
        sizes |= {n: 2 for n in sizes if n == "batch"}
        least = LEAST.get(row.name, {})
        if prod(sizes.values()) <= limit and all(sizes[n] >= k for n, k in least.items()):
            break
    dtype, kind = str(rng.choice(BACKENDS[backend])), str(rng.choice(KINDS))
    acc = "native" if rng.random() < 0.25 and dtype in HALF and backend == "torch" else "float32"
    return Run(row.name, backend, dtype, acc, kind, float(rng.choice(SCALES)), sizes, seed)


def inputs(run: Run, kernel: Any) -> Inputs:
    """Draw the inputs of a run; arrays with a declared range keep the data of their row."""
    row, rng = ROWS[run.row], np.random.default_rng((run.seed, 1))
    given = row.inputs(rng, run.sizes)
    free = {i.name for i in kernel.program.inputs if i.entries == "real" and i.shape and i.lo is None and i.hi is None}
    if run.kind != "own":
        given |= {k: run.scale * _data(rng, run.kind, given[k].shape) for k in sorted(free)}
    if run.row == "A33 covariance":  # rows that sum to 1 exactly in every type, as declared
        n, m = given["p"].shape
        given["p"] = rng.multinomial(PARTS, np.full(m, 1 / m), n) / PARTS
    model = MODELS[run.dtype]
    return {k: rounded(x, model) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for k, x in given.items()}


def _data(rng: Generator, kind: str, shape: tuple[int, ...]) -> Any:
    match kind:
        case "normal":
            return rng.standard_normal(shape)
        case "positive":
            return np.abs(rng.standard_normal(shape))
        case "offset":
            return 10 + rng.standard_normal(shape)
    return rng.standard_t(2, shape)


class Kernels:
    """Kernels of the rows, compiled once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str, str], Any] = {}

    def get(self, run: Run) -> Any:
        """Return the kernel of a run."""
        key = run.row, run.backend, run.acc
        if key not in self.known:
            self.known[key] = ROWS[run.row].kernel(backend=run.backend, acc=run.acc)
        return self.known[key]


def judged(run: Run, kernel: Any) -> Figures:
    """Run a kernel and hold every entry against balls."""
    given = inputs(run, kernel)
    arguments: Inputs = ROWS[run.row].tensors(given, getattr(torch, run.dtype))
    if run.backend == "numpy":
        types = {k: run.dtype if isinstance(x, np.ndarray) and x.dtype.kind == "f" else None for k, x in given.items()}
        arguments = {k: x.astype(types[k]) if types[k] else x for k, x in given.items()}
    truth = _truth(run, kernel, given)
    got, bounds, spread = kernel(**arguments), kernel.bound(run.dtype, **given), kernel.sigma(run.dtype, **given)
    out = Figures(runs=1)
    for name in kernel.outputs:
        parts = (_one(x, name) for x in (truth, got, bounds, spread))
        out.add(_figures(run.dtype, *parts))
    return out


def _truth(run: Run, kernel: Any, given: Inputs) -> Any:
    if prod(run.sizes.values()) <= SMALL:
        try:
            return kernel.oracle(**given)
        except Undecided:  # as written it loses more than 4096 bits, log(1 - sigmoid(3000)) for one
            pass
    return ir_balls(kernel.program, given)


def _one(results: Any, name: str) -> Any:
    x = results[name] if isinstance(results, dict) else results
    return x.double().numpy() if isinstance(x, torch.Tensor) else x


def _figures(dtype: str, balls: Any, got: Any, bound: Any, sigma: Any) -> Figures:
    model, mid = MODELS[dtype], balls.mid()
    got = np.broadcast_to(np.asarray(got, float), mid.shape)
    finite = np.array([b.is_finite() for b in balls.balls.flat], bool).reshape(mid.shape)
    valued = ~np.isnan(mid) & ~(finite & np.isinf(mid))
    error = np.abs(balls.error(got)) - balls.rad()
    error = np.where(np.isnan(error), np.inf, np.maximum(error, 0))
    with np.errstate(all="ignore"):
        ratio = np.where(error == 0, 0.0, error / bound)
        z = np.where(error == 0, 0.0, 6 * balls.error(got) / (6 * sigma + model.u * np.abs(mid) + model.eta))
    z = np.where(np.isnan(z), np.inf, z)
    # An infinite bound says that anything may happen, overflow too.
    promised = valued & np.isfinite(bound)
    silent = promised & ~np.isfinite(sigma)
    z, ratio = z[promised & ~silent], ratio[promised]
    return Figures(
        entries=int(z.size),
        unjudged=int(valued.sum() - promised.sum()),
        silent=int(silent.sum()),
        z_max=float(np.abs(z).max(initial=0.0)),
        squares=float((z**2).sum()),
        total=float(z.sum()),
        worst=float(ratio.max(initial=0.0)),
        alarms=int((np.abs(z) > 6).sum()),
        violations=int((ratio > 1).sum()),
    )


def campaign(count: int, seed: int = 0, show: bool = False) -> tuple[dict[str, Figures], list[tuple[Run, Figures]]]:
    """Make runs; return the figures of every row, and the runs with an alarm or a violation."""
    kernels, rows, bad = Kernels(), {name: Figures() for name in ROWS}, []
    for k in range(count):
        run = draw(np.random.default_rng((seed, k)), seed * 1_000_003 + k)
        found = judged(run, kernels.get(run))
        rows[run.row].add(found)
        if found.alarms or found.violations:
            bad.append((run, found))
            if show:
                sys.stdout.write(f"{run} {found}\n")
    return rows, bad


def main() -> int:
    """Make as many runs as asked for, from a seed, and print the figures."""
    count, seed = (int(x) for x in (sys.argv[1:] + ["1000", "0"][len(sys.argv) - 1 :]))
    start = time.process_time()
    with np.errstate(all="ignore"):
        rows, bad = campaign(count, seed, show=True)
    every = Figures()
    for name, figures in rows.items():
        every.add(figures)
        sys.stdout.write(f"{name:34} {figures}\n")
    seconds = time.process_time() - start
    sys.stdout.write(f"{'all':34} {every}\n{seconds:.0f} s, {len(bad)} runs with alarms or violations\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
