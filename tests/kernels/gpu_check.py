"""The checks and timings of one kernel for `gpu_run.py`; as a program, planted bugs in one family.

``python tests/kernels/gpu_check.py FAMILY SUITE DEVICE COUNT`` prints one JSON line for each planted bug. It is a
process of its own: a bug may read outside of its tensors and take the device down with it.
"""

import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import gpu_boot  # noqa: F401
import gpu_suite
import torch
from gpu_device import FAR, Timer, floor_of
from gpu_work import BUILDERS, Inputs, Work, compiled_twin, works

from dltsym.errors import DltsymError
from dltsym.implementation import DTYPES, Implementation, implementation_of

REPEATS = 8
FLOOR = 32
"""Units of the largest entry that a large call may be off, whatever its twin."""


def watched(device: str) -> AbstractContextManager[Any]:
    """Watch launches in the interpreter."""
    if device == "cuda":
        return nullcontext()
    from dltsym.oracle import sanitizer

    return sanitizer.watch()


def cases(name: str, function: Callable[..., Any], suite: list[gpu_suite.Solved], device: str) -> list[dict[str, Any]]:
    """Hold a kernel against the oracle's cases and tolerances."""
    rows = []
    for solved in (s for s in suite if s.kernel == name):
        row: dict[str, Any] = {"case": solved.case, "dtype": solved.dtype, "passed": False}
        try:
            with watched(device):
                found = gpu_suite.outcome(function, solved, device)
            row["ratio"], where = gpu_suite.worst(found, solved)
            row["passed"] = row["ratio"] <= 1
            row["why"] = "" if row["passed"] else f"{where} is off by {row['ratio']:.3g} tolerances"
        except (DltsymError, RuntimeError, ValueError, TypeError) as e:
            row["why"] = f"{type(e).__name__}: {e}"[:300]
        rows.append(row)
    return rows


def large(name: str, function: Callable[..., Any], device: str, tiny: bool) -> list[dict[str, Any]]:
    """Hold large calls against the plain twin in double precision, and repeat them.

    There is no derived tolerance at these sizes: an error may be four times that of the twin in the same type, plus a
    few units of the largest entry (of the type of the arrays where the contract casts on the way). The rows say so
    (``gate``); what this is to find is wrong code, not lost digits.
    """
    told, rows = implementation_of(function), []
    if name not in BUILDERS or told is None or told.reference is None:
        return [{"case": "large", "passed": False, "why": "no realistic inputs or no twin for this kernel"}]
    for dtype in ("f32", "bf16"):
        if DTYPES[dtype] not in told.dtypes:
            continue
        for work in works(name, device, dtype, "tiny" if tiny else "check"):
            row: dict[str, Any] = {"case": work.title, "dtype": dtype, "gate": "coarse", "passed": False}
            try:
                row |= _against_twin(function, told, work, device)
            except (DltsymError, RuntimeError, ValueError, TypeError) as e:
                row["why"] = f"{type(e).__name__}: {e}"[:300]
            rows.append(row)
    return rows


def _against_twin(function: Any, told: Implementation, work: Work, device: str) -> dict[str, Any]:
    given, twin, grads = work.inputs(), told.reference, told.grads
    contract = told.arithmetic(DTYPES[work.dtype])
    inside = torch.finfo(getattr(torch, contract.io if set(contract.casts) - {"out"} else contract.acc)).eps / 2
    inside = max(inside, 2.0**-11 if contract.dot == "tf32" and contract.acc != "float64" else 0.0)

    def ours() -> dict[str, torch.Tensor]:
        with watched(device):
            return _results(lambda **x: function(**x, **work.options, backend="triton"), given, grads)

    def plainly(**x: Any) -> Any:
        return twin(**x, **work.options) if twin else None

    out = ours()
    plain = _results(plainly, given, grads)
    exact = _results(plainly, _double(given), grads)
    worst, where = 0.0, ""
    for name, true in exact.items():
        if name not in out or out[name].shape != true.shape:
            return {"passed": False, "why": f"{name} is missing or has the wrong shape"}
        worst, where = max((worst, where), (_ratio(out[name], plain.get(name), true, inside), name))
    repeats = (ours() for _ in range(REPEATS))
    stable = all(torch.equal(again[k], x) for again in _busy(repeats, device) for k, x in out.items())
    why = "" if stable else "other bits on repetition; "
    why += f"error of {where} is {worst:.3g} of what is allowed"
    return {"ratio": worst, "repeats": stable, "passed": stable and worst <= 1, "why": why}


