"""InfoNCE without the matrix of scores: streaming, forward and backward, in the form that does not cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels.contrastive.cases import CASES, TARGET_CASES
from dltsym.kernels.contrastive.inputs import checked
from dltsym.kernels.dispatch import chosen, require_precision

if TYPE_CHECKING:
    import torch

__all__ = ["infonce", "infonce_reference", "infonce_target", "infonce_target_reference"]

SOURCES = ("triton_rows.py", "triton_grad.py", "triton_op.py", "inputs.py", "../products.py")


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: derivatives by scores are rounded before a product, gradients at the end."""
    # One rounding in the kernel, of w = g_i P_ij + g_j Q_ij: it is the cast P of a statement whose g_i stands outside
    # the sum over j, and dS of one whose g_j stands inside. The diagonal goes in two parts and is not rounded.
    double = dtype == "float64"
    dot = "tf32x3" if dtype == "float32" else "ieee"
    acc = "float64" if double else "float32"
    return Arithmetic(io=dtype, acc=acc, dot=dot, reductions="blocked", casts=("P", "dS", "out"), form="off_diagonal")


def infonce_reference(
    x: torch.Tensor, y: torch.Tensor, T: float | torch.Tensor, *, loss: str = "symmetric"
) -> tuple[torch.Tensor, torch.Tensor]:
    """InfoNCE in plain torch, with all scores in memory; arguments and results as for `infonce`."""
    return _run(x, y, T, None, loss, "torch", "ieee")


def infonce_target_reference(
    x: torch.Tensor, y: torch.Tensor, T: float | torch.Tensor, t: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """InfoNCE with targets in plain torch; arguments and results as for `infonce_target`."""
    return _run(x, y, T, t, "target", "torch", "ieee")


@implements(
    "contrastive.infonce",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    grads=("x", "y", "T"),
    reference=infonce_reference,
    cost={
        "forward": Cost(tensor="4*N*N*d", flops="8*N*N", bytes="4*N*d*itemsize", special="2*N*N"),
        "backward": Cost(tensor="8*N*N*d", flops="16*N*N", bytes="6*N*d*itemsize", special="4*N*N"),
    },
    cases=CASES,
    sources=SOURCES,
    tensor_cores=True,
)
def infonce(
    x: torch.Tensor,
    y: torch.Tensor,
    T: float | torch.Tensor,
    *,
    loss: str = "symmetric",
    backend: str = "auto",
    dot: str = "tf32x3",
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""InfoNCE loss of N pairs, in O(N d) memory, forward and backward.

    With scores $Z = T x y^\top$ and $\delta_i = \mathrm{LSE}_{j \ne i} Z_{ij} - Z_{ii}$ the loss of a row is
    $\log(1 + e^{\delta_i})$, which is $\mathrm{LSE}_j Z_{ij} - Z_{ii}$ without its cancellation. The symmetric loss
    of a pair is the mean of that of its row and that of its column. A score that is not finite, because an input is
    nan or infinite or the product overflows, makes the losses that it enters nan, and the gradients through them; an
    infinity is not told from nan. At a scale where the scores round by more than 1 the weights are those of the rounded
    scores, still at most 1; for that every score is computed in the same orientation, forward and backward. (That the
    bits agree has been seen in the interpreter, not on a device.)

    Parameters
    ----------
    x : Tensor
        Rows, shape (..., N, d); they are not normalised here.
    y : Tensor
        Their partners, shape (..., N, d).
    T : float or Tensor
        Logit scale, 1 / temperature, one number or of the batch shape; multiplies positives and negatives alike.
    loss : {"symmetric", "one_sided"}
        Rows and columns, or rows only.
    backend : {"auto", "triton", "torch"}
        What runs.
    dot : {"tf32x3", "tf32", "ieee"}
        What matrix products do with single precision.

    Returns
    -------
    tuple of Tensor
        Mean loss, of the batch shape, and the loss of every pair, shape (..., N), in nats and single precision
        (double for double inputs). One pair alone costs 0.

    Raises
    ------
    ShapeError, DTypeError, UnknownKey
        For inputs that do not fit together.
    UnsupportedError
        When the backend cannot run here.

    Examples
    --------
    >>> import torch
    >>> loss, rows = infonce(torch.eye(2), torch.eye(2), 1.0)
    >>> round(loss.item(), 6)
    0.313262
    """  # noqa: DOC502
    return _run(x, y, T, None, loss, chosen(backend, x, y), dot)


@implements(
    "contrastive.infonce_target",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    grads=("x", "y", "T"),
    reference=infonce_target_reference,
    cost={
        "forward": Cost(tensor="2*N*M*d", flops="4*N*M", bytes="(N + M)*d*itemsize", special="N*M"),
        "backward": Cost(tensor="8*N*M*d", flops="12*N*M", bytes="3*(N + M)*d*itemsize", special="2*N*M"),
    },
    cases=TARGET_CASES,
    sources=SOURCES,
    tensor_cores=True,
)
def infonce_target(
    x: torch.Tensor,
    y: torch.Tensor,
    T: float | torch.Tensor,
    t: torch.Tensor,
    *,
    backend: str = "auto",
    dot: str = "tf32x3",
) -> tuple[torch.Tensor, torch.Tensor]:
    """InfoNCE loss of N queries against M keys, of which each query names one as its own.

    What is not finite does as it does in `infonce`.

    Parameters
    ----------
    x : Tensor
        Queries, shape (..., N, d).
    y : Tensor
        Keys, shape (..., M, d).
    T : float or Tensor
        Logit scale, 1 / temperature, one number or of the batch shape.
    t : Tensor
        Key of each query, from 0, integers of shape (..., N). A target outside is an error on the CPU and makes
        its row nan on an accelerator, where looking would cost a synchronisation.
    backend : {"auto", "triton", "torch"}
        What runs.
    dot : {"tf32x3", "tf32", "ieee"}
        What matrix products do with single precision.

    Returns
    -------
    tuple of Tensor
        Mean loss, of the batch shape, and the loss of every query, shape (..., N), as for `infonce`.

    Raises
    ------
    ShapeError, DTypeError, DomainError
        For inputs that do not fit together.
    UnsupportedError
        When the backend cannot run here.

    Examples
    --------
    >>> import torch
    >>> loss, rows = infonce_target(torch.eye(3)[:1], torch.eye(3), 1.0, torch.tensor([2]))
    >>> round(loss.item(), 6)  # log(2 + e), less its own score of 0
    1.551445
    """  # noqa: DOC502
    return _run(x, y, T, t, "target", chosen(backend, x, y), dot)


def _run(
    x: torch.Tensor,
    y: torch.Tensor,
    T: float | torch.Tensor,
    t: torch.Tensor | None,
    loss: str,
    backend: str,
    dot: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    require_precision("infonce", dot)
    pairs = checked(x, y, T, t, loss)
    if backend == "triton":
        from dltsym.kernels.contrastive.triton_op import infonce as run

        mean, rows = run(pairs, dot)
    else:
        from dltsym.kernels.contrastive.reference import infonce as plain

        mean, rows = plain(pairs)
    return mean.reshape(pairs.batch), rows.reshape(*pairs.batch, rows.shape[-1])
