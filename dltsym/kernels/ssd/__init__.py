"""Scans with a scalar decay per head (structured state space duality), in chunks of matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels.dispatch import chosen, require_tensors, torch_module
from dltsym.kernels.ssd.cases import CASES

if TYPE_CHECKING:
    import torch

COST = {
    "forward": Cost(
        tensor="2*T*(64*N + 64*P + 2*N*P)", flops="4*T*64", bytes="io*T*(2*P + 2*N + 1) + 4*N*P*(3*T/64 + 2)",
        special="64*T",
    ),
    "backward": Cost(
        tensor="2*T*(3*64*N + 2*64*P + 64*N + 4*N*P)", flops="12*T*64",
        bytes="io*T*(5*P + 8*N + 3) + 4*T*4*N + 4*N*P*(6*T/64 + 2)", special="2*64*T",
    ),
}  # fmt: skip
"""One head, chunks of 64."""
DOTS = {"float64": "ieee", "float32": "tf32x3"}


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: states and sums in single precision, operands of products in tf32 for short types.

    Parameters
    ----------
    dtype : str
        Type of the inputs.

    Returns
    -------
    Arithmetic
    """
    return Arithmetic(io=dtype, acc="float64" if dtype == "float64" else "float32", dot=DOTS.get(dtype, "tf32"))


def twin(x: Any, log_a: Any, B: Any, C: Any, h0: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Run `ssd` as a loop over time in plain torch.

    Parameters
    ----------
    x, log_a, B, C, h0 : Tensor
        Inputs of `ssd`.

    Returns
    -------
    tuple of Tensor
        Output and last state.
    """
    return ssd(x, log_a, B, C, h0, backend="torch")


@implements(
    "ssm.ssd",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    grads=("x", "log_a", "B", "C", "h0"),
    outputs=("y", "h"),
    reference=twin,
    cost=COST,
    cases=CASES,
    sources=("arguments.py", "launching.py", "triton_steps.py", "triton_forward.py", "triton_backward.py"),
    tensor_cores=True,
)
def ssd(
    x: torch.Tensor, log_a: torch.Tensor, B: torch.Tensor, C: torch.Tensor, h0: torch.Tensor | None = None, *,
    chunk: int = 64, backend: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    r"""Scan: $H_t = a_t H_{t-1} + B_t x_t^\top$, $y_t = C_t H_t$, with one decay $a_t$ for the whole state of a head.

    Inside a chunk this is masked attention with the products of decays as its mask; from chunk to chunk only the state
    is carried. The log of each product is a sum of what lies in its segment, never a difference of cumulative sums.
    The state is in single precision whatever the type of the input; two calls give the same bits. A chunk that is no
    such power of two, or a larger N, is a DomainError, and arrays that do not fit together are a ShapeError.
    A nan or infinity in x, B, C or log_a spoils (nan or infinite) the outputs of its step and of later ones of its head
    that it enters, never those before, and gradients through them: in B or C, of the other in the whole
    chunk. A decay of 0 does not undo it.

    Parameters
    ----------
    x : Tensor, shape (..., H, T, P)
        Input. T may be 0: the last state is then the first.
    log_a : Tensor, shape (..., H, T)
        Log decays, at most 0; -inf forgets all that came before.
    B, C : Tensor, shape (..., G, T, N)
        Input and output vectors, each shared by H/G heads in a row; N at most 256. Without any leading dimension of x
        there is one head, and B is (T, N).
    h0 : Tensor, shape (..., H, N, P), optional
        First state, 0 by default.
    chunk : int
        Steps of a chunk, 16 to 256 and a power of two; it changes rounding errors only.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU.

    Returns
    -------
    tuple of Tensor
        Output (..., H, T, P) in the type of x; last state (..., H, N, P) in single or double precision. Both can be
        differentiated by every array, once.

    References
    ----------
    ``dao2024``, sections 3 and 6.

    Examples
    --------
    >>> import torch
    >>> x, log_a = torch.ones(1, 3, 1), torch.full((1, 3), 0.5).log()
    >>> y, last = ssd(x, log_a, torch.ones(1, 3, 1), torch.ones(1, 3, 1))
    >>> y[0, :, 0].tolist()
    [1.0, 1.5, 1.75]
    """
    torch_module()
    from dltsym.kernels.ssd.arguments import prepare

    there = {"x": x, "log_a": log_a, "B": B, "C": C, "h0": h0}
    require_tensors("ssd", **there)
    given = prepare(there, chunk)
    if chosen(backend, x) == "torch":
        from dltsym.kernels.ssd.reference import scan as run
    else:
        from dltsym.kernels.ssd.launching import run
    y, h = run(given)
    return y.reshape(*given.lead, *y.shape[2:]), h.reshape(*given.lead, *h.shape[2:])
