"""Judging another implementation: its distance from the oracle in units of the rounding error to be expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DomainError
from dltsym.lower.checks.validate import tolerance
from dltsym.lower.interpret.raw_arb import BallArray


@dataclass(frozen=True)
class CheckResult:
    """Errors of an implementation in units of the tolerance's standard deviation.

    Attributes
    ----------
    z_max, rms_z, bias : float
        Largest, root mean square and mean signed error; a truncating cast shows in the mean.
    worst_index : tuple
        Name of the output and the index of its worst entry.
    passed : bool
        Whether every entry is within ``6 sqrt(w) + u |v| + eta`` of the oracle.
    """

    z_max: float
    rms_z: float
    bias: float
    worst_index: tuple[Any, ...]
    passed: bool

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        return f"{verdict}: z_max {self.z_max:.3g} at {self.worst_index}, rms z {self.rms_z:.3g}, bias {self.bias:+.3g}"


def check(kernel: Any, other: Callable[..., Any], **inputs: Any) -> CheckResult:
    """Compare a callable with the oracle of a kernel.

    Parameters
    ----------
    kernel : Kernel
        Its expression is the reference, its program gives the tolerance.
    other : callable
        Implementation under test; it takes the same keyword arguments.
    **inputs : array or number
        Arguments, in the type that `other` computes in.

    Returns
    -------
    CheckResult
    """
    dtype = _dtype_of(inputs)
    exact = {name: plain64(x) for name, x in inputs.items()}
    balls = kernel.oracle(**exact)
    balls = balls if isinstance(balls, Mapping) else {next(iter(kernel.outputs)): balls}
    out = other(**inputs)
    got = out if isinstance(out, Mapping) else dict(zip(balls, out if len(balls) > 1 else (out,), strict=True))
    limits = tolerance(kernel.program, exact, dtype)
    z = {name: scores(b, plain64(got[name]), limits[name]) for name, b in balls.items()}
    return summary(z)


def scores(balls: BallArray, got: np.ndarray, limits: Any) -> np.ndarray:
    """Return signed errors in units of a sixth of the threshold; infinite where a number is not finite and should be.

    Parameters
    ----------
    balls : BallArray
        Reference.
    got : ndarray
        Numbers under test.
    limits : Tolerance
        Rounding error to expect.

    Returns
    -------
    ndarray
        nan where the reference has no value.

    Raises
    ------
    DomainError
        When the shapes differ.
    """
    if got.shape != balls.shape:
        raise DomainError(f"the implementation returns the shape {got.shape}, the expression has {balls.shape}")
    mid, error = balls.mid(), balls.error(got)
    unit = (limits.allowed(mid) + balls.rad()) / 6
    with np.errstate(all="ignore"):
        z = np.where(error == 0, 0.0, error / unit)
    return np.where(np.isnan(mid), np.nan, np.where(np.isnan(z), np.inf, z))


def summary(z: Mapping[str, np.ndarray]) -> CheckResult:
    """Return the figures of a set of signed errors.

    Parameters
    ----------
    z : mapping of str to ndarray
        Errors per output.

    Returns
    -------
    CheckResult

    Raises
    ------
    DomainError
        When no entry has a value.
    """
    sizes = {name: np.where(np.isnan(v), -1.0, np.abs(v)) for name, v in z.items() if v.size}
    every = np.concatenate([v[~np.isnan(v)].ravel() for v in z.values()])
    if not every.size:
        raise DomainError("the expression has no value at any entry of these inputs")
    name = max(sizes, key=lambda n: sizes[n].max())
    at = np.unravel_index(int(sizes[name].argmax()), sizes[name].shape)
    with np.errstate(all="ignore"):
        rms, bias = float(np.sqrt(np.mean(every**2))), float(np.mean(every))
    worst = float(sizes[name].max())
    return CheckResult(worst, rms, bias, (name, *map(int, at)), worst <= 6)


def plain64(x: Any) -> Any:
    """Return an array or tensor as numpy, floating entries in float64; numbers unchanged.

    Parameters
    ----------
    x : array, tensor or number
        Input.

    Returns
    -------
    ndarray or number
    """
    if type(x).__module__.split(".")[0] == "torch":
        x = x.detach().cpu()
        return x.double().numpy() if x.is_floating_point() else x.numpy()
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        return x.astype(np.float64)
    return x


def _dtype_of(inputs: Mapping[str, Any]) -> str:
    names = {str(x.dtype).removeprefix("torch.") for x in inputs.values() if _is_real_array(x)}
    if len(names) > 1:
        raise DomainError(f"the inputs mix number types: {', '.join(sorted(names))}")
    return names.pop() if names else "float64"


def _is_real_array(x: Any) -> bool:
    if type(x).__module__.split(".")[0] == "torch":
        return x.is_floating_point()
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
