"""One call on a small sample, to find out what a callable returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dltsym.errors import DltsymError, KernelMapError
from dltsym.oracle.blame import by_candidate
from dltsym.oracle.candidate import Candidate, Misbehaved
from dltsym.oracle.spec import Spec, SpecInput
from dltsym.oracle.trials import hurried

if TYPE_CHECKING:
    import torch

LENGTHS = (5, 7, 4, 6, 3, 8, 9, 2)
"""Lengths of the sizes, all different, so that shapes tell outputs apart."""


def sample(spec: Spec, candidate: Candidate) -> dict[str, torch.Tensor]:
    """Return small inputs inside the domains.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Whose fixed inputs are kept.

    Returns
    -------
    dict of str to Tensor
    """
    import numpy as np
    import torch

    from dltsym.oracle.cases import length

    draw = np.random.default_rng(0)
    sizes = {s: max(low, LENGTHS[k % len(LENGTHS)]) for k, (s, low) in enumerate(spec.sizes.items())}
    out = {}
    dtype = getattr(torch, candidate.dtypes[0]) if candidate.dtypes else torch.float32
    for i in spec.inputs:
        if i.name in candidate.fixed:
            value = candidate.fixed[i.name]
            if value is not None:
                out[i.name] = torch.tensor(value(sizes), dtype=dtype, device=candidate.device)
            continue
        x = torch.as_tensor(_entries(i, draw, tuple(length(a, sizes) for a in i.axes)))
        x = x.to(dtype) if x.is_floating_point() else x
        out[i.name] = x.to(candidate.device)
    return out


def _entries(i: SpecInput, draw: Any, shape: tuple[int, ...]) -> Any:
    import numpy as np

    x = np.asarray(draw.normal(size=shape))
    lo, hi = i.lo, i.hi
    if i.kind in ("bool", "truth"):
        return x > 0
    if i.kind not in ("real", "float"):
        low = 0 if lo is None else int(lo)
        return np.asarray(draw.integers(low, (low + 2 if hi is None else int(hi)) + 1, size=shape))
    if lo is not None and hi is not None:
        return lo + (hi - lo) * (0.25 + 0.5 / (1 + np.exp(-x)))
    if lo is not None:
        return lo + 0.5 + np.abs(x)
    return x if hi is None else hi - 0.5 - np.abs(x)


def returned(candidate: Candidate, call: Any, spec: Spec, timeout: float = 60.0) -> tuple[str, ...]:
    """Call once and see which outputs come back, in the order of the statement.

    Parameters
    ----------
    candidate : Candidate
        Candidate whose outputs are not known yet.
    call : callable
        Its call.
    spec : Spec
        Statement.
    timeout : float
        Seconds for the call.

    Returns
    -------
    tuple of str

    Raises
    ------
    KernelMapError
        When the call fails, or the shapes do not look like the first outputs of the statement.
    Misbehaved
        When it changes its inputs, or hangs.
    """
    outputs = ", ".join(o.name for o in spec.outputs)
    say = f'say what it returns, such as --map "out[0]={spec.outputs[0].name}" ({spec.key} has {outputs})'
    inputs = sample(spec, candidate)
    modes = {m: (candidate.modes or {}).get(m, values)[0] for m, values in spec.modes.items()}
    try:
        with hurried(timeout):
            got = call(inputs, modes)
    except Misbehaved as error:
        raise Misbehaved(error.kind, f"{candidate.name}, on a small sample: {error}") from None
    except TimeoutError as error:
        raise Misbehaved("timeout", f"{candidate.name} was {error} on a small sample") from None
    except DltsymError as error:
        raise KernelMapError(f"{candidate.name}: {error}") from None
    except Exception as error:  # the guarded door: whatever a user's function raises is told, with what to do
        if not by_candidate(error):
            raise
        text = " ".join(str(error).split())
        arrays = "; if it takes numpy arrays, add --arrays numpy" if candidate.kind == "torch" else ""
        raise KernelMapError(
            f"{candidate.name} failed on a small sample ({type(error).__name__}: {text}); "
            f"if it needs other sizes, {say}{arrays}"
        ) from error
    sizes = {a: inputs[i.name].shape[k] for i in spec.inputs if i.name in inputs for k, a in enumerate(i.axes)}
    for o in spec.outputs:
        own = [sizes[a] if a in sizes else int(a) if a.isdecimal() else -1 for a in o.axes]
        if o.name in got and list(got[o.name].shape) != own:
            raise KernelMapError(
                f"{candidate.name} returns shapes {[tuple(y.shape) for y in got.values()]}, and {o.name} has the axes "
                f"({', '.join(o.axes)}); {say}, with a layout if the axes have another order"
            )
    return tuple(got)
