"""Smoothed bits per token, streaming over the vocabulary, and the sums that a bound for tokens is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.errors import DomainError, DTypeError, ShapeError, UnsupportedError
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels.bpd.cases import CASES, SUM_CASES
from dltsym.kernels.bpd.inputs import checked
from dltsym.kernels.dispatch import chosen, require_tensors

if TYPE_CHECKING:
    import torch

__all__ = ["smoothed_bpd", "smoothed_bpd_reference", "token_sums", "token_sums_reference"]

Outputs = tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: all in the accumulator, the mass of the other words apart, gradients rounded at the end."""
    acc = "float64" if dtype == "float64" else "float32"
    return Arithmetic(io=dtype, acc=acc, reductions="blocked", casts=("out",), form="apart")


def smoothed_bpd_reference(
    z: torch.Tensor, y: torch.Tensor, al: torch.Tensor, keep: torch.Tensor | None = None
) -> Outputs:
    """Smoothed bits per token in plain torch; arguments and results as for `smoothed_bpd`."""
    return smoothed_bpd(z, y, al, keep, backend="torch")


def token_sums_reference(A: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Sum x - log(1 + x) in plain torch; arguments and results as for `token_sums`."""
    return token_sums(A, s, backend="torch")


@implements(
    "llm_bounds.smoothed_bpd",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    grads=("z",),
    reference=smoothed_bpd_reference,
    cost={
        "forward": Cost(flops="8*n*V", bytes="n*V*itemsize", special="n*V"),
        "backward": Cost(flops="8*n*V", bytes="2*n*V*itemsize", special="n*V"),
    },
    cases=CASES,
    sources=("triton_bits.py", "triton_op.py", "inputs.py"),
)
def smoothed_bpd(
    z: torch.Tensor,
    y: torch.Tensor,
    al: torch.Tensor,
    keep: torch.Tensor | None = None,
    *,
    backend: str = "auto",
) -> Outputs:
    r"""Code length of every token under a smoothed language model, for a grid of smoothing weights in one pass.

    With $p = \mathrm{softmax}(z)$ the smoothed probability of a target is $(1-\alpha) p_y + \alpha/V$ and its code
    length $-\log_2$ of that, between $-\log_2(1 - \alpha + \alpha/V)$ and $\log_2(V/\alpha)$. V is the true size of the
    vocabulary, never a padded one.

    Parameters
    ----------
    z : Tensor
        Logits, shape (..., n, V), leading dimensions are documents; -inf, or below -5e29, hides a word: it has
        probability 0. A nan, +inf, or no word left makes the results and the gradient of its token nan, and the mean.
    y : Tensor
        Targets, integers from 0, shape (..., n). Outside the vocabulary: an error on the CPU, nan on an accelerator;
        for a token that does not count it is not looked at.
    al : Tensor
        Smoothing weights in (0, 1), shape (G,).
    keep : Tensor, optional
        Which tokens count, shape (..., n); others have code length, entropy and gradient 0 and enter no mean.
    backend : {"auto", "triton", "torch"}
        What runs.

    Returns
    -------
    tuple of Tensor
        Mean code length of each document (..., G) and code lengths (..., n, G), in bits; entropies of the model
        (..., n), in nats, without smoothing; in single precision (double for double logits). A document without
        tokens has mean nan. Differentiable by z.

    Raises
    ------
    ShapeError, DTypeError, DomainError
        For inputs that do not fit together.
    UnsupportedError
        When the backend cannot run here.

    References
    ----------
    ``lotfi2024``: prediction smoothing.

    Examples
    --------
    >>> import torch
    >>> mean, bits, entropy = smoothed_bpd(torch.zeros(2, 8), torch.tensor([0, 5]), torch.tensor([0.1, 0.5]))
    >>> bits[0].tolist()
    [3.0, 3.0]
    """  # noqa: DOC502
    tokens = checked(z, y, al, keep)
    if chosen(backend, z, y, al, keep) == "triton":
        from dltsym.kernels.bpd.triton_op import smoothed_bpd as run
    else:
        from dltsym.kernels.bpd.reference import smoothed_bpd as run
    return tuple(x.reshape(*tokens.batch, *x.shape[1:]) for x in run(tokens))  # type: ignore[return-value]


@implements(
    "llm_bounds.token_sums",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=lambda dtype: Arithmetic(
        io=dtype, acc="float64" if dtype == "float64" else "float32", reductions="blocked", casts=(), form="series"
    ),
    reference=token_sums_reference,
    cost={"forward": Cost(flops="40*n*K", bytes="n*itemsize", special="n*K")},
    cases=SUM_CASES,
    sources=("triton_sums.py", "triton_op.py"),
)
def token_sums(A: torch.Tensor, s: torch.Tensor, *, backend: str = "auto") -> torch.Tensor:
    r"""Sum $v(s A_t)$, $v(x) = x - \log(1 + x)$, over tokens, for a grid of scales.

    Parameters
    ----------
    A : Tensor
        Centred and scaled losses of the tokens, shape (n,), at least -1.
    s : Tensor
        Scales in (0, 1), shape (K,).
    backend : {"auto", "triton", "torch"}
        What runs.

    Returns
    -------
    Tensor
        Shape (K,), in double precision; summed in two levels with compensation. A sum beyond single precision (beyond
        double precision for inputs in it) is nan or inf.

    Raises
    ------
    ShapeError
        For inputs of more than one axis, or empty ones.
    DTypeError
        For inputs that are no floating-point tensors.
    DomainError
        For a scale outside (0, 1) or a loss below -1; an accelerator is not waited for: it gives nan or inf there.
    UnsupportedError
        When the backend cannot run here, or the kernel, which has no gradient, is asked for one.

    References
    ----------
    ``finzi2025``: an empirical Freedman inequality for tokens.

    Examples
    --------
    >>> import torch
    >>> token_sums(torch.tensor([0.0, 1.0]), torch.tensor([0.5])).round(decimals=4).tolist()
    [0.0945]
    """  # noqa: DOC502
    _check_sums(A, s)
    if chosen(backend, A, s) == "triton":
        import torch

        if torch.is_grad_enabled() and (A.requires_grad or s.requires_grad):
            raise UnsupportedError('token_sums: the kernel has no gradient; use backend="torch", or torch.no_grad()')
        from dltsym.kernels.bpd.triton_op import token_sums as run
    else:
        from dltsym.kernels.bpd.reference import token_sums as run
    return run(A, s)


def _check_sums(A: torch.Tensor, s: torch.Tensor) -> None:
    require_tensors("token_sums", A=A, s=s)
    if A.ndim != 1 or s.ndim != 1 or not A.numel() or not s.numel():
        raise ShapeError(f"token_sums needs A (n,) and s (K,); got {tuple(A.shape)} and {tuple(s.shape)}")
    if not A.is_floating_point() or not s.is_floating_point():
        raise DTypeError(f"token_sums needs floating-point A and s; got {A.dtype} and {s.dtype}")
    if not s.is_cuda and not bool(((s > 0) & (s < 1)).all()):
        raise DomainError(f"token_sums needs scales s in (0, 1); got {s.tolist()}")
    if not A.is_cuda and bool((A < -1).any()):
        raise DomainError(f"token_sums needs losses A of at least -1; got {A.min().item()}")
