"""Selective scans: linear recurrences whose step size depends on the input, with one rate per channel and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dltsym.errors import ShapeError
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels.dispatch import chosen, require_tensors, torch_module
from dltsym.kernels.scan.cases import CASES, PAIRS

if TYPE_CHECKING:
    import torch

COST = {
    "forward": Cost(
        flops="16*L*E*N", bytes="io*(4*L*E + 2*L*N) + 4*(2*E*N + L*E*N/64)", special="L*E*(N + 3)"
    ),
    "backward": Cost(
        flops="60*L*E*N", bytes="io*(8*L*E + 2*L*N) + 4*(3*E*N + L*E*N/64 + L*E*N)", special="L*E*(3*N + 9)"
    ),
}  # fmt: skip


def twin(
    u: Any,
    raw: Any,
    A: Any,
    B: Any,
    C: Any,
    D: Any = None,
    z: Any = None,
    bias: Any = None,
    h0: Any = None,
    *,
    mode: str,
    softplus: bool = True,
    gate: bool | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run `selective_scan` as a loop over time in plain torch.

    Parameters
    ----------
    u, raw, A, B, C, D, z, bias, h0 : Tensor
        Inputs of `selective_scan`.
    mode, softplus, gate : str and bool
        Its choices.

    Returns
    -------
    tuple of Tensor
        Output and last state.
    """  # fmt: skip
    return selective_scan(
        u, raw, A, B, C, D, z, bias, h0, mode=mode, softplus=softplus, gate=gate, backend="torch"
    )  # fmt: skip


def _arithmetic(dtype: str) -> Arithmetic:
    return Arithmetic(io=dtype, acc="float64" if dtype == "float64" else "float32")


