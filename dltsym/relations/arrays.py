"""Arrays of numpy or torch, as the words for relations need them; axes count from the right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

When = Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None
Names = str | Sequence[str]


def names_of(names: Names) -> tuple[str, ...]:
    """Return one or several names as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def kept(out: Mapping[str, Any], only: Names) -> dict[str, Any]:
    """Return the outputs that are compared: those named, or all."""
    chosen = names_of(only)
    return {o: y for o, y in out.items() if not chosen or o in chosen}


def present(names: Any, when: When) -> Callable[[Mapping[str, Any], Mapping[str, Any]], bool]:
    """Return the condition that all of some inputs are given, and another one holds."""
    needed = tuple(names)

    def applies(inputs: Mapping[str, Any], modes: Mapping[str, Any]) -> bool:
        return all(n in inputs for n in needed) and (when is None or when(inputs, modes))

    return applies


def _is_torch(x: Any) -> bool:
    return type(x).__module__.split(".")[0] == "torch"


def other_order(size: int) -> list[int]:
    """Return an order that no block structure and no reversal undoes: backwards, from a third on."""
    return [(size // 3 - i) % size for i in range(size)]


def along(x: Any, axes: int | Sequence[int], order: Callable[[int], list[int]]) -> Any:
    """Return an array in another order along one or several axes."""
    for axis in (axes,) if isinstance(axes, int) else axes:
        x = take(x, axis, order(x.shape[axis]))
    return x


def take(x: Any, axis: int, places: list[int]) -> Any:
    """Return the entries at some places of an axis."""
    where = (Ellipsis, places, *(slice(None) for _ in range(-axis - 1)))
    return x[where]


def join(parts: Sequence[Any], axis: int) -> Any:
    """Return arrays one after the other along an axis."""
    if _is_torch(parts[0]):
        import torch

        return torch.cat(list(parts), axis)
    import numpy as np

    return np.concatenate(list(parts), axis)


def full(x: Any, value: float) -> Any:
    """Return an array of the same shape and type with one number."""
    if _is_torch(x):
        return x.new_full(x.shape, value)
    import numpy as np

    return np.full_like(x, value)


def line(values: list[float], like: Any, axis: int) -> Any:
    """Return numbers as an array along an axis, from the right."""
    shape = (len(values), *(1 for _ in range(-axis - 1)))
    if _is_torch(like):
        return like.new_tensor(values).reshape(shape)
    import numpy as np

    return np.asarray(values).reshape(shape)


def tail(x: Mapping[str, Any], axes: Mapping[str, int]) -> int:
    """Return a third of the shortest of some axes, at least 1."""
    return max(1, min(x[n].shape[a] for n, a in axes.items()) // 3)


def turn(x: Any, axis: int) -> Any:
    """Reverse the coordinates and turn neighbours by the angle of a 3-4-5 triangle."""
    size = x.shape[axis]
    even, odd = list(range(0, size - 1, 2)), list(range(1, size, 2))
    a, b = take(x, axis, even), take(x, axis, odd)
    parts = [a * 0.6 + b * 0.8, b * 0.6 - a * 0.8]
    turned = join([*parts, take(x, axis, [size - 1])], axis) if size % 2 else join(parts, axis)
    return take(turned, axis, list(range(size - 1, -1, -1)))


def exp(x: Any) -> Any:
    """Return exponentials."""
    if _is_torch(x):
        return x.exp()
    import numpy as np

    return np.exp(x)


def logaddexp(a: Any, b: Any) -> Any:
    """Return logarithms of sums of exponentials."""
    if _is_torch(a):
        return a.logaddexp(b)
    import numpy as np

    return np.logaddexp(a, b)
