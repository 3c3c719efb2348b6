"""Functions of shared libraries as callables: a C signature says what they take; CUDA sources are compiled first."""

from __future__ import annotations

import ctypes
import inspect
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltsym.errors import KernelMapError, UnsupportedError

POINTERS = {
    "f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16", "i32": "int32", "i64": "int64",
    "i16": "int16", "i8": "int8", "u8": "uint8",
}  # fmt: skip
SCALARS: dict[str, Any] = {
    "int": ctypes.c_int, "i32": ctypes.c_int32, "i64": ctypes.c_int64, "size_t": ctypes.c_size_t,
    "f32": ctypes.c_float, "f64": ctypes.c_double, "float": ctypes.c_float, "double": ctypes.c_double,
    "bool": ctypes.c_bool,
}  # fmt: skip
REALS = ("float64", "float32", "float16", "bfloat16")
EXAMPLE = '"ptr f32 q; ptr f32 k; out f32 o; int n; f32 tau"'


@dataclass(frozen=True)
class Argument:
    """A parameter of a C function: an array that it reads, one that it writes, or a number."""

    name: str
    kind: str
    type: str


def parsed(text: str) -> tuple[Argument, ...]:
    """Read a C signature.

    Parameters
    ----------
    text : str
        Parameters separated by semicolons: ``ptr TYPE name``, ``out TYPE name``, ``int name``, ``f32 name``.

    Returns
    -------
    tuple of Argument

    Raises
    ------
    KernelMapError
        When it cannot be read.

    Examples
    --------
    >>> [a.name for a in parsed("ptr f32 x; out f32 y; int n")]
    ['x', 'y', 'n']
    """
    out = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        words = part.split()
        array = len(words) == 3 and words[0] in ("ptr", "out") and words[1] in POINTERS
        number = len(words) == 2 and words[0] in SCALARS
        if not (array or number) or not words[-1].isidentifier():
            raise KernelMapError(f"cannot read {part!r} in the C signature; write it like {EXAMPLE}")
        out.append(Argument(words[-1], words[0] if array else "number", words[1] if array else words[0]))
    names = [a.name for a in out]
    if not out or len({*names}) != len(names):
        raise KernelMapError(f"a shared library needs its C signature, such as --c-signature {EXAMPLE}")
    return tuple(out)


def opened(path: Path, symbol: str, signature: str) -> Callable[..., None]:
    """Return a function of a shared library as a callable of tensors.

    Parameters
    ----------
    path : Path
        Library, or a CUDA source, which is compiled if there is a compiler and a device.
    symbol : str
        Function in it, of C linkage.
    signature : str
        Its parameters.

    Returns
    -------
    callable

    Raises
    ------
    KernelMapError
        When there is no such file or function.
    """
    arguments = parsed(signature)
    if not path.is_file():
        raise KernelMapError(f"there is no file {path}")
    path = _built(path) if path.suffix == ".cu" else path
    try:
        entry = getattr(ctypes.CDLL(str(path.resolve())), symbol)
    except OSError as error:
        raise KernelMapError(f"{path} cannot be loaded: {error}") from None
    except AttributeError:
        raise KernelMapError(f'{path} has no function {symbol}; declare it extern "C"') from None
    entry.restype = None
    entry.argtypes = [SCALARS[a.type] if a.kind == "number" else ctypes.c_void_p for a in arguments]

    def call(*values: Any) -> None:
        kept = [_passed(a, x) for a, x in zip(arguments, values, strict=True)]
        entry(*(x if a.kind == "number" else x.data_ptr() for a, x in zip(arguments, kept, strict=True)))

    parameters = [inspect.Parameter(a.name, inspect.Parameter.POSITIONAL_ONLY) for a in arguments]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = symbol
    real = dict.fromkeys(POINTERS[a.type] for a in arguments if a.kind == "ptr" and POINTERS[a.type] in REALS)
    call.c_dtypes = tuple(real) or ("float32",)  # type: ignore[attr-defined]
    return call


def _passed(argument: Argument, value: Any) -> Any:
    """Return a value as C takes it; arrays that are read are made contiguous, arrays that are written are already."""
    if argument.kind == "number":
        if isinstance(value, int | float):
            return int(value) if argument.type not in ("f32", "f64", "float", "double") else float(value)
        raise KernelMapError(f"the C parameter {argument.name} is a number, and gets an array; map a batch away")
    wanted = POINTERS[argument.type]
    have = str(getattr(value, "dtype", type(value).__name__)).removeprefix("torch.")
    if have != wanted:
        name = argument.name
        raise KernelMapError(
            f"the C parameter {name} is {wanted}, and gets {have}; "
            + (f"map it as {name}=out({name}, {argument.type})" if argument.kind == "out" else "see its C signature")
        )
    return value if argument.kind == "out" else value.contiguous()


def _built(source: Path) -> Path:
    """Compile a CUDA source to a library."""
    compiler = shutil.which("nvcc")
    if compiler is None:
        raise UnsupportedError(f"nvcc is not installed, and {source} has to be compiled")
    folder = Path(tempfile.mkdtemp(prefix="dltsym-cuda-"))
    library = folder / f"{source.stem}.so"
    command = [compiler, "-O2", "-shared", "-Xcompiler", "-fPIC", "-o", str(library), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        first = re.sub(r"\s+", " ", done.stderr.strip())[:600]
        raise KernelMapError(f"{source} does not compile: {first}")
    import torch

    if not torch.cuda.is_available():
        raise UnsupportedError(f"{source} compiles; there is no CUDA device to run it on (no CUDA device)")
    return library