@implements(
    "ssm.selective_scan",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=_arithmetic,
    grads=("u", "raw", "z", "A", "B", "C", "D", "bias", "h0"),
    outputs=("y", "h"),
    reference=twin,
    cost=COST,
    cases=CASES,
    sources=("arguments.py", "launching.py", "triton_steps.py", "triton_forward.py", "triton_backward.py"),
)
def selective_scan(
    u: torch.Tensor, raw: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor,
    D: torch.Tensor | None = None, z: torch.Tensor | None = None, bias: torch.Tensor | None = None,
    h0: torch.Tensor | None = None, *, mode: str, softplus: bool = True, gate: bool | None = None,
    chunk: int = 64, backend: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    r"""Scan: $h_t = e^{\delta_t A} h_{t-1} + w_t B_t u_t$, $y_t = (\sum_n C_{tn} h_{tn} + D u_t)\,\mathrm{silu}(z_t)$.

    The step size is $\delta = \mathrm{softplus}(\mathrm{raw} + \mathrm{bias})$. The input weight $w$ is $\delta$
    (``euler``, what released models ship) or $(e^{\delta A} - 1)/A$ (``zoh``, exact for an input held over the step);
    they differ, so there is no default. State and step sizes are in single precision whatever the type of the input.
    A complex A stands for conjugate pairs: the state is complex and $y$ reads $2\,\mathrm{Re}\sum_n C h$.
    The Triton kernel composes the steps of a chunk as a tree; chunks follow each other. It stores the states at chunk
    starts only, and two calls give the same bits. An unknown mode or chunk is a DomainError, arrays that do not fit
    together are a ShapeError, types that are no real or complex numbers a DTypeError. A rate of -inf counts as the most
    negative number of its type: every ordinary step forgets all. A nan or infinity elsewhere spoils (nan or infinite)
    what it enters from its step on, never the steps before, and gradients through it. Step sizes, and their products
    with rates, above 1e18 (1e150 in double precision) are out of range: their squares overflow, and gradients by A are
    nan or 0 there.

    Parameters
    ----------
    u, raw : Tensor, shape (..., L, D)
        Input, and step sizes before bias and softplus. L may be 0: the last state is then the first.
    A : Tensor, shape (D, N)
        Rates, real and at most 0, or complex with real part at most 0 (also real with a trailing axis of 2; then B, C
        and h0 have that axis too, and so has the last state).
    B, C : Tensor, shape (..., L, N)
        Input and output vectors; leading dimensions broadcast.
    D, bias : Tensor, shape (D,), optional
        Skip and offset of the step sizes, 0 by default.
    z : Tensor, shape (..., L, D), optional
        Gate; without it there is none.
    h0 : Tensor, shape (..., D, N), optional
        First state, 0 by default.
    mode : {"euler", "zoh"}
        Input weight.
    softplus : bool
        Whether step sizes are a softplus of what is given.
    gate : bool, optional
        Whether there must be a gate; by default there is one if z is given.
    chunk : int
        Steps that are composed as a tree, a power of two; it changes rounding errors only.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU.

    Returns
    -------
    tuple of Tensor
        Output (..., L, D) in the type of u; last state (..., D, N) in single or double precision. Both can be
        differentiated by every array, once.

    References
    ----------
    ``gu2023``, section 3.

    Examples
    --------
    >>> import torch
    >>> one = torch.ones(3, 1)
    >>> y, last = selective_scan(one, one, -torch.ones(1, 1), one, one, mode="euler", softplus=False)
    >>> y[:, 0]
    tensor([1.0000, 1.3679, 1.5032])
    """
    torch = torch_module()
    from dltsym.kernels.scan.arguments import choices, prepare

    given = {"u": u, "raw": raw, "A": A, "B": B, "C": C, "D": D, "z": z, "bias": bias, "h0": h0}
    require_tensors("selective_scan", **given)
    x = prepare(given, choices(mode, softplus, gate, chunk, given))
    if chosen(backend, u) == "torch":
        from dltsym.kernels.scan.reference import scan as run
    elif x.A.is_complex():
        from dltsym.kernels.scan.launching_complex import run
    else:
        from dltsym.kernels.scan.launching import run
    y, h = run(x)
    y, h = y.reshape(*x.lead, *y.shape[1:]), h.reshape(*x.lead, *h.shape[1:])
    return y, torch.view_as_real(h) if h.is_complex() and not A.is_complex() else h


def pairs_twin(
    u: Any,
    raw: Any,
    A: Any,
    A_im: Any,
    B: Any,
    C: Any,
    B_im: Any = None,
    C_im: Any = None,
    D: Any = None,
    z: Any = None,
    bias: Any = None,
    h0: Any = None,
    h0_im: Any = None,
    *,
    mode: str,
    gate: bool | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Run `complex_scan` as a loop over time in plain torch.

    Parameters
    ----------
    u, raw, A, A_im, B, C, B_im, C_im, D, z, bias, h0, h0_im : Tensor
        Inputs of `complex_scan`.
    mode, gate : str and bool
        Its choices.

    Returns
    -------
    tuple of Tensor
        Output, real and imaginary part of the last state.
    """  # fmt: skip
    return complex_scan(
        u, raw, A, A_im, B, C, B_im, C_im, D, z, bias, h0, h0_im, mode=mode, gate=gate, backend="torch"
    )  # fmt: skip


@implements(
    "ssm.complex_scan",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=_arithmetic,
    grads=("u", "raw", "z", "A", "A_im", "B", "B_im", "C", "C_im", "D", "bias", "h0", "h0_im"),
    outputs=("y", "h", "h_im"),
    reference=pairs_twin,
    cost={
        "forward": Cost(flops="50*L*E*N", bytes="io*4*L*E + 16*L*N", special="L*E*(3*N + 3)"),
        "backward": Cost(flops="200*L*E*N", bytes="io*8*L*E + 16*L*N + 4*L*E*N", special="L*E*(9*N + 9)"),
    },
    cases=PAIRS,
    sources=(
        "arguments.py", "launching.py", "launching_complex.py", "triton_steps.py", "triton_complex_steps.py",
        "triton_complex_forward.py", "triton_complex_backward.py",
    ),
)  # fmt: skip
def complex_scan(
    u: torch.Tensor, raw: torch.Tensor, A: torch.Tensor, A_im: torch.Tensor, B: torch.Tensor, C: torch.Tensor,
    B_im: torch.Tensor | None = None, C_im: torch.Tensor | None = None, D: torch.Tensor | None = None,
    z: torch.Tensor | None = None, bias: torch.Tensor | None = None, h0: torch.Tensor | None = None,
    h0_im: torch.Tensor | None = None, *, mode: str, gate: bool | None = None, chunk: int = 64, backend: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    r"""Scan conjugate pairs: `selective_scan` with complex rates, all complex arrays as real and imaginary parts.

    Parameters
    ----------
    u, raw, z : Tensor, shape (..., L, D)
        Input, step sizes before bias and softplus, and gate (optional).
    A, A_im : Tensor, shape (D, N)
        Rates; the real part at most 0.
    B, C, B_im, C_im : Tensor, shape (..., L, N)
        Input and output vectors; imaginary parts are 0 by default.
    D, bias : Tensor, shape (D,), optional
        Skip and offset of the step sizes.
    h0, h0_im : Tensor, shape (..., D, N), optional
        First state.
    mode : {"euler", "zoh"}
        Input weight.
    gate : bool, optional
        Whether there must be a gate.
    chunk : int
        Steps that are composed as a tree.
    backend : {"auto", "triton", "torch"}
        What runs.

    Returns
    -------
    tuple of Tensor
        Output, real and imaginary part of the last state.

    Raises
    ------
    ShapeError
        When a real and its imaginary part do not agree; what `selective_scan` refuses is refused too.

    References
    ----------
    ``gu2023``, section 3.6.

    Examples
    --------
    >>> import torch
    >>> one, turn = torch.ones(2, 1), torch.full((1, 1), torch.pi / 2)
    >>> y, real, imaginary = complex_scan(one, one, 0 * turn, turn, one, one, mode="zoh")
    >>> y[:, 0], bool(torch.isclose(2 * real[0, 0], y[1, 0]))
    (tensor([ 1.1222, -1.0603]), True)
    """
    torch = torch_module()
    require_tensors("complex_scan", u=u, A=A, A_im=A_im, B=B, B_im=B_im, C=C, C_im=C_im, h0=h0, h0_im=h0_im)
    for name, x, y in (("A", A, A_im), ("B", B, B_im), ("C", C, C_im), ("h0", h0, h0_im)):
        if x is not None and y is not None and x.shape != y.shape:
            raise ShapeError(f"complex_scan: {name} has the shape {tuple(x.shape)} and {name}_im {tuple(y.shape)}")
    acc = torch.float64 if u.dtype == torch.float64 else torch.float32

    def joined(re: Any, im: Any) -> Any:
        if re is None and im is None:
            return None
        re, im = (torch.zeros_like(im) if re is None else re), (torch.zeros_like(re) if im is None else im)
        return torch.complex(*torch.broadcast_tensors(re.to(acc), im.to(acc)))

    y, h = selective_scan(
        u, raw, joined(A, A_im), joined(B, B_im), joined(C, C_im), D, z, bias, joined(h0, h0_im),
        mode=mode, gate=gate, chunk=chunk, backend=backend,
    )  # fmt: skip
    return y, h.real, h.imag
