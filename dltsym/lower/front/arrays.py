"""The two array libraries as far as the arguments of a kernel need them; torch is imported only when asked for."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DTypeError
from dltsym.lower.program import Input

HALF = ("float16", "bfloat16")
Bad = tuple[tuple[int, ...], Any] | None


@dataclass(frozen=True)
class Backend:
    """An array library; ``name`` is ``torch`` or ``numpy``."""

    name: str

    # Entering

    def enter(self, name: str, x: Any, i: Input, array: bool) -> Any:
        """Return a value as an array of this library or a plain number.

        Parameters
        ----------
        name : str
            Argument.
        x : Any
            Value.
        i : Input
            Declaration.
        array : bool
            Whether the argument has dimensions.

        Returns
        -------
        array or number

        Raises
        ------
        DTypeError
            For something that is no number or array of this library.
        """
        if i.entries == "integer" and not array:
            return _integer(name, x)
        if isinstance(x, bool) and not array:
            raise DTypeError(f"{name} is a truth value; it takes a real number")
        if isinstance(x, np.ndarray | np.generic) or (isinstance(x, numbers.Real) and not array):
            if not isinstance(x, np.ndarray) and not array:
                return float(x) if not isinstance(x, int) else x
            return self._from_numpy(np.asarray(x))
        if type(x).__module__.split(".")[0] == "torch":
            if self.name != "torch":
                raise DTypeError(f"{name} is a torch tensor, but this is a numpy kernel; pass {name}.numpy()")
            return x
        if isinstance(x, list | tuple | numbers.Number):
            return self._from_list(name, x, i)
        if self.name == "torch" and _is_tensor(x):
            return x
        raise DTypeError(f"{name} is a {type(x).__name__}; it takes an array of {self.name}")

    def _from_numpy(self, x: np.ndarray) -> Any:
        if self.name == "numpy":
            return x
        import torch

        return torch.from_numpy(x if x.flags.writeable and min(x.strides, default=0) >= 0 else x.copy())

    def _from_list(self, name: str, x: Any, i: Input) -> Any:
        try:
            out = np.asarray(x)
        except ValueError:
            raise DTypeError(f"{name} is a ragged list; it takes an array") from None
        if out.dtype.kind not in "biuf":
            raise DTypeError(f"{name} holds {type(x).__name__} entries that are no real numbers")
        if i.entries == "real":
            out = out.astype(np.float64)
        if self.name == "numpy":
            return out
        import torch

        return torch.from_numpy(out).to(torch.get_default_dtype()) if i.entries == "real" else torch.from_numpy(out)

    # Looking

    def is_array(self, x: Any) -> bool:
        """Tell whether a value is an array of the library.

        Parameters
        ----------
        x : Any
            Value.

        Returns
        -------
        bool
        """
        return isinstance(x, np.ndarray) if self.name == "numpy" else _is_tensor(x)

    def rank(self, x: Any) -> int:
        """Return the number of dimensions.

        Parameters
        ----------
        x : Any
            Value.

        Returns
        -------
        int
        """
        return len(x.shape) if self.is_array(x) else 0

    def weak(self, x: Any) -> bool:
        """Tell whether a value takes on the type of the others: a number, or an array without dimensions.

        Parameters
        ----------
        x : Any
            Value.

        Returns
        -------
        bool
        """
        return self.rank(x) == 0

    def device(self, x: Any) -> Any:
        """Return the device of an array, None for numpy.

        Parameters
        ----------
        x : array
            Value.

        Returns
        -------
        device or None
        """
        return x.device if self.name == "torch" else None

    def check_kind(self, i: Input, x: Any) -> None:
        """Raise unless an array holds what its argument declares.

        Parameters
        ----------
        i : Input
            Argument.
        x : array
            Value.

        Raises
        ------
        DTypeError
            When it does not.
        """
        kind = self.kind(x)
        dtype = str(x.dtype).removeprefix("torch.")
        if kind == "real" and dtype.startswith(("float8", "float4", "float96", "float128")):
            raise DTypeError(f"{i.name} is {dtype}; it takes float16, bfloat16, float32 or float64")
        if kind == i.entries:
            return
        takes = {"real": "a floating type", "integer": "an integer type", "bool": "bool"}[i.entries]
        raise DTypeError(f"{i.name} is {dtype}, but it takes {takes}")

    def kind(self, x: Any) -> str:
        """Return ``real``, ``integer``, ``bool`` or ``complex``.

        Parameters
        ----------
        x : array
            Value.

        Returns
        -------
        str
        """
        if self.name == "numpy":
            return {"f": "real", "i": "integer", "u": "integer", "b": "bool"}.get(x.dtype.kind, "complex")
        if x.dtype.is_floating_point:
            return "real"
        return "bool" if str(x.dtype) == "torch.bool" else "complex" if x.dtype.is_complex else "integer"

    def cast(self, x: Any, i: Input, dtype: Any) -> Any:
        """Return a value as the generated function takes it: indices as 64-bit integers.

        Parameters
        ----------
        x : Any
            Value.
        i : Input
            Argument.
        dtype : Any
            Type of the real arrays.

        Returns
        -------
        Any
        """
        if i.entries == "integer" and self.is_array(x) and str(x.dtype).removeprefix("torch.") != "int64":
            return x.astype(np.int64) if self.name == "numpy" else x.long()
        if i.entries == "real" and self.is_array(x) and dtype is not None and x.dtype != dtype:
            return x.astype(dtype) if self.name == "numpy" else x.to(dtype)
        return x

    def leave(self, x: Any, dtype: Any, batch: tuple[int, ...], rank: int) -> Any:
        """Return a result with all batch dimensions, in the type of the inputs.

        Parameters
        ----------
        x : Any
            Result.
        dtype : Any
            Type of real results; None to leave them as they are.
        batch : tuple of int
            Batch dimensions of the call.
        rank : int
            Number of axes of the result.

        Returns
        -------
        Any
        """
        if self.is_array(x) and dtype is not None and self.kind(x) == "real":
            x = x.astype(dtype) if self.name == "numpy" else x.to(dtype)
        shape = tuple(getattr(x, "shape", ()))
        if shape[: len(shape) - rank] == batch:
            return x
        shape = (*batch, *shape[len(shape) - rank :])
        return np.broadcast_to(x, shape) if self.name == "numpy" else x.broadcast_to(shape)

    # Values

    def failing(self, x: Any, holds: Callable[[Any], Any]) -> Bad:
        """Return the place and the value of the first entry that does not hold; None when all do.

        Inside ``torch.func`` transforms and ``torch.compile`` values cannot be looked at; then nothing is said.

        Parameters
        ----------
        x : Any
            Value.
        holds : callable
            Elementwise test.

        Returns
        -------
        tuple or None
        """
        if not self.is_array(x):
            return None if holds(x) else ((), x)
        if self.name == "torch":
            return _failing_tensor(x, holds)
        bad = ~np.asarray(holds(x))
        if not bad.any():
            return None
        place = tuple(int(k) for k in np.argwhere(bad)[0]) if bad.ndim else ()
        return place, x[place].item()

    def extremes(self, x: Any) -> tuple[int, int] | None:
        """Return the smallest and the largest entry of integers; None when there is none or a transform hides them.

        Parameters
        ----------
        x : array
            Integers.

        Returns
        -------
        tuple or None

        Raises
        ------
        RuntimeError
            When torch fails for another reason.
        """
        if 0 in x.shape:
            return None
        if self.name == "numpy":
            return int(x.min()), int(x.max())
        try:
            low, high = x.aminmax()
            return int(low), int(high)
        except RuntimeError as error:
            if _hidden(error):
                return None
            raise


def widened(x: Any) -> Any:
    """Return an array of half precision as single precision, anything else as it is.

    Parameters
    ----------
    x : Any
        Value.

    Returns
    -------
    Any
    """
    if str(getattr(x, "dtype", "")).removeprefix("torch.") not in HALF:
        return x
    return x.astype(np.float32) if isinstance(x, np.ndarray) else x.float()


def _failing_tensor(x: Any, holds: Callable[[Any], Any]) -> Bad:
    import torch

    y = x.detach()
    try:
        bad = ~holds(y)
        if not bool(bad.any()):
            return None
        place = tuple(int(k) for k in torch.nonzero(bad)[0]) if bad.ndim else ()
        return place, y[place].item()
    except RuntimeError as error:  # a transform hides the values
        if _hidden(error):
            return None
        raise


def _hidden(error: RuntimeError) -> bool:
    return any(word in str(error) for word in ("vmap", "data-dependent", "item()"))


def _is_tensor(x: Any) -> bool:
    import torch

    return isinstance(x, torch.Tensor)


def _integer(name: str, x: Any) -> int:
    if isinstance(x, numbers.Integral) and not isinstance(x, bool | np.bool_):
        return int(x)
    if not isinstance(x, bool) and type(x).__module__.split(".")[0] in ("numpy", "torch") and not x.shape:
        item = x.item()
        if isinstance(item, int) and not isinstance(item, bool):
            return item
    raise DTypeError(f"{name} = {x!r} has to be an integer")
