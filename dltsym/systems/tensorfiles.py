"""Tensors in .npy, .npz and .safetensors files, read block by block so that a file may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from dltsym.errors import DltsymError, DomainError, DTypeError, UnknownKey, suggest

__all__ = ["TensorFile", "open_tensor"]

HEADER = 10**8  # bytes: the limit of the format
SAFE = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True, eq=False)
class TensorFile:
    """One tensor of a file.

    Attributes
    ----------
    name : str
        Its name in the file; empty for .npy.
    shape : tuple of int
        Shape.
    dtype : str
        ``float64``, ``float32``, ``float16`` or ``bfloat16``.
    blocks : callable
        ``blocks()`` iterates over the matrices of the last two axes, in order, in double precision.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    blocks: Callable[[], Iterator[Any]]


def open_tensor(path: str | Path, name: str | None = None) -> TensorFile:
    """Open a tensor of a file without reading it.

    Parameters
    ----------
    path : str or Path
        File that ends in .npy, .npz or .safetensors.
    name : str, optional
        Tensor; may be left out when the file holds one.

    Returns
    -------
    TensorFile

    Raises
    ------
    DomainError
        For another kind of file, or one that is not there or cut off.
    DltsymError
        A `DTypeError` for tensors that do not hold floating point numbers, an `UnknownKey` for a name that the file
        does not hold, or none when it holds several.
    """
    if not isinstance(path, str | Path) or not isinstance(name, str | None):
        raise DomainError(f"{path!r} and {name!r} have to be the path of a file and the name of a tensor")
    path = Path(path)
    kinds = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors}
    if path.suffix not in kinds:
        raise DomainError(f"{path.name}: only {', '.join(kinds)} files are read")
    try:
        return kinds[path.suffix](path, name)
    except DltsymError:
        raise
    except OSError as error:
        raise DomainError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise DomainError(f"{path.name} is no {path.suffix} file of numbers: {error}") from None


def _chosen(names: list[str], name: str | None, path: Path) -> str:
    if name is None and len(names) == 1:
        return names[0]
    if name not in names:
        what = f"no tensor {name!r}" if name is not None else "several tensors; name one of them"
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise UnknownKey(f"{path.name}: {what}: {shown}{suggest(name or '', names)}")
    return name


def _npy(path: Path, name: str | None) -> TensorFile:
    if name is not None:
        raise UnknownKey(f"{path.name} holds one tensor without a name")
    data = np.load(path, mmap_mode="r", allow_pickle=False)
    return _whole("", data)


def _whole(name: str, data: Any) -> TensorFile:
    _floating(str(data.dtype), data.dtype.kind == "f" and data.dtype.itemsize <= 8, name)

    def blocks() -> Iterator[Any]:
        for at in np.ndindex(data.shape[:-2]):
            yield np.asarray(data[at], np.float64)

    return TensorFile(name, tuple(data.shape), str(data.dtype.newbyteorder("=")), blocks)


def _npz(path: Path, name: str | None) -> TensorFile:
    with ZipFile(path) as archive:
        names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
        name = _chosen(names, name, path)
        with archive.open(f"{name}.npy") as member:
            shape, fortran, dtype = _header(member)
    _floating(str(dtype), dtype.kind == "f" and dtype.itemsize <= 8, name)
    if fortran:  # the last axes are not contiguous
        with np.load(path, allow_pickle=False) as data:
            return _whole(name, data[name])

    def blocks() -> Iterator[Any]:
        with ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
            _header(member)
            size = prod(shape[-2:]) * dtype.itemsize
            for _ in range(prod(shape[:-2])):
                raw = member.read(size)
                if len(raw) < size:
                    raise DomainError(f"{path.name}: {name} is cut off")
                yield np.frombuffer(raw, dtype).reshape(shape[-2:]).astype(np.float64)

    return TensorFile(name, shape, str(dtype.newbyteorder("=")), blocks)


def _header(member: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    form = np.lib.format
    version = form.read_magic(member)
    return form.read_array_header_1_0(member) if version == (1, 0) else form.read_array_header_2_0(member)


def _safetensors(path: Path, name: str | None) -> TensorFile:
    # The layout is public and small. The numpy side of its library refuses bfloat16, which attention is often saved in.
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= HEADER:
            raise ValueError("its header has no sensible size")
        header = json.loads(file.read(size).decode("utf-8"))
    name = _chosen([n for n in header if n != "__metadata__"], name, path)
    kind, shape = header[name]["dtype"], tuple(header[name]["shape"])
    start, end = header[name]["data_offsets"]
    _floating(kind, kind in SAFE, name)
    dtype = np.dtype(SAFE[kind])
    if end - start != prod(shape) * dtype.itemsize or 8 + size + end > path.stat().st_size:
        raise ValueError(f"{name} is cut off")
    place = {"dtype": dtype, "mode": "r", "offset": 8 + size + start, "shape": shape}

    def blocks() -> Iterator[Any]:
        data = np.memmap(path, **place) if prod(shape) else np.zeros(shape, dtype)
        for at in np.ndindex(shape[:-2]):
            yield _wide(np.asarray(data[at])) if kind == "BF16" else np.asarray(data[at], np.float64)

    word = "bfloat16" if kind == "BF16" else str(dtype.newbyteorder("="))
    return TensorFile(name, shape, word, blocks)


def _wide(bits: Any) -> Any:
    """Return bfloat16 numbers, which are the upper halves of single precision ones."""
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def _floating(dtype: str, good: bool, name: str) -> None:
    if not good:
        raise DTypeError(
            f"{name or 'the tensor'} has entries of type {dtype}; attention is read as f64, f32, f16 or bf16"
        )
