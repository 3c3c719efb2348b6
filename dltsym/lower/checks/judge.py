"""Judging another implementation: its distance from the oracle in units of the rounding error to be expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dltsym.errors import DomainError
from dltsym.lower.checks.rounding import typical, worst
from dltsym.lower.interpret.model import Model, model_for
from dltsym.lower.interpret.raw_arb import BallArray
from dltsym.lower.kernel import Kernel


@dataclass(frozen=True)
class CheckResult:
    """Errors of an implementation in units of the tolerance's standard deviation.

    Attributes
    ----------
    z_max, rms_z, bias : float
        Largest, root mean square and mean signed error of what was judged; a truncating cast shows in the mean. nan
        if nothing was.
    worst_index : tuple
        Name of the output and the index of its worst entry, empty if nothing was judged.
    passed : bool
        Whether something was judged and all of it is within ``6 sqrt(w) + u |v| + eta`` of the oracle.
    judged : int
        Entries that were judged.
    unjudged : int
        Entries with an exact value of which no kernel of this arithmetic promises anything: the guaranteed bound is
        infinite (overflow, an undecided choice, an error as large as an argument of a logarithm).
    """

    z_max: float
    rms_z: float
    bias: float
    worst_index: tuple[Any, ...]
    passed: bool
    judged: int
    unjudged: int = 0

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        left = f"; {self.unjudged} of {self.judged + self.unjudged} entries not judged" if self.unjudged else ""
        if not self.judged:
            return f"{verdict}: nothing is promised at these inputs in this type{left}"
        at = f"z_max {self.z_max:.3g} at {self.worst_index}"
        return f"{verdict}: {at}, rms z {self.rms_z:.3g}, bias {self.bias:+.3g}{left}"


@dataclass(frozen=True, eq=False)
class Limits:
    """What rounding may do to one output: standard deviation, guaranteed bound, and the storage type."""

    sigma: np.ndarray
    bound: np.ndarray
    model: Model

    def allowed(self, value: np.ndarray) -> np.ndarray:
        """Return the threshold, six standard deviations and one rounding of the value; nan where nothing is promised.

        Parameters
        ----------
        value : ndarray
            Exact values.

        Returns
        -------
        ndarray
        """
        with np.errstate(all="ignore"):
            out = 6 * self.sigma + self.model.u * np.abs(value) + self.model.eta
            fine = np.isfinite(self.bound) & np.isfinite(self.sigma)
        return np.where(fine, np.where(np.isinf(value), self.model.eta, out), np.nan)


def check(kernel: Kernel, other: Callable[..., Any], **inputs: Any) -> CheckResult:
    """Compare a callable with the oracle of a kernel.

    Parameters
    ----------
    kernel : Kernel
        Its expression is the reference, its program gives the tolerance.
    other : callable
        Implementation under test; it takes the same keyword arguments. A kernel is judged in its own arithmetic, any
        other function as one that stores every result in the type of the inputs.
    **inputs : array or number
        Arguments, in the type that `other` computes in.

    Returns
    -------
    CheckResult

    Raises
    ------
    DomainError
        When `other` is no function, or returns no numbers of the right shape.
    """
    if not callable(other):
        raise DomainError(f"{kernel.name}: check takes a function or a kernel, got {other!r}")
    dtype = _dtype_of(inputs)
    exact = {name: plain64(x) for name, x in inputs.items()}
    balls = _named(kernel, kernel.oracle(**exact))
    got = _named(kernel, other(**inputs))
    limits = _limits(kernel, other, dtype, inputs)
    return summary({name: scores(b, plain64(got[name]), limits[name]) for name, b in balls.items()})


def _named(kernel: Kernel, out: Any) -> Mapping[str, Any]:
    names = kernel.outputs
    if isinstance(out, Mapping):
        results = dict(out)
    else:
        several = out if len(names) > 1 and isinstance(out, tuple | list) else (out,)
        results = dict(zip(names, several, strict=False))
    missing = [n for n in names if results.get(n) is None]
    if missing:
        raise DomainError(f"{kernel.name}: the implementation returns nothing for {', '.join(missing)}")
    return results


def _limits(kernel: Kernel, other: Callable[..., Any], dtype: str, inputs: Mapping[str, Any]) -> dict[str, Limits]:
    # The program is always that of the reference: a wrong one could promise itself anything.
    tensors = any(type(x).__module__.split(".")[0] == "torch" for x in inputs.values())
    backend, acc = "torch" if tensors else "numpy", "native"
    if isinstance(other, Kernel):
        backend, acc = other.backend, other.acc
    runs = replace(kernel, backend=backend, acc=acc)
    target = backend if backend in ("numpy", "triton") else "torch"
    bound, sigma = worst(runs, dtype, inputs), typical(runs, dtype, inputs)
    return {name: Limits(sigma[name], bound[name], model_for(dtype, target)) for name in bound}


def scores(balls: BallArray, got: np.ndarray, limits: Limits) -> tuple[np.ndarray, int]:
    """Return signed errors in units of a sixth of the threshold; infinite where a number is not finite and should be.

    Parameters
    ----------
    balls : BallArray
        Reference.
    got : ndarray
        Numbers under test.
    limits : Limits
        Rounding error to expect.

    Returns
    -------
    tuple of ndarray and int
        nan where nothing is judged, and the number of those entries that have an exact value.

    Raises
    ------
    DomainError
        When the shapes differ.
    """
    if got.shape != balls.shape:
        raise DomainError(f"the implementation returns the shape {got.shape}, the expression has {balls.shape}")
    mid, error = balls.mid(), balls.error(got)
    valued = np.array([not b.is_nan() for b in balls.balls.flat], bool).reshape(balls.shape)
    large = np.array([b.is_finite() for b in balls.balls.flat], bool).reshape(balls.shape) & np.isinf(mid)
    unit = (limits.allowed(mid) + balls.rad()) / 6
    judged = valued & ~large & ~np.isnan(unit)
    with np.errstate(all="ignore"):
        z = np.where(error == 0, 0.0, error / unit)
    return np.where(judged, np.where(np.isnan(z), np.inf, z), np.nan), int((valued & ~judged).sum())


def summary(found: Mapping[str, tuple[np.ndarray, int]]) -> CheckResult:
    """Return the figures of a set of signed errors.

    Parameters
    ----------
    found : mapping of str to tuple of ndarray and int
        Per output its errors, nan where not judged, and how many entries with a value those are.

    Returns
    -------
    CheckResult

    Raises
    ------
    DomainError
        When no entry has a value.
    """
    every = np.concatenate([z[~np.isnan(z)].ravel() for z, _ in found.values()])
    left = sum(n for _, n in found.values())
    if not every.size:
        if not left:
            raise DomainError("the expression has no value at any entry of these inputs")
        return CheckResult(np.nan, np.nan, np.nan, (), False, 0, left)
    sizes = {name: np.where(np.isnan(z), -1.0, np.abs(z)) for name, (z, _) in found.items() if z.size}
    name = max(sizes, key=lambda n: sizes[n].max())
    at = np.unravel_index(int(sizes[name].argmax()), sizes[name].shape)
    with np.errstate(all="ignore"):
        rms, bias = float(np.sqrt(np.mean(every**2))), float(np.mean(every))
    most = float(sizes[name].max())
    return CheckResult(most, rms, bias, (name, *map(int, at)), most <= 6, int(every.size), left)


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
