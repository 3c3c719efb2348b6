"""Makes Triton's interpreter compute what hardware computes: bfloat16, tf32, tree-ordered scans, loop bounds.

The interpreter keeps bfloat16 as bit patterns and computes on them, multiplies tf32 operands unrounded, and scans in
sequence, which hides a wrong combine function. `install` repairs this by replacing private names, so it does so only
for versions it was tested with, and tests itself on first use.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from dltsym.errors import DltsymError, UnsupportedError

__all__ = ["VERSIONS", "InterpreterError", "decode", "encode", "install", "tf32"]

VERSIONS = ("3.6.0", "3.7.1", "3.9.0")
"""Versions of Triton whose interpreter the repairs were tested with."""

Array = np.ndarray[Any, Any]


class InterpreterError(DltsymError):
    """The repaired interpreter does not compute what it should; the message names what failed."""


def decode(bits: Array) -> Array:
    """Return the single precision numbers of bfloat16 bit patterns.

    Parameters
    ----------
    bits : array of uint16
        Patterns.

    Returns
    -------
    array of float32
    """
    return (bits.astype(np.uint32) << 16).view(np.float32)


def encode(x: Array) -> Array:
    """Round to bfloat16, to nearest and ties to even, by way of single precision as hardware does.

    Parameters
    ----------
    x : array
        Numbers of any type.

    Returns
    -------
    array of uint16
        Bit patterns; every nan becomes 0x7fc0.
    """
    single = np.ascontiguousarray(x, dtype=np.float32)
    bits = single.view(np.uint32)
    rounded = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)
    return np.where(np.isnan(single), np.uint16(0x7FC0), rounded).reshape(np.shape(x))


def tf32(x: Array) -> Array:
    """Round single precision numbers to the 11 significant bits of tf32.

    Parameters
    ----------
    x : array of float32
        Numbers.

    Returns
    -------
    array of float32
    """
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)
    rounded = ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
    return np.where(np.isfinite(x), rounded, x).astype(np.float32)


@lru_cache(maxsize=1)
def install() -> None:
    """Repair Triton's interpreter for the rest of the process, once, and test the repairs.

    Raises
    ------
    UnsupportedError
        Without triton, for a version that was not tested, or outside the interpreter.
    InterpreterError
        When a self-test fails.
    """
    try:
        import triton
        from triton.runtime import interpreter
    except ImportError:
        raise UnsupportedError("triton is not installed; pip install dltsym[gpu]") from None
    if not triton.knobs.runtime.interpret:
        raise UnsupportedError("set TRITON_INTERPRET=1 before triton is imported")
    if triton.__version__ not in VERSIONS:
        tested = ", ".join(VERSIONS)
        raise UnsupportedError(f"triton {triton.__version__} has an untested interpreter; tested: {tested}")
    for part in (_numbers, _products, _scans, _shortcuts, _calls):
        part(interpreter)
    from dltsym.oracle.interpreter_check import failures

    failed = failures()
    if failed:
        raise InterpreterError(f"shim self-test failed: {'; '.join(failed)}")


def _numbers(interp: Any) -> None:
    """Casts and element-wise operations of bfloat16."""
    tl, handle, builder = interp.tl, interp.TensorHandle, interp.InterpreterBuilder
    brain = tl.bfloat16

    def wide(h: Any) -> Any:
        return handle(decode(h.data), tl.float32) if h.dtype.scalar == brain else h

    def narrow(data: Array, dtype: Any) -> Any:
        return handle(encode(data), brain) if dtype == brain else handle(data, dtype)

    def operation(original: Callable[..., Any], select: Any = None) -> Callable[..., Any]:
        def apply(self: Any, *args: Any, **options: Any) -> Any:
            *operands, op = args
            if op is select or all(h.dtype.scalar != brain for h in operands):
                return original(self, *args, **options)
            out = op(*(wide(h).data for h in operands))
            return handle(out, tl.int1) if out.dtype == bool else narrow(out, brain)

        return apply

    def cast(original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(self: Any, src: Any, dst_type: Any, *rest: Any) -> Any:
            to = dst_type.scalar
            if to == src.dtype.scalar or brain not in (to, src.dtype.scalar):
                return original(self, src, dst_type, *rest)
            src = wide(src)
            if to == brain:
                return handle(encode(src.data), brain)
            return src if to == tl.float32 else original(self, src, dst_type, *rest)

        return apply

    for name in ("unary_op", "binary_op"):
        setattr(builder, name, operation(getattr(builder, name)))
    builder.ternary_op = operation(builder.ternary_op, select=np.where)
    for name in ("cast_impl", "create_fp_to_fp"):
        setattr(builder, name, cast(getattr(builder, name)))

    def fma(self: Any, x: Any, y: Any, z: Any) -> Any:
        a, b, c = (wide(h).data for h in (x, y, z))
        exact = a.astype(np.float64) * b + c  # one rounding, as the instruction has
        return narrow(exact.astype(c.dtype), z.dtype.scalar)

    builder.create_fma = fma
    builder.get_bf16 = lambda self, value: handle(encode(np.array([value])), brain)
    # Where one operand is nan the instruction returns the other.
    builder.create_maxnumf = lambda self, x, y: self.binary_op(x, y, np.fmax)
    builder.create_minnumf = lambda self, x, y: self.binary_op(x, y, np.fmin)


def _products(interp: Any) -> None:
    """Matrix products of bfloat16, tf32 and tf32x3."""
    tl, handle, builder = interp.tl, interp.TensorHandle, interp.InterpreterBuilder
    precision, original = interp._ir.INPUT_PRECISION, builder.create_dot

    def parts(x: Array) -> tuple[Array, Array]:
        high = tf32(x)
        return high, tf32(np.where(np.isfinite(high), x - high, np.float32(0)))

    def dot(self: Any, a: Any, b: Any, d: Any, input_precision: Any, *rest: Any) -> Any:
        if a.dtype.scalar == tl.bfloat16:
            a, b = (handle(decode(h.data), tl.float32) for h in (a, b))
        elif a.dtype.scalar == tl.float32 and input_precision == precision.TF32:
            a, b = (handle(tf32(h.data), tl.float32) for h in (a, b))
        elif a.dtype.scalar == tl.float32 and input_precision == precision.TF32x3:
            (a1, a2), (b1, b2) = parts(a.data), parts(b.data)
            small = np.matmul(a2, b1) + np.matmul(a1, b2)
            return handle(np.matmul(a1, b1) + small + d.data, d.dtype.scalar)
        return original(self, a, b, d, input_precision, *rest)

    builder.create_dot = dot


def _scans(interp: Any) -> None:
    """Scan and reduce by a combine function on whole arrays, in tree order."""
    tensor = partial(_tensor, interp)

    def combined(self: Any, first: list[Array], second: list[Array], types: list[Any]) -> list[Array]:
        out = self.combine_fn.fn(*(tensor(x, t) for x, t in zip(first + second, types * 2, strict=True)))
        out = out if isinstance(out, tuple) else (out,)
        return [x.handle.data.astype(y.dtype, copy=False) for x, y in zip(out, first, strict=True)]

    def scan(self: Any, given: Any) -> Any:
        types = [x.dtype for x in given]
        state = [np.moveaxis(x.handle.data, self.axis, 0) for x in given]
        step = 1
        while step < len(state[0]):
            new = combined(self, [np.roll(x, step, axis=0) for x in state], state, types)
            state = [np.concatenate([x[:step], y[step:]]) for x, y in zip(state, new, strict=True)]
            step *= 2
        return [tensor(np.moveaxis(x, 0, self.axis), t) for x, t in zip(state, types, strict=True)]

    def reduce(self: Any, given: Any) -> Any:
        whole, over_all = given[0].handle.data.ndim, self.axis is None
        given, axis = self.unravel(given, self.axis)
        types = [x.dtype for x in given]
        state = [np.moveaxis(x.handle.data, axis, 0) for x in given]
        while len(state[0]) > 1:
            state = combined(self, [x[::2] for x in state], [x[1::2] for x in state], types)
        out = [x[0] for x in state]
        if self.keep_dims:
            out = [x.reshape((1,) * whole) if over_all else np.expand_dims(x, axis) for x in out]
        return [self.to_tensor(x, t) for x, t in zip(out, types, strict=True)]

    interp.ScanOps.generic_scan, interp.ReduceOps.generic_reduce = scan, reduce


def _shortcuts(interp: Any) -> None:
    """Keep bfloat16 out of the sums, products and extremes that numpy would take of its bit patterns."""
    tl, scans, reductions = interp.tl, interp.ScanOps, interp.ReduceOps

    def unless_brain(shortcut: Callable[..., Any], general: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, x: general(self, x) if x.dtype == tl.bfloat16 else shortcut(self, x)

    def min_max(self: Any, given: Any, **operations: Any) -> Any:
        x = given[0] if isinstance(given, tuple) else given
        if x.dtype != tl.bfloat16:
            return extremes(self, x, **operations)
        out = extremes(self, _tensor(interp, decode(x.handle.data), tl.float32), **operations)
        best, *place = out if isinstance(out, tuple) else (out,)
        best = self.to_tensor(encode(best.handle.data), tl.bfloat16)
        return (best, *place) if place else best

    for name in ("cumsum", "cumprod"):
        setattr(scans, name, unless_brain(getattr(scans, name), lambda self, x: scans.generic_scan(self, [x])))
    reductions.sum = unless_brain(reductions.sum, lambda self, x: reductions.generic_reduce(self, [x])[0])
    extremes, reductions.min_max = reductions.min_max, min_max


def _tensor(interp: Any, data: Array, dtype: Any) -> Any:
    kind = interp.tl.block_type(dtype, list(data.shape)) if data.shape else dtype
    return interp.tl.core.tensor(interp.TensorHandle(np.ascontiguousarray(data), dtype), kind)


def _calls(interp: Any) -> None:
    """Run-time loop bounds, silence of numpy where hardware is silent, and one repair of the language per launch."""
    patch, call, language = interp._patch_lang_tensor, interp.GridExecutor.__call__, interp._patch_lang
    ready: set[int] = set()  # modules of the language that the running launch has patched

    def patch_tensor(tensor: Any, scope: Any) -> None:
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    def patch_once(fn: Any) -> Any:
        # Every call of a jit function in a program asks for it again: a third of the time of a launch.
        used = {id(x) for x in fn.__globals__.values() if x is interp.tl or x is interp.tl.core}
        if used and used <= ready:
            return SimpleNamespace(restore=lambda: None)
        ready.update(used)
        return language(fn)

    def quiet(self: Any, *args: Any, **options: Any) -> Any:
        ready.clear()
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN")
            return call(self, *args, **options)

    interp._patch_lang_tensor, interp._patch_lang = patch_tensor, patch_once
    interp.GridExecutor.__call__ = quiet
