"""One call of a kernel: checks, conversion to single precision, evaluation, batch dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from dltsym.errors import DomainError, ShapeError
from dltsym.lower.front.arrays import HALF, Backend, widened
from dltsym.lower.printers.targets import host

if TYPE_CHECKING:
    from dltsym.lower.kernel import Kernel

KEPT = 64
_NUMBERS = (float, int)
_LOOK = attrgetter("__class__", "shape", "dtype", "device")


@dataclass
class Caller:
    """Evaluates a kernel; remembers which shapes, types and devices passed every check and needed no conversion."""

    kernel: Kernel
    fine: dict[Any, tuple[tuple[int, ...], Mapping[str, int]]] = field(default_factory=dict)

    @cached_property
    def host(self) -> Backend:
        """The array library."""
        return Backend(host(self.kernel.backend))

    @cached_property
    def valued(self) -> bool:
        """Whether shapes and types do not say everything about the arguments."""
        return self.kernel.arguments.valued

    def __call__(self, args: tuple[Any, ...], inputs: Mapping[str, Any], validate: bool) -> Any:
        """Evaluate.

        Parameters
        ----------
        args : tuple
            Positional values.
        inputs : mapping of str
            Values by name.
        validate : bool
            Check the entries of real arrays too.

        Returns
        -------
        Any
        """
        names = self.kernel.inputs
        values = [inputs[n] for n in names if n in inputs] if inputs else list(args)
        plain = len(values) == len(names) == len(args) + len(inputs) and not validate
        seen = _seen(values) if plain else None
        found = self.fine.get(seen)
        if found is None:
            return self._checked(seen, args, inputs, validate)
        batch, sizes = found
        if self.valued:
            self.kernel.arguments.look(self.host, values, sizes)
        out = self._run(values)
        return out if not batch and len(self.kernel.outputs) == 1 else self._leave(out, None, batch)

    def _checked(self, seen: Any, args: tuple[Any, ...], inputs: Mapping[str, Any], validate: bool) -> Any:
        kernel = self.kernel
        bound = kernel.arguments.bind(kernel.name, args, inputs)
        if kernel.backend == "ball":
            return kernel.oracle(**bound)
        call = kernel.arguments.read(self.host, bound, validate=validate)
        wide = self._wide(call.values, call.dtype)
        same = all(x is bound[n] for n, x in zip(kernel.inputs, call.values, strict=True))
        if wide is None and same and seen is not None:
            if len(self.fine) >= KEPT:
                self.fine.clear()
            self.fine[seen] = call.batch, call.sizes
        out = self._run(call.values if wide is None else wide)
        return self._leave(out, None if wide is None else call.dtype, call.batch)

    def _run(self, values: list[Any]) -> Any:
        try:
            return self._raw(values)
        except IndexError as error:
            if "non-zero size" not in str(error):
                raise
            raise ShapeError(f"{self.kernel.name}: a maximum, a minimum or its place over nothing") from None
        except (ArithmeticError, ValueError) as error:  # numbers and sizes are computed with by Python itself
            if "zero-size" in str(error) or "empty sequence" in str(error):
                raise ShapeError(f"{self.kernel.name}: a maximum, a minimum or its place over nothing") from None
            if isinstance(error, ValueError) and not str(error).startswith(("math", "expected a")):
                raise
            shown = ", ".join(
                f"{n} = {x}" for n, x in zip(self.kernel.inputs, values, strict=True) if isinstance(x, int | float)
            )
            told = f" ({shown})" if shown else ""
            raise DomainError(f"{self.kernel.name}: no value at these parameters and sizes{told}: {error}") from None

    def _raw(self, values: list[Any]) -> Any:
        if self.host.name != "numpy":
            return self.kernel.function(*(self._tensors(values) if self.kernel.compiled else values))
        import numpy as np

        with np.errstate(all="ignore"):
            return self.kernel.function(*values)

    def _tensors(self, values: list[Any]) -> list[Any]:
        # A Python float would be compiled into the code, one compilation per value.
        import torch

        like = next((x for x in values if torch.is_tensor(x) and x.is_floating_point()), None)
        if like is None:
            return values
        return [torch.tensor(x, dtype=like.dtype, device=like.device) if isinstance(x, float) else x for x in values]

    def _wide(self, values: list[Any], dtype: Any) -> list[Any] | None:
        short = str(dtype).removeprefix("torch.")
        if self.kernel.acc != "float32" or self.kernel.backend == "triton" or short not in HALF:
            return None
        return [widened(x) for x in values]

    def _leave(self, out: Any, dtype: Any, batch: tuple[int, ...]) -> Any:
        outputs = self.kernel.final.outputs
        results = out if len(outputs) > 1 else (out,)
        return self.kernel.one(
            {o.name: self.host.leave(x, dtype, batch, len(o.axes)) for o, x in zip(outputs, results, strict=True)}
        )


def _seen(values: list[Any]) -> Any:
    try:
        return tuple([type(x) if type(x) in _NUMBERS else _LOOK(x) for x in values])
    except AttributeError:  # not an array: every call converts it
        return None
