"""Cases of the oracle as plain arrays: drawn, solved and bounded where ball arithmetic is, checked where a device is.

``python tests/kernels/gpu_suite.py FILE`` writes them; `gpu_run.py --suite FILE` holds compiled kernels against them.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gpu_boot  # noqa: F401
import numpy as np
import torch

from dltsym import kernels
from dltsym.errors import DltsymError
from dltsym.implementation import DTYPES, implementation_of
from dltsym.oracle.metrics import blind_entries

LARGEST = 2**17
"""Most entries that one array of a case may have."""
SHORT = {long: short for short, long in DTYPES.items()}


@dataclass(frozen=True)
class Solved:
    """A case with what is true of it.

    Attributes
    ----------
    kernel, case, dtype : str
        What is called, on what, in which type.
    modes : mapping
        Static choices.
    types : mapping of str to str
        Types of the inputs.
    outputs : tuple of str
        What the kernel returns, in order.
    arrays : mapping of str to array
        ``in/NAME``, ``cot/OUTPUT``, ``value/RESULT``, ``limit/RESULT`` and ``radius/RESULT``.
    """

    kernel: str
    case: str
    dtype: str
    modes: Mapping[str, Any]
    types: Mapping[str, str]
    outputs: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]

    def part(self, kind: str) -> dict[str, np.ndarray]:
        """Return the arrays of one kind by name."""
        head = f"{kind}/"
        return {key.removeprefix(head): x for key, x in self.arrays.items() if key.startswith(head)}


def solve(dtypes: tuple[str, ...], per_kernel: int, only: Sequence[str] = ()) -> Iterator[Solved]:
    """Draw the first cases of every kernel that are small enough, and solve them by the oracle."""
    from dltsym.oracle.calls import tensors
    from dltsym.oracle.prepare import prepare
    from dltsym.oracle.statement import spec_of

    for name, function in kernels.everything().items():
        told = implementation_of(function)
        if told is None or (only and not any(part in name for part in only)):
            continue
        spec = spec_of(told.key)
        outputs = told.outputs or tuple(o.name for o in spec.outputs)
        smooth = tuple(o.name for o in spec.outputs if o.name in outputs and not o.exact)
        for dtype in (DTYPES[d] for d in dtypes if DTYPES[d] in told.dtypes):
            found = 0
            for case in sorted(told.cases, key=lambda case: -math.prod(case.sizes.values())):
                if found == per_kernel or (case.dtypes and SHORT[dtype] not in case.dtypes):
                    continue
                prepared = prepare(spec, case, dtype, told.arithmetic(dtype), told.grads, None, smooth)
                if prepared.problem or max(x.size for x in prepared.inputs.values()) > LARGEST:
                    continue
                types = {k: str(t.dtype)[6:] for k, t in tensors(spec, prepared.inputs, prepared.dtype).items()}
                found += 1
                yield _plain(name, prepared, types, outputs)


def _plain(name: str, prepared: Any, types: dict[str, str], outputs: tuple[str, ...]) -> Solved:
    arrays = {f"in/{k}": np.asarray(x) for k, x in prepared.inputs.items()}
    arrays |= {f"cot/{k}": np.asarray(x) for k, x in prepared.cotangents.items()}
    for kind in ("values", "limit", "radius"):
        given = getattr(prepared, kind)
        arrays |= {f"{kind.removesuffix('s')}/{k}": np.asarray(x) for k, x in given.items()}
    return Solved(name, prepared.case.name, SHORT[prepared.dtype], dict(prepared.modes), types, outputs, arrays)


def write(path: Path, suite: list[Solved]) -> None:
    """Put solved cases into one file."""
    told = ("kernel", "case", "dtype", "modes", "types", "outputs")
    head = [{name: getattr(s, name) for name in told} for s in suite]
    arrays = {f"{k}/{key}": x for k, s in enumerate(suite) for key, x in s.arrays.items()}
    np.savez_compressed(path, head=np.array(json.dumps(head)), **arrays)


def read(path: Path) -> list[Solved]:
    """Read what `write` wrote."""
    with np.load(path) as stored:
        arrays: dict[str, dict[str, np.ndarray]] = {}
        for key in stored.files:
            number, _, rest = key.partition("/")
            arrays.setdefault(number, {})[rest] = stored[key]
        return [Solved(**head, arrays=arrays[str(k)]) for k, head in enumerate(json.loads(str(stored["head"])))]


def outcome(function: Callable[..., Any], solved: Solved, device: str) -> dict[str, Any]:
    """Call a kernel on a case; return outputs and gradients by name, in double precision on the host."""
    cotangents = solved.part("cot")
    wanted = [name.removeprefix("d") for name in solved.part("value") if name not in solved.outputs]
    given = {}
    for name, x in solved.part("in").items():
        t = torch.from_numpy(np.array(x)).to(device, getattr(torch, solved.types[name]))
        given[name] = t.requires_grad_() if name in wanted else t
    out = function(**given, **solved.modes, backend="triton")
    by_name = dict(zip(solved.outputs, out if isinstance(out, tuple) else (out,), strict=True))
    terms = [
        (by_name[k].double() * torch.from_numpy(c).to(device)).sum()
        for k, c in cotangents.items()
        if k in by_name and by_name[k].requires_grad
    ]
    if wanted and terms:
        grads = torch.autograd.grad(sum(terms), [given[k] for k in wanted], allow_unused=True)
        by_name |= {f"d{k}": g for k, g in zip(wanted, grads, strict=True) if g is not None}
    return {k: x.detach().double().cpu().numpy() for k, x in by_name.items()}


def worst(found: Mapping[str, np.ndarray], solved: Solved) -> tuple[float, str]:
    """Return the largest error over tolerance, and of which result; infinite where nan, infinities or shapes differ."""
    top = (0.0, "")
    for name, true in solved.part("value").items():
        got = found.get(name)
        if got is None or got.size != true.size:
            return np.inf, name
        got, finite, known = got.reshape(true.shape), np.isfinite(true), seen(name, solved)
        same = np.array_equal(got[~finite], true[~finite], equal_nan=True) and np.isfinite(got[finite & known]).all()
        with np.errstate(all="ignore"):
            error = np.where(finite & known, np.abs(got - true), 0.0)
            ratio = float(np.max(np.where(error > 0, error / allowed(name, solved), 0.0), initial=0.0))
        top = max(top, (ratio if same else np.inf, name))
    return top


def allowed(name: str, solved: Solved) -> np.ndarray:
    """Return how far each entry of a result may be off; nan where nobody knows."""
    shape = solved.part("value")[name].shape
    limit, radius = solved.part("limit").get(name, np.nan), solved.part("radius").get(name, 0.0)
    return np.broadcast_to(limit + radius, shape)


def seen(name: str, solved: Solved) -> np.ndarray:
    """Tell of each entry of a result whether its tolerance sees anything there, as the oracle does."""
    return ~blind_entries(solved.part("value")[name], allowed(name, solved))


def judged(solved: Solved) -> set[str]:
    """Return the results of which some entry is seen."""
    return {name for name, x in solved.part("value").items() if x.size and bool(seen(name, solved).any())}


def nulls(good: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return what kernels that compute nothing would return."""

    def each(change: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
        return {name: change(x) for name, x in good.items()}

    return {
        "zeros": each(np.zeros_like),
        "ones": each(np.ones_like),
        "nan": each(lambda x: np.full_like(x, np.nan)),
        "shifted by one": each(lambda x: np.roll(x, 1)),
    }


if __name__ == "__main__":
    everything = []
    try:
        for item in solve(("f32", "bf16"), per_kernel=6):
            everything.append(item)
    except DltsymError as e:
        sys.exit(f"after {len(everything)} cases: {e}")
    write(Path(sys.argv[1]), everything)
    sys.stdout.write(f"{len(everything)} cases\n")
