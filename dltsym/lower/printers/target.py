"""What the printer must know of a backend: a new backend is one value of `Target`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Target:
    """Templates of one array library. ``{0}``, ``{1}`` are operands, ``{dims}`` negative dimensions.

    Attributes
    ----------
    name : str
        Name; the file in `dltsym.lower.printers.targets`.
    host : {"torch", "numpy"}
        Whose arrays it takes.
    ops : mapping of str to str
        Templates of the rows of the op table; an empty one where there is none.
    modules : mapping of str to str
        Module names in generated text and the statement that imports each.
    helpers : mapping of str to str
        Source of the helper functions that templates may call.
    dtype, device : str
        Attributes of an array; an empty device for none.
    lift : str
        A number ``{0}`` as an array of type ``{dtype}`` on ``{device}``.
    enter : str
        A scalar argument as a number or an array; the same fields.
    tensor : str
        Such a value as an array.
    first : str
        The first scalar argument of a function without arrays, which sets the type.
    zeros : str
        Zeros of shape ``{0}``.
    arange : str
        ``0 .. {0} - 1`` of type ``{dtype}``.
    integer, truth : str
        Type of indices and of truths.
    default : str
        Type of results when no argument is real.
    cast, any, where, mT, move, diagonal, narrow, dense : str
        Conversion to ``{dtype}``; any-test; selection; exchange of the last two dimensions; move of dimensions
        ``{source}`` to ``{target}``; diagonal of ``{dim1}``, ``{dim2}``, put last; ``{size}`` entries from ``{start}``
        of dimension ``{dim}``; contiguous copy.
    dot : str
        Sum of the products along the last dimension, empty where multiplying and summing is as fast.
    inplace : str
        An array ``{0}`` multiplied in place by ``{1}``; empty for none.
    matmul, einsum, sum, mean, square, rsqrt, sqrt : str
        Products, sums and powers.
    keep : str
        What a reduction takes besides its dimensions to keep them.
    axpy : str
        ``{0}`` plus ``{2}``, a number, times ``{1}`` in one pass; empty for none.
    folds : mapping of str to str
        Reductions by monoid; one dimension only for those in `single`.
    single : frozenset of str
        Reductions and normalisations whose template takes one dimension.
    scans : mapping of str to str
        Inclusive forward scans by monoid along ``{dim}``, where the library has one.
    softmax, log_softmax : str
        Normalisation over its dimensions.
    negate : str
        Truth negation.
    clamp : mapping of str to str
        Maximum and minimum of a number ``{0}`` and an array ``{1}``.
    vanishing : mapping of str to str
        Templates of rows whose library form has no gradient where every operand is -inf.
    """

    name: str
    host: str
    ops: Mapping[str, str]
    modules: Mapping[str, str]
    helpers: Mapping[str, str]
    dtype: str
    device: str
    lift: str
    enter: str
    tensor: str
    first: str
    zeros: str
    arange: str
    integer: str
    truth: str
    default: str
    cast: str
    any: str
    where: str
    mT: str
    move: str
    diagonal: str
    dense: str
    dot: str
    narrow: str
    matmul: str
    einsum: str
    sum: str
    mean: str
    keep: str
    axpy: str
    inplace: str
    square: str
    rsqrt: str
    sqrt: str
    folds: Mapping[str, str]
    single: frozenset[str]
    scans: Mapping[str, str]
    softmax: str
    log_softmax: str
    negate: str
    clamp: Mapping[str, str]
    vanishing: Mapping[str, str]


def dims_text(dims: Dims) -> str:
    """Return one dimension as a number and several as a tuple.

    Parameters
    ----------
    dims : tuple of int
        Negative dimensions.

    Returns
    -------
    str
    """
    return str(dims[0]) if len(dims) == 1 else f"({', '.join(map(str, dims))})"
