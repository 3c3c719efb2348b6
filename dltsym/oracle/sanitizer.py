"""Finds in the interpreter what it hides: lanes outside of their tensor, undefined lanes, races, unwritten outputs.

Every pointer carries the argument that it came from, so a lane that strays into a neighbouring tensor is found too.
Violations are raised before the memory is touched.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dltsym.errors import DltsymError
from dltsym.oracle import interpreter

__all__ = ["OutOfBounds", "Race", "SanitizerError", "Watched", "watch"]

NOBODY, MANY = -1, -2
GRID_LIMIT = 65535
"""Most programs along the second and third axis of a grid."""

Array = np.ndarray[Any, Any]


class SanitizerError(DltsymError):
    """A kernel does what has no defined result on hardware."""


class OutOfBounds(SanitizerError):
    """Active lanes of a load, store or atomic operation lie outside of the tensor their pointer came from."""


class Race(SanitizerError):
    """The result depends on the order of programs or lanes."""


@dataclass(eq=False)
class _Memory:
    """A storage: which program wrote and which read each of its units."""

    start: int
    unit: int
    writer: Array
    reader: Array


@dataclass(frozen=True, eq=False)
class _Argument:
    """A tensor of a launch: its bytes [start, end), and which units of its extent are its own if there are gaps."""

    name: str
    start: int
    end: int
    memory: _Memory
    own: Array | None


@dataclass
class Watched:
    """What was seen of the launches in a `watch` block.

    Attributes
    ----------
    launches, programs, lanes : int
        Counts; lanes are those of loads and stores that were active.
    """

    launches: int = 0
    programs: int = 0
    lanes: int = 0
    order: str | int = "natural"
    arguments: list[_Argument] = field(default_factory=list, repr=False)
    visits: Array | None = field(default=None, repr=False)


@contextmanager
def watch(order: str | int = "natural") -> Iterator[Watched]:
    """Watch all launches in the interpreter, and fill what torch allocates with nan (integers: the largest).

    Parameters
    ----------
    order : {"natural", "reverse"} or int
        In which order programs run; a number is the seed of a random order.

    Yields
    ------
    Watched
        Counts so far. A launch raises `OutOfBounds` for an access outside of a tensor, and `Race` if its result
        depends on the order of programs.
    """
    import torch
    from triton.runtime import interpreter as interp

    interpreter.install()
    seen = Watched(order=order)
    with ExitStack() as stack:
        for owner, name, make in _hooks(interp):
            original = getattr(owner, name)
            stack.callback(setattr, owner, name, original)
            setattr(owner, name, make(seen, original))
        before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        stack.callback(torch.use_deterministic_algorithms, before[0], warn_only=before[1])
        torch.use_deterministic_algorithms(True, warn_only=True)  # torch fills new memory only in this mode
        yield seen


def _hooks(interp: Any) -> Iterator[tuple[Any, str, Callable[[Watched, Any], Any]]]:
    builder, executor = interp.InterpreterBuilder, interp.GridExecutor
    yield builder, "create_masked_load", _load
    yield builder, "create_masked_store", _store
    yield builder, "create_atomic_rmw", _atomic
    yield builder, "create_atomic_cas", _compare_and_swap
    yield builder, "set_grid_dim", _grid
    yield builder, "set_grid_idx", _visit
    yield executor, "_init_args_hst", _collect
    yield executor, "__call__", _launch
    yield interp, "_implicit_cvt", _tag


def _launch(seen: Watched, original: Any) -> Any:
    def call(self: Any, *args: Any, **options: Any) -> Any:
        seen.launches += 1
        try:
            return original(self, *args, **options)
        except Exception as e:  # raised again in every case; of the wrapping only the finding itself is kept
            found: BaseException | None = e
            while found is not None and not isinstance(found, SanitizerError):
                found = found.__cause__
            if found is None:
                raise
            raise type(found)(f"{self.fn.__name__}: {found}") from None
        finally:
            seen.arguments = []

    return call


def _collect(seen: Watched, original: Any) -> Any:
    def init(self: Any, args: Any, options: Any) -> Any:
        on_host, named = original(self, args, options)
        tensors = list(_tensors({**dict(zip(self.arg_names, on_host, strict=False)), **named}))
        memories: dict[int, _Memory] = {}
        for storage in {t.untyped_storage().data_ptr(): t.untyped_storage() for _, t in tensors}.values():
            units = [t.element_size() for _, t in tensors if t.untyped_storage().data_ptr() == storage.data_ptr()]
            unit = math.gcd(*units)
            marks = [np.full(-(-storage.nbytes() // unit), NOBODY, np.int64) for _ in range(2)]
            memories[storage.data_ptr()] = _Memory(storage.data_ptr(), unit, *marks)
        seen.arguments = [_argument(name, t, memories[t.untyped_storage().data_ptr()]) for name, t in tensors]
        return on_host, named

    return init


def _tensors(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Walk the tensors of arguments, also in tuples, descriptors and wrappers."""
    if isinstance(values, (dict, tuple, list)):
        pairs = values.items() if isinstance(values, dict) else enumerate(values)
        for key, value in pairs:
            yield from _tensors(value, f"{name}[{key}]" if name else str(key))
        return
    base = getattr(values, "base", None)
    if getattr(values, "data_ptr", None) is not None:
        yield name, values if getattr(values, "untyped_storage", None) is not None else base
    elif base is not None:
        yield from _tensors(base, name)


