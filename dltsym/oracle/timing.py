"""Times of our kernels and their twins on a GPU: medians over rotated inputs, with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from dltsym.errors import UnknownKey
from dltsym.implementation import Implementation, implementation_of

HEAD = ("kernel", "dtype", "case", "what", "median us", "spread us", "runs")
RUNS, WARM, COPIES, LARGEST = 50, 5, 4, 3
Progress = Callable[[int, int, str], None]


def device() -> bool:
    """Tell whether there is a GPU to measure on.

    Returns
    -------
    bool
    """
    import torch

    return torch.cuda.is_available()


def measured(name: str, dtypes: Sequence[str], progress: Progress | None = None) -> list[dict[str, Any]]:
    """Time a kernel and its twin, forward, on its largest cases.

    Parameters
    ----------
    name : str
        ``family.kernel``, or a family for all of its kernels.
    dtypes : sequence of str
        Types.
    progress : callable, optional
        Called before each measurement.

    Returns
    -------
    list of dict
        One row for each kernel, type, case and implementation; times in microseconds.

    Raises
    ------
    UnknownKey
        When there is no such kernel.
    """
    from dltsym import kernels

    every = kernels.everything()
    chosen = {n: f for n, f in every.items() if name in (n, n.partition(".")[0])}
    if not chosen:
        raise UnknownKey(f"no kernel {name!r}; there are {', '.join(every)}")
    todo = []
    for label, function in chosen.items():
        own = implementation_of(function)
        assert own is not None
        largest = sorted(own.cases, key=_volume)[-LARGEST:]
        todo += [(label, function, own, d, case) for d in dtypes if d in own.dtypes for case in largest]
    rows = []
    for done, (label, function, own, dtype, case) in enumerate(todo):
        if progress is not None:
            progress(done, len(todo), f"{label} {dtype} {case.name}")
        for what, call in _calls(label, function, own, dtype, case):
            median, spread = timed(call)
            row = (label, dtype, case.name, what, round(median, 2), round(spread, 2), RUNS)
            rows.append(dict(zip(HEAD, row, strict=True)))
    return rows


def _volume(case: Any) -> float:
    out = 1.0
    for length in (*case.sizes.values(), *case.batch.get("", ())):
        out *= max(length, 1)
    return out


def _calls(label: str, function: Any, own: Implementation, dtype: str, case: Any) -> list[tuple[str, Any]]:
    """Return the kernel and its twin as functions of a number that chooses one of several copies of the inputs."""
    from dataclasses import replace

    from dltsym.oracle import calls
    from dltsym.oracle.adapters import candidate
    from dltsym.oracle.cases import layouts, make_inputs
    from dltsym.oracle.statement import spec_of

    spec = spec_of(own.key)
    copies = [
        calls.tensors(spec, make_inputs(spec, replace(case, seed=case.seed + k), dtype), dtype, layouts(case), "cuda")
        for k in range(COPIES)
    ]
    out = [("kernel", candidate(function, spec, device="cuda", name=label))]
    if own.reference is not None:
        twin = replace(own, backend="torch")
        out.append(("torch twin", candidate(own.reference, spec, device="cuda", name=label, told=twin)))
    return [(what, lambda k, c=c: c.call(copies[k % COPIES], case.modes)) for what, c in out]


def timed(call: Callable[[int], Any]) -> tuple[float, float]:
    """Measure by events of the device: two medians, whose difference is the spread.

    Parameters
    ----------
    call : callable
        What is timed; its argument rotates inputs.

    Returns
    -------
    tuple of float
        Median and spread in microseconds.
    """
    import torch

    for k in range(WARM):
        call(k)
    medians = []
    for _ in range(2):
        times = []
        for k in range(RUNS):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            call(k)
            end.record()
            end.synchronize()
            times.append(1000.0 * start.elapsed_time(end))
        medians.append(statistics.median(times))
    return sum(medians) / 2, abs(medians[0] - medians[1])
