"""One-sided entropic transport attention: softmax attention with temperature, log prior, slopes and entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels import dispatch
from dltsym.kernels.attention import reference
from dltsym.kernels.attention.cases import CASES

if TYPE_CHECKING:
    import torch

DTYPES = ("f64", "f32", "f16", "bf16")
PRECISIONS = ("tf32x3", "tf32", "ieee")
OUTPUTS = ("o", "lse", "entropy")
LARGEST = 256
"""Largest head size."""
COST = {
    "forward": Cost(
        tensor="2*n*m*(d + dv)",
        flops="9*n*m",
        bytes="io*(n*d + m*d + m*dv + n*dv) + 8*n",
        special="n*m",
    ),
    "backward": Cost(
        tensor="2*n*m*(5*d + 2*dv)",
        flops="24*n*m",
        bytes="io*(3*n*d + 3*m*d + 3*m*dv + 2*n*dv) + 24*n",
        special="2*n*m",
    ),
}


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: scores and sums in single precision (double for double), three tf32 products for one.

    Parameters
    ----------
    dtype : str
        Type of the inputs.

    Returns
    -------
    Arithmetic
    """
    wide = dtype == "float64"
    casts = ("out",) if wide or dtype == "float32" else ("P", "dS", "out")
    dot = "tf32x3" if dtype == "float32" else "ieee"
    return Arithmetic(dtype, "float64" if wide else "float32", dot, reductions="blocked", block=64, casts=casts)