def _argument(name: str, tensor: Any, memory: _Memory) -> _Argument:
    size, start = tensor.element_size(), tensor.data_ptr()
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True)) + 1 if tensor.numel() else 0
    own = None
    if tensor.numel() and tensor.numel() < reach:
        at = sum(
            np.arange(n).reshape(-1, *(1,) * (tensor.ndim - 1 - k)) * s
            for k, (n, s) in enumerate(zip(tensor.shape, tensor.stride(), strict=True))
        )
        own = np.zeros(reach, bool)
        own[np.ravel(at)] = True
        own = np.repeat(own, size // memory.unit)
    return _Argument(name, start, start + reach * size, memory, own)


def _tag(seen: Watched, original: Any) -> Any:
    """Let the type of a pointer, which every operation hands on, name the argument that it came from."""

    def convert(arg: Any) -> Any:
        out = original(arg)
        if getattr(arg, "data_ptr", None) is not None:
            start = arg.data_ptr()
            known = [a for a in seen.arguments if a.start == start]
            longest = max(known, key=lambda a: a.end, default=None)
            out.handle.dtype = copy.copy(out.handle.dtype)
            out.handle.dtype.origin = longest
        return out

    return convert


def _grid(seen: Watched, original: Any) -> Any:
    def set_grid(self: Any, *grid: int) -> None:
        if max(grid[1:]) > GRID_LIMIT:
            raise SanitizerError(f"grid {grid}: the second and third axis take at most {GRID_LIMIT} programs")
        total = math.prod(grid)
        visits = np.arange(total)
        if seen.order == "reverse":
            visits = visits[::-1]
        elif seen.order != "natural":
            visits = np.random.default_rng(int(seen.order)).permutation(total)
        seen.visits = visits
        original(self, *grid)

    return set_grid


def _visit(seen: Watched, original: Any) -> Any:
    def set_program(self: Any, *program: int) -> None:
        seen.programs += 1
        turn = np.ravel_multi_index(program, self.grid_dim)
        there = int(turn) if seen.visits is None else int(seen.visits[turn])
        original(self, *(int(i) for i in np.unravel_index(there, self.grid_dim)))

    return set_program


def _load(seen: Watched, original: Any) -> Any:
    def load(self: Any, ptrs: Any, mask: Any, other: Any, *rest: Any, **options: Any) -> Any:
        for argument, at in _located(seen, self, "load", ptrs, mask):
            me, memory = _me(self), argument.memory
            writers = memory.writer[at]
            _refuse(self, argument, "read", (writers != NOBODY) & (writers != me), writers, "which wrote it")
            readers = memory.reader[at]
            memory.reader[at] = np.where((readers == NOBODY) | (readers == me), me, MANY)
        if other is None and not np.all(mask.data):
            other = _poison(ptrs)
        return original(self, ptrs, mask, other, *rest, **options)

    return load


def _store(seen: Watched, original: Any) -> Any:
    def store(self: Any, ptrs: Any, value: Any, mask: Any, *rest: Any, **options: Any) -> Any:
        for argument, at in _located(seen, self, "store", ptrs, mask, own=True):
            me, memory = _me(self), argument.memory
            for marks, told in ((memory.writer, "which wrote it too"), (memory.reader, "which read it")):
                others = marks[at]
                _refuse(self, argument, "write", (others != NOBODY) & (others != me), others, told)
            memory.writer[at] = me
        _refuse_disagreement(self, ptrs, value, mask)
        return original(self, ptrs, value, mask, *rest, **options)

    return store


def _atomic(seen: Watched, original: Any) -> Any:
    def update(self: Any, op: Any, ptr: Any, val: Any, mask: Any, *rest: Any, **options: Any) -> Any:
        for _ in _located(seen, self, "atomic", ptr, mask, own=True):
            pass
        return original(self, op, ptr, val, mask, *rest, **options)

    return update


def _compare_and_swap(seen: Watched, original: Any) -> Any:
    def swap(self: Any, ptr: Any, *rest: Any, **options: Any) -> Any:
        for _ in _located(seen, self, "atomic", ptr, None, own=True):
            pass
        return original(self, ptr, *rest, **options)

    return swap


def _located(
    seen: Watched, builder: Any, what: str, ptrs: Any, mask: Any, own: bool = False
) -> Iterator[tuple[_Argument, Array]]:
    """Check the active lanes and yield the units they touch, by argument."""
    size = max(1, ptrs.get_element_ty().primitive_bitwidth // 8)
    on = np.ones(ptrs.data.shape, bool) if mask is None else np.broadcast_to(mask.data, ptrs.data.shape)
    lanes = ptrs.data[on].astype(np.int64)
    seen.lanes += lanes.size
    if not lanes.size:
        return
    origin = getattr(ptrs.dtype, "origin", None)
    left = np.ones(lanes.size, bool)
    for argument in [origin] if origin is not None else seen.arguments:
        inside = left & (lanes >= argument.start) & (lanes + size <= argument.end)
        unit = argument.memory.unit
        if own and argument.own is not None:
            inside[inside] = argument.own[(lanes[inside] - argument.start) // unit]
        left &= ~inside
        if inside.any():
            first = (lanes[inside] - argument.memory.start) // unit
            yield argument, (first[:, None] + np.arange(max(1, size // unit))).ravel()
    if left.any():
        where = f"argument {origin.name}" if origin is not None else "no argument"
        off = f", first {int(lanes[left][0] - origin.start) // size} elements from its start" if origin else ""
        count = f"{int(left.sum())}/{on.size} lanes out of bounds"
        raise OutOfBounds(f"{what}: {count} at program {builder.grid_idx}, {where}{off}")


def _refuse(builder: Any, argument: _Argument, verb: str, bad: Array, others: Array, told: str) -> None:
    if bad.any():
        other = int(others[bad][0])
        x, y, z = np.unravel_index(other, builder.grid_dim) if other >= 0 else (None,) * 3
        who = f"program ({x}, {y}, {z})" if other >= 0 else "several programs"
        raise Race(
            f"program {builder.grid_idx} may {verb} {int(bad.sum())} elements of argument {argument.name} "
            f"before or after {who}, {told}"
        )


def _refuse_disagreement(builder: Any, ptrs: Any, value: Any, mask: Any) -> None:
    """Refuse a store whose lanes write different values to one place."""
    on = np.broadcast_to(mask.data, ptrs.data.shape)
    lanes = ptrs.data[on]
    if lanes.size < 2 or np.all(lanes[1:] > lanes[:-1]):
        return
    values = np.broadcast_to(value.data, ptrs.data.shape)[on]
    order = np.argsort(lanes, kind="stable")
    lanes, bits = lanes[order], values[order].view(f"u{values.itemsize}")
    if np.any((lanes[1:] == lanes[:-1]) & (bits[1:] != bits[:-1])):
        raise Race(f"lanes of one store at program {builder.grid_idx} write different values to one place")


def _poison(ptrs: Any) -> Any:
    """Make what an inactive lane of a load without ``other`` holds: nan, or a large integer."""
    from triton.runtime import interpreter as interp

    kind = ptrs.get_element_ty()
    data = np.zeros(ptrs.data.shape, interp._get_np_dtype(kind))
    if kind.is_floating():
        data[...] = 0x7FC0 if kind == interp.tl.bfloat16 else 0x7F if data.dtype == np.uint8 else np.nan
    elif data.dtype != bool:
        data[...] = np.iinfo(data.dtype).max
    return interp.TensorHandle(data, kind)


def _me(builder: Any) -> int:
    return int(np.ravel_multi_index(builder.grid_idx, builder.grid_dim))
