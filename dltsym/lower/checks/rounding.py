"""The rounding error of a kernel at given inputs: guaranteed bound and standard deviation, in float64 numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dltsym.errors import DTypeError
from dltsym.lower.front.arrays import HALF, Backend
from dltsym.lower.interpret.model import Model, model_for, rounded

if TYPE_CHECKING:
    from dltsym.lower.kernel import Kernel

Values = dict[str, tuple[np.ndarray, np.ndarray]]


def short(dtype: Any) -> str:
    """Return the plain name of a type of numpy or torch.

    Parameters
    ----------
    dtype : dtype or str
        Type.

    Returns
    -------
    str

    Raises
    ------
    DTypeError
        When it is no type.
    """
    text = dtype if isinstance(dtype, str) else str(getattr(dtype, "__name__", dtype))
    text = text.removeprefix("torch.")
    if not text:
        raise DTypeError(f"{dtype!r} is no number type; take float64, float32, float16 or bfloat16")
    return text


def numpy_inputs(kernel: Kernel, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a kernel as numpy arrays in float64, checked like those of a call.

    Parameters
    ----------
    kernel : Kernel
        Kernel.
    given : mapping of str
        Inputs of any type.

    Returns
    -------
    dict
    """
    known = {k: plain(x) for k, x in kernel.arguments.bind(kernel.name, (), given).items()}
    names = [i.name for i in kernel.arguments.inputs]
    return dict(zip(names, kernel.arguments.read(Backend("numpy"), known).values, strict=True))


def plain(x: Any) -> Any:
    """Return a tensor or an array of numbers as a float64 array; anything else as it is.

    Parameters
    ----------
    x : Any
        Value.

    Returns
    -------
    Any
    """
    if type(x).__module__.split(".")[0] == "torch":
        x = x.detach().cpu()
        return x.double().numpy() if x.is_floating_point() else x.numpy()
    return x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def worst(kernel: Kernel, dtype: Any, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return for each output a bound of ``|kernel - exact|`` that always holds.

    Parameters
    ----------
    kernel : Kernel
        Kernel.
    dtype : dtype or str
        Type of the inputs.
    given : mapping of str
        Inputs; they are rounded to `dtype` first.

    Returns
    -------
    dict of str to numpy.ndarray
    """
    from dltsym.lower.interpret.bound import running

    def cast(v: np.ndarray, e: np.ndarray, m: Model) -> np.ndarray:
        size = np.abs(v) + e
        return np.where(size * (1 + m.u) > m.top, np.where(np.isinf(v), e, np.inf), e + m.u * size + m.eta)

    return {n: x[1] for n, x in _run(kernel, dtype, given, running, cast).items()}


def typical(kernel: Kernel, dtype: Any, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return for each output the standard deviation of its rounding error.

    Parameters
    ----------
    kernel : Kernel
        Kernel.
    dtype : dtype or str
        Type of the inputs.
    given : mapping of str
        Inputs; they are rounded to `dtype` first.

    Returns
    -------
    dict of str to numpy.ndarray
    """
    from dltsym.lower.interpret.sigma import spread

    def cast(v: np.ndarray, w: np.ndarray, m: Model) -> np.ndarray:
        return w + (m.u * v) ** 2 / 3 + m.eta**2

    found = {n: np.sqrt(x[1]) for n, x in _run(kernel, dtype, given, spread, cast).items()}
    return {n: np.where(np.isnan(s), np.inf, s) for n, s in found.items()}  # nothing is known of it


def _run(
    kernel: Kernel, dtype: Any, given: Mapping[str, Any], model: Callable[..., Values], cast: Callable[..., np.ndarray]
) -> Values:
    # Half precision is computed with in single precision and cast back once; triton always does, but for the weights.
    name = short(dtype)
    wide = name in HALF and (kernel.acc == "float32" or kernel.backend == "triton")
    target = kernel.backend if kernel.backend in ("numpy", "triton") else "torch"
    storage = model_for(name, target)
    arithmetic = replace(model_for("float32", target), weights=storage.weights) if wide else storage
    exact = numpy_inputs(kernel, given)
    reals = {i.name for i in kernel.arguments.inputs if i.entries == "real"}
    inputs = {k: rounded(x, storage) if k in reals and isinstance(x, np.ndarray) else x for k, x in exact.items()}
    with np.errstate(all="ignore"):
        out = model(kernel.final, inputs, arithmetic)
        return {n: (v, cast(v, e, storage) if wide else e) for n, (v, e) in out.items()}
