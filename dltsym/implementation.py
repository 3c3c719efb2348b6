"""What a kernel says of itself: which theorem it implements, in what arithmetic, at what cost, and on which inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dltsym.errors import DomainError

__all__ = ["Arithmetic", "Case", "Cost", "Implementation", "implementation_of", "implements"]

F = TypeVar("F", bound=Callable[..., Any])
DTYPES = {"f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16"}
"""Short names of number types."""


@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic contract of a kernel; tolerances are derived from it and the theorem, never typed by hand.

    Attributes
    ----------
    io : str
        Type of inputs and outputs.
    acc : str
        Type that is computed and accumulated in.
    dot : {"ieee", "tf32", "tf32x3"}
        What matrix products do with their single precision operands.
    reductions : {"sequential", "blocked", "tree"}
        How sums are ordered.
    block : int
        Length of a block of a blocked sum.
    casts : tuple of str
        Where results are rounded to `io` on the way: ``"P"`` (weights before they meet the values), ``"dS"`` (score
        gradients before a product), ``"out"``.
    exp_ulp, log_ulp : float
        Error of one library call in units in the last place.
    ftz : bool
        Whether subnormal results become 0.
    form : str
        Form of the statement whose rounding errors are charged: empty for the statement as written, ``"stable"`` for
        the statement with its differences that cancel rewritten, or a form that the record proves. A kernel that names
        one is held to the smaller tolerance of that form and of the statement as written, entry by entry.
    normalised : bool
        Whether log weights of which only differences count are made to sum to 1 before they are used. Their gradient
        then loses its mean by a subtraction, whose rounding is that of its largest entries.
    """

    io: str = "float32"
    acc: str = "float32"
    dot: str = "ieee"
    reductions: str = "tree"
    block: int = 64
    casts: tuple[str, ...] = ("out",)
    exp_ulp: float = 2.0
    log_ulp: float = 2.0
    ftz: bool = False
    form: str = ""
    normalised: bool = False


@dataclass(frozen=True)
class Cost:
    """Work of one call as text in the sizes: tensor-core and other flops, bytes moved, special-function calls."""

    tensor: str = "0"
    flops: str = "0"
    bytes: str = "0"
    special: str = "0"


@dataclass(frozen=True)
class Case:
    """One input of a check, drawn from its seed.

    Attributes
    ----------
    name : str
        Short name, unique among the cases of a theorem.
    sizes : mapping of str to int
        Length of every size.
    batch : mapping of str to tuple of int
        Leading dimensions by input; the empty name stands for all other arrays.
    modes : mapping
        Static choices.
    values : mapping of str to str or callable
        Recipe by input, such as ``"normal"`` or ``"12 normal"``, or a function of (generator, shape) that returns an
        array; by default what the domain of the input suggests. An input with the recipe ``"absent"`` is left out.
    seed : int
        Seed.
    dtypes : tuple of str
        Only for these types, if not empty.
    """

    name: str
    sizes: Mapping[str, int]
    batch: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    modes: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str | Callable[..., Any]] = field(default_factory=dict)
    seed: int = 1
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Implementation:
    """What `implements` says of a function.

    Attributes
    ----------
    key : str
        Theorem.
    backend : str
        ``triton``, ``torch`` or any other name.
    dtypes : tuple of str
        Types of numbers that it takes.
    arithmetic : callable
        From a type to the `Arithmetic` in which the function works.
    grads : tuple of str
        Inputs with gradients.
    outputs : tuple of str
        Which outputs of the theorem it returns, in order; empty for all.
    reference : callable or None
        Plain and slow function of the same signature.
    cost : mapping of str to Cost
        Work of ``forward`` and ``backward``.
    cases : tuple of Case
        Inputs on which it is to be checked.
    sources : tuple of str
        Files, beside the module, that its code lies in; their hash is that of the kernel.
    tensor_cores : bool
        Whether the compiled code must use them.
    """

    key: str
    backend: str
    dtypes: tuple[str, ...]
    arithmetic: Callable[[str], Arithmetic]
    grads: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    reference: Callable[..., Any] | None = None
    cost: Mapping[str, Cost] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    sources: tuple[str, ...] = ()
    tensor_cores: bool = False


def implements(
    key: str,
    *,
    backend: str,
    dtypes: tuple[str, ...] = ("f32",),
    arithmetic: Arithmetic | Callable[[str], Arithmetic] | None = None,
    **options: Any,
) -> Callable[[F], F]:
    """Mark a function as an implementation of a theorem; the function itself is not changed.

    Parameters
    ----------
    key : str
        Key of the theorem.
    backend : str
        What it runs on.
    dtypes : tuple of str
        Types, ``f64``, ``f32``, ``f16``, ``bf16``.
    arithmetic : Arithmetic or callable, optional
        Contract, or a function from the type to the contract; by default single precision accumulators, tree sums and
        one rounding of the result.
    **options
        Other fields of `Implementation`.

    Returns
    -------
    callable
        Decorator.

    Raises
    ------
    DomainError
        For an unknown type.

    Examples
    --------
    >>> @implements("information.lse_two", backend="torch", dtypes=("f32",))
    ... def lse_two(a, b):
    ...     return max(a, b)
    >>> implementation_of(lse_two).dtypes
    ('float32',)
    """
    unknown = [d for d in dtypes if d not in DTYPES and d not in DTYPES.values()]
    if unknown:
        raise DomainError(f"{key}: unknown type {unknown[0]!r}; there are {', '.join(DTYPES)}")
    types = tuple(DTYPES.get(d, d) for d in dtypes)

    def contract(dtype: str) -> Arithmetic:
        if callable(arithmetic):
            return arithmetic(dtype)
        return arithmetic or Arithmetic(io=dtype, acc="float64" if dtype == "float64" else "float32")

    def mark(function: F) -> F:
        function.__implementation__ = Implementation(key, backend, types, contract, **options)  # type: ignore[attr-defined]
        return function

    return mark


def implementation_of(function: Any) -> Implementation | None:
    """Return what a function says of itself.

    Parameters
    ----------
    function : callable
        Function.

    Returns
    -------
    Implementation or None
    """
    return getattr(function, "__implementation__", None)
