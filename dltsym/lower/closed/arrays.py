"""Inputs of array kernels: one type for all of them, and room for the axes of bound indices."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from numbers import Real
from typing import Any

from dltsym.errors import DomainError
from dltsym.lower.closed.space import is_torch


def to_arrays(
    backend: str, key: str, given: Mapping[str, Any], flags: Collection[str] = ()
) -> tuple[dict[str, Any], Any, Any]:
    """Return inputs as arrays of one floating type, that type for the results, and a 0-d array of it.

    Python numbers and integer arrays take the type of the floating arrays, double precision if there are none.

    Parameters
    ----------
    backend : {"numpy", "torch"}
        Module.
    key : str
        Named in errors.
    given : mapping of str to object
        Values by name.
    flags : collection of str
        Those that may be truth values, which count as 0 and 1.

    Returns
    -------
    tuple
    """
    given = {name: _counted(x) if name in flags else x for name, x in given.items()}
    if backend == "torch":
        return _tensors(key, given)
    return _ndarrays(key, given)


def _counted(x: Any) -> Any:
    """Return truth values as 0 and 1."""
    if isinstance(x, list | tuple):
        return [_counted(y) for y in x]
    if isinstance(x, bool):
        return int(x)
    truths = str(getattr(x, "dtype", "")) in ("bool", "torch.bool")
    return x * 1 if truths else x


def _plain(key: str, name: str, x: Any) -> Any:
    """Return nested lists of floats and integers; refuse what is not a number."""
    if isinstance(x, list | tuple):
        return [_plain(key, name, y) for y in x]
    tolist = getattr(x, "tolist", None)
    if tolist is not None:
        return _plain(key, name, tolist())
    if isinstance(x, bool | str) or not (isinstance(x, Real) or type(x).__name__ == "Decimal"):
        raise DomainError(f"{key}: {name} = {x!r} is not a number or an array of numbers")
    try:
        return float(x)
    except OverflowError:
        raise DomainError(f"{key}: {name} is too large for floating point") from None


def _ndarrays(key: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    import numpy as np

    out: dict[str, Any] = {}
    kinds = []
    for name, x in given.items():
        if isinstance(x, np.ndarray | np.generic) or is_torch(x):
            try:
                a = np.asarray(x)
            except (RuntimeError, TypeError) as err:  # a tensor that needs gradients, or lives elsewhere
                raise DomainError(f"{key}: {name} cannot be read as a numpy array: {err}") from None
            if a.dtype.kind not in "fiu":
                raise DomainError(f"{key}: {name} has type {a.dtype}; give real numbers")
            if a.dtype.kind == "f":
                kinds.append(a.dtype)
        else:
            a = _array(np, key, name, x)
        out[name] = a
    final = np.result_type(*kinds) if kinds else np.dtype(np.float64)
    compute = np.dtype(np.float32) if final.itemsize < 4 else final
    with np.errstate(over="ignore", under="ignore"):
        return {name: a.astype(compute, copy=False) for name, a in out.items()}, final, np.zeros((), compute)


def _array(np: Any, key: str, name: str, x: Any) -> Any:
    if type(x) is float or type(x) is int:
        try:
            return np.asarray(x, np.float64)
        except OverflowError:
            raise DomainError(f"{key}: {name} is too large for floating point") from None
    if not isinstance(x, list | tuple | Real | Fraction) and type(x).__name__ != "Decimal":
        raise DomainError(f"{key}: {name} = {x!r} is not a number or an array of numbers")
    plain = _plain(key, name, x)
    try:
        return np.asarray(plain, np.float64)
    except ValueError:
        raise DomainError(f"{key}: {name} is not a rectangular array") from None


def _tensors(key: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    import torch

    tensors = {name: x for name, x in given.items() if isinstance(x, torch.Tensor)}
    for name, t in tensors.items():
        if t.dtype == torch.bool or t.is_complex():
            raise DomainError(f"{key}: {name} has type {t.dtype}; give real numbers")
    rest, _, _ = _ndarrays(key, {name: x for name, x in given.items() if name not in tensors})
    final = None
    for t in tensors.values():
        if t.is_floating_point():
            final = t.dtype if final is None else torch.promote_types(final, t.dtype)
    import numpy as np

    strong = [x for name, x in given.items() if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"]
    for x in strong:
        dtype = torch.as_tensor(np.zeros((), x.dtype)).dtype
        final = dtype if final is None else torch.promote_types(final, dtype)
    final = final or torch.float64
    compute = torch.float32 if final.itemsize < 4 else final
    devices = {t.device for t in tensors.values() if t.dim() or t.device.type != "cpu"}
    if len(devices) > 1:
        raise DomainError(f"{key}: inputs are on several devices: {', '.join(sorted(map(str, devices)))}")
    device = next(iter(devices), torch.device("cpu"))
    out = {}
    for name in given:
        out[name] = (tensors[name] if name in tensors else torch.from_numpy(np.array(rest[name]))).to(device, compute)
    return out, final, torch.zeros((), dtype=compute, device=device)
