"""The batched inverse of Bernoulli relative entropy, the last step of every kl bound, with an outward-rounded mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.errors import DTypeError, ShapeError
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels import dispatch
from dltsym.kernels.kl_inverse import reference
from dltsym.kernels.kl_inverse.cases import CASES

if TYPE_CHECKING:
    import torch

COST = {
    "forward": Cost(flops="260*n", bytes="4*io*n", special="18*n"),
    "backward": Cost(flops="270*n", bytes="6*io*n", special="20*n"),
}


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: single precision inside, double for double, one rounding of the results.

    Parameters
    ----------
    dtype : str
        Type of the inputs.

    Returns
    -------
    Arithmetic
    """
    return Arithmetic(dtype, "float64" if dtype == "float64" else "float32", form="centred")


@implements(
    "pac_bayes.kl_inverse",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    grads=("q", "c"),
    reference=reference.kl_inverse,
    cost=COST,
    cases=CASES,
    sources=("triton_kl_inverse.py",),
)
def kl_inverse(
    q: torch.Tensor, c: torch.Tensor, outward: bool = False, *, backend: str = "auto"
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Invert: the only $p \ge q$ with $\mathrm{kl}(q\|p) = c$, and $1 - p$, which keeps its digits where p is 1.

    p is q at c = 0, $1 - e^{-c}$ at q = 0 and 1 at q = 1 or c = inf. For q outside [0, 1], c below 0 or nan both
    results are nan. The gradient is that of the implicit function, $\partial p/\partial c = p(1 - p)/(p - q)$: infinite
    at c = 0, as is that by q at q = 0; the gradient at q = 1 is 0, and plain
    torch gives 0 by c at c = 0.

    Parameters
    ----------
    q : Tensor
        Smaller means; q and c have one type and broadcast.
    c : Tensor
        Radii, in nats.
    outward : bool
        Round outward: p is then an upper bound of the solution, at most 32 units in the last place of the accumulator
        too large before it is rounded up to the type of q, and 1 - p a lower bound. It stays so on every platform whose
        exp and log are within 4 units. p is at most 1.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU.

    Returns
    -------
    tuple of Tensor
        p and 1 - p, in the type of q.

    Raises
    ------
    ShapeError
        When q and c do not broadcast.
    DTypeError
        When their types differ, or no kernel takes them.

    References
    ----------
    ``langford2005``.

    Examples
    --------
    >>> import torch
    >>> p, complement = kl_inverse(torch.tensor([0.0, 0.25]), torch.tensor([0.5, 0.1]))
    >>> p
    tensor([0.3935, 0.4671])
    """  # noqa: DOC502
    _check(q, c)
    if dispatch.chosen(backend, q, c) == "torch":
        return reference.kl_inverse(q, c, outward)
    from dltsym.kernels.kl_inverse.triton_kl_inverse import invert

    return invert(q, c, bool(outward))


def _check(q: torch.Tensor, c: torch.Tensor) -> None:
    dispatch.require_tensors("kl_inverse", q=q, c=c)
    if q.dtype != c.dtype or str(q.dtype)[6:] not in ("float64", "float32", "float16", "bfloat16"):
        raise DTypeError(f"q and c have the types {q.dtype} and {c.dtype}, expected one floating-point type for both")
    shapes = zip(reversed(q.shape), reversed(c.shape), strict=False)
    if any(a != b and 1 not in (a, b) for a, b in shapes):
        raise ShapeError(f"q and c have the shapes {tuple(q.shape)} and {tuple(c.shape)}, which do not broadcast")