@implements(
    "attention.one_sided_eot",
    backend="triton",
    dtypes=DTYPES,
    arithmetic=arithmetic,
    grads=("q", "k", "v", "tau", "lp", "slope"),
    outputs=OUTPUTS,
    reference=reference.one_sided_eot,
    cost=COST,
    cases=CASES,
    sources=(
        "autograd.py",
        "launching.py",
        "triton_tiles.py",
        "triton_forward.py",
        "triton_backward.py",
    ),
    tensor_cores=True,
)
def one_sided_eot(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tau: float | torch.Tensor, lp: torch.Tensor | None = None,
    slope: torch.Tensor | None = None, causal: bool = False, *, backend: str = "auto",
    input_precision: str = "tf32x3",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    r"""Attend: $o_i = \sum_j P_{ij} v_j$ with $P = \mathrm{softmax}_j(x)$ and its log-sum-exp and entropy.

    The scores are $x_{ij} = \langle q_i, k_j\rangle/\tau + \mathrm{lp}_j - \mathrm{slope}\,|i + m - n - j|$: the prior
    comes after the temperature, and the last query is aligned with the last key. A row that sees no key has output 0,
    log-sum-exp -inf, entropy 0 and gradients 0. nan in a row of q makes that row nan. The Triton kernels never form
    an n x m array; they take scores below -5e29 for -inf, and +inf for an error (nan).

    Parameters
    ----------
    q, k, v : Tensor, shapes (..., n, d), (..., m, d), (..., m, dv)
        Queries, keys and values of one type, d and dv at most 256; leading dimensions (batch, heads) broadcast.
    tau : float or Tensor, shape (...)
        Temperature, a normal number of the accumulator above 0; a tensor on an accelerator is not looked at.
    lp : Tensor, shape (..., m), optional
        Log prior of each key, for every batch or for each; -inf hides a key.
    slope : Tensor, shape (...), optional
        Penalty for each place of distance (ALiBi), of shape (H,) for one of each head.
    causal : bool
        Whether query i sees only the keys j <= i + m - n.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU.
    input_precision : {"tf32x3", "tf32", "ieee"}
        What matrix products do with single precision operands; ``ieee`` is slow, and ``tf32`` loses 13 bits.

    Returns
    -------
    tuple of Tensor
        Output (..., n, dv) in the type of q; log-sum-exp and entropy (..., n), in nats, in single precision for
        single and half, and in double for double precision. All three can be differentiated by every array, once.

    Raises
    ------
    UnknownKey
        For an unknown backend or precision; what `validate` and `dispatch.chosen` refuse is a ShapeError, DTypeError,
        DomainError or UnsupportedError.

    References
    ----------
    ``litman2025`` for the transport problem.

    Examples
    --------
    >>> import torch
    >>> q, k, v = torch.zeros(1, 2), torch.eye(2), torch.tensor([[0.0], [4.0]])
    >>> o, lse, entropy = one_sided_eot(q, k, v, tau=1.0, lp=torch.tensor([0.25, 0.75]).log())
    >>> round(o.item(), 4), round(entropy.item(), 4)
    (3.0, 0.5623)
    """
    if input_precision not in PRECISIONS:
        raise UnknownKey(f"no input_precision {input_precision!r}; there are {', '.join(PRECISIONS)}")
    validate(q, k, v, tau, lp, slope)
    if dispatch.chosen(backend, q, k, v, lp, slope) == "torch":
        return reference.one_sided_eot(q, k, v, tau, lp, slope, causal)
    from dltsym.kernels.attention.autograd import attend

    return attend(q, k, v, tau, lp, slope, bool(causal), input_precision)


def validate(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tau: float | torch.Tensor, lp: torch.Tensor | None,
    slope: torch.Tensor | None,
) -> None:  # fmt: skip
    """Refuse what no kernel can take, in words.

    Parameters
    ----------
    q, k, v, tau, lp, slope
        As in `one_sided_eot`.

    Raises
    ------
    ShapeError
        When sizes do not agree.
    DTypeError
        When types do not, or something is no tensor; a temperature that is not positive is a DomainError.
    """
    dispatch.require_tensors("one_sided_eot", q=q, k=k, v=v, lp=lp, slope=slope)
    dispatch.require_numbers("one_sided_eot", tau=tau)
    for name, x in (("q", q), ("k", k), ("v", v)):
        if x.ndim < 2:
            raise ShapeError(f"{name} has shape {tuple(x.shape)}; it needs rows and columns, (..., n, d)")
    if not q.dtype == k.dtype == v.dtype or not q.dtype.is_floating_point:
        raise DTypeError(f"q, k and v have types {q.dtype}, {k.dtype}, {v.dtype}; they must be one floating type")
    if q.shape[-1] != k.shape[-1]:
        raise ShapeError(f"a query has {q.shape[-1]} entries and a key {k.shape[-1]}; they must be equal")
    if k.shape[-2] != v.shape[-2] or (lp is not None and (lp.ndim < 1 or lp.shape[-1] != k.shape[-2])):
        told = "" if lp is None else f", lp of shape {tuple(lp.shape)}"
        raise ShapeError(f"{k.shape[-2]} keys, {v.shape[-2]} values{told}; there must be one of each for every key")
    if not 1 <= q.shape[-1] <= LARGEST or not 1 <= v.shape[-1] <= LARGEST:
        raise ShapeError(f"heads of {q.shape[-1]} and {v.shape[-1]} entries; they must have 1 to {LARGEST}")
    lead(q, k, v, tau, lp, slope)
    _check_temperature(tau, q.dtype)


def _check_temperature(tau: float | torch.Tensor, dtype: torch.dtype) -> None:
    """Refuse a temperature whose inverse is no positive number of the accumulator."""
    import torch

    if isinstance(tau, torch.Tensor) and tau.device.type != "cpu":
        return
    least = torch.finfo(torch.float64 if dtype == torch.float64 else torch.float32).tiny
    heat = torch.as_tensor(tau, dtype=torch.float64)
    if not bool((heat > 0).all()):
        raise DomainError(f"tau = {tau}; a temperature must be above 0 (for its limit, argmax, use a small one)")
    if bool((heat < least).any()):
        raise DomainError(f"tau = {tau}; the least temperature of scores of {dtype} is {least:.3g}; use a larger one")


def lead(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tau: float | torch.Tensor, lp: torch.Tensor | None,
    slope: torch.Tensor | None,
) -> tuple[int, ...]:  # fmt: skip
    """Return the leading dimensions of a call: those of all arguments, broadcast.

    Parameters
    ----------
    q, k, v, tau, lp, slope
        As in `one_sided_eot`.

    Returns
    -------
    tuple of int

    Raises
    ------
    ShapeError
        When they do not broadcast.
    """
    import torch

    own = {"q": (q, 2), "k": (k, 2), "v": (v, 2), "tau": (tau, 0), "lp": (lp, 1), "slope": (slope, 0)}
    shapes = {n: tuple(x.shape[: x.ndim - r]) for n, (x, r) in own.items() if isinstance(x, torch.Tensor)}
    try:
        return tuple(torch.broadcast_shapes(*shapes.values()))
    except RuntimeError:
        told = ", ".join(f"{n} {s}" for n, s in shapes.items())
        raise ShapeError(f"the leading dimensions do not broadcast: {told}") from None