def _ratio(got: torch.Tensor, plain: torch.Tensor | None, true: torch.Tensor, inside: float) -> float:
    """Return an error in units of what is allowed; integers have to agree, and a nan is never allowed."""
    if not true.is_floating_point():
        return 0.0 if torch.equal(got, true.to(got.dtype)) else math.inf
    if not true.numel():
        return 0.0
    scale = float(true[true.isfinite()].abs().max()) if true.isfinite().any() else 0.0
    twins = 0.0 if plain is None else _gap(plain, true)
    allowed = 4 * (twins if math.isfinite(twins) else 0.0) + FLOOR * max(torch.finfo(got.dtype).eps / 2, inside) * scale
    gap = _gap(got, true)
    return gap / allowed if allowed else math.inf if gap else 0.0


def _results(function: Callable[..., Any], given: Inputs, grads: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Return outputs by number, and gradients of a fixed combination of them as ``d<input>``."""
    leaves = {k: x.detach().requires_grad_() for k, x in given.items() if k in grads and isinstance(x, torch.Tensor)}
    out = _tuple(function(**{**given, **leaves}))
    smooth = [x for x in out if x.requires_grad]
    seeds = [_seed(x, k) for k, x in enumerate(smooth)]
    found = torch.autograd.grad(smooth, list(leaves.values()), seeds, allow_unused=True) if smooth and leaves else ()
    slopes = {f"d{k}": g for k, g in zip(leaves, found, strict=False) if g is not None}
    return {**{str(k): x.detach().clone() for k, x in enumerate(out)}, **slopes}


def _seed(x: torch.Tensor, k: int) -> torch.Tensor:
    """Return a cotangent that is the same everywhere and another for each output (outputs may add up to a constant)."""
    return torch.cos(torch.arange(x.numel(), device=x.device).double() * (k + 1) + k).reshape(x.shape).to(x.dtype)


def _gap(a: torch.Tensor, true: torch.Tensor) -> float:
    a, true = a.double(), true.double()
    same = (a == true) | (a.isnan() & true.isnan())
    return float(torch.where(same, 0.0, (a - true).abs()).nan_to_num(nan=math.inf).max())


def _double(given: Inputs) -> Inputs:
    wide = torch.float64
    return {k: x.to(wide) if isinstance(x, torch.Tensor) and x.is_floating_point() else x for k, x in given.items()}


def _tuple(out: Any) -> tuple[torch.Tensor, ...]:
    return tuple(out) if isinstance(out, tuple) else (out,)


def _busy(calls: Iterator[Any], device: str) -> Iterator[Any]:
    """Let another stream work while calls are made."""
    if device != "cuda":
        yield from calls
        return
    side, x = torch.cuda.Stream(), torch.randn(4096, 4096, device=device)
    for out in calls:
        with torch.cuda.stream(side):
            x @ x
        yield out


def unjudged(name: str, suite: list[gpu_suite.Solved]) -> list[str]:
    """Return the results of a kernel that some case has and no case can judge, type by type."""
    own = [s for s in suite if s.kernel == name]
    known = {(s.dtype, result) for s in own for result in gpu_suite.judged(s)}
    every = {(s.dtype, result) for s in own for result in s.part("value")}
    return [f"{result} in {dtype}" for dtype, result in sorted(every - known)]


def null_kernels(name: str, function: Any, suite: list[gpu_suite.Solved], device: str) -> dict[str, bool]:
    """Tell for each kernel that computes nothing whether some case rejects it."""
    rejected: dict[str, bool] = {}
    for solved in (s for s in suite if s.kernel == name):
        good = {k: x.copy() for k, x in solved.part("value").items()}
        for null, found in gpu_suite.nulls(good).items():
            rejected[null] = rejected.get(null, False) or gpu_suite.worst(found, solved)[0] > 1
    return rejected


def timings(
    name: str, function: Any, timer: Timer, roof: dict[str, float] | None, tiny: bool, late: Callable[[], bool]
) -> list[dict[str, Any]]:
    """Time a kernel, its gradient and its peers at realistic sizes."""
    told, rows = implementation_of(function), []
    if name not in BUILDERS or told is None:
        return []
    for dtype in (d for d in ("bf16", "f32") if DTYPES[d] in told.dtypes):
        for work in works(name, timer.device, dtype, "tiny" if tiny else "full"):
            for step in ("forward", "backward"):
                row: dict[str, Any] = {"kernel": name, "title": work.title, "dtype": dtype, "pass": step}
                try:
                    if late():
                        row["why"] = "not reached"
                    elif not (step == "backward" and not told.grads):
                        row |= _timed(function, told, work, step, timer, roof)
                except (DltsymError, RuntimeError, ValueError, TypeError, KeyError, NameError) as e:
                    row["why"] = f"{type(e).__name__}: {e}"[:200]
                if len(row) > 4:
                    rows.append(row)
    return rows


def _timed(
    function: Any, told: Any, work: Work, step: str, timer: Timer, roof: dict[str, float] | None
) -> dict[str, Any]:
    given = work.inputs()
    size = sum(x.numel() * x.element_size() for x in given.values() if isinstance(x, torch.Tensor))
    copies = [given, *(work.inputs() for _ in range(min(7, FAR // max(size, 1)) if timer.device == "cuda" else 1))]
    row = timer.measure([_call(function, told, work, g, step, "triton") for g in copies])
    if step in told.cost and roof:
        row |= floor_of(told.cost[step], work.sizes, work.count, roof, work.dtype)
        row["fraction"] = row["floor"] / row["seconds"]
        row["suspect"] = row["fraction"] > 1 and timer.device == "cuda"
    peers = {"twin": lambda g: _call(function, told, work, g, step, "torch")}
    if step == "forward":
        twin = compiled_twin(work.kernel, told.reference, work.options) if timer.device == "cuda" else None
        named = {**work.peers, **({"compiled twin": twin} if twin else {})}
        peers |= {k: lambda g, f=f: lambda: f(g) for k, f in named.items()}
    row["peers"] = {}
    for peer, make in peers.items():
        try:
            row["peers"][peer] = timer.measure([make(given)])["seconds"]
        except Exception as e:  # the door to code that is not ours: a peer that fails is a line of the record
            row["peers"][peer] = f"unavailable: {type(e).__name__}: {e}"[:120]
    return row


def _call(function: Any, told: Any, work: Work, given: Inputs, step: str, backend: str) -> Callable[[], Any]:
    if step == "forward":
        return lambda: function(**given, **work.options, backend=backend)
    leaves = {
        k: x.detach().requires_grad_() for k, x in given.items() if k in told.grads and isinstance(x, torch.Tensor)
    }
    out = [x for x in _tuple(function(**{**given, **leaves}, **work.options, backend=backend)) if x.requires_grad]
    seeds = [torch.ones_like(x) for x in out]
    return lambda: torch.autograd.grad(out, list(leaves.values()), seeds, retain_graph=True, allow_unused=True)


def sanitizer_tool() -> str | None:
    """Return the path of compute-sanitizer."""
    return shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")


def plant(family: str, suite: list[gpu_suite.Solved], device: str, count: int) -> Iterator[dict[str, Any]]:
    """Plant bugs one after the other, a faithful copy first, and tell which case rejects each."""
    from dltsym.oracle import mutants

    chosen = [m for m in mutants.load(family) if not m.equivalent and m.only != "float64"][:count]
    with tempfile.TemporaryDirectory() as folder:
        for mutant in (None, *chosen):
            package = mutants.opened(mutants.write(family, mutant, Path(folder)), Path(folder))
            told = {"mutant": mutant.id if mutant else "none", "rejected_by": ""}
            for solved in (s for s in suite if s.kernel.split(".")[0] == family):
                function = getattr(package, solved.kernel.split(".")[1])
                row = cases(solved.kernel, function, [solved], device)[0]
                if not row["passed"]:
                    told["rejected_by"] = f"{solved.case} {solved.dtype}: {row['why']}"[:160]
                    break
            yield told


if __name__ == "__main__":
    name, file, where, number = sys.argv[1:]
    for line in plant(name, gpu_suite.read(Path(file)), where, int(number)):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
