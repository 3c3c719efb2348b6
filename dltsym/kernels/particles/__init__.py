"""Self-attention dynamics on the sphere: one step, with log-sum-exps, squared speeds and the energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey, UnsupportedError, suggest
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels import dispatch
from dltsym.kernels.particles import reference
from dltsym.kernels.particles.cases import CASES

if TYPE_CHECKING:
    import torch

CHOICES = {
    "rule": ("sa", "usa"),
    "move": ("project", "geodesic"),
    "input_precision": ("tf32x3", "tf32", "ieee"),
}
STEEPEST = {"float64": 700.0, "float32": 80.0}
"""Largest inverse temperature for which exp(beta) is a number of the accumulator."""


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: sums in single precision (double for double), three tf32 products for one.

    Parameters
    ----------
    dtype : str
        Type of the tokens.

    Returns
    -------
    Arithmetic
    """
    wide = dtype == "float64"
    casts = ("out",) if wide or dtype == "float32" else ("P", "out")
    dot = "tf32x3" if dtype == "float32" else "ieee"
    return Arithmetic(dtype, "float64" if wide else "float32", dot, reductions="blocked", block=64, casts=casts)


@implements(
    "particles.step",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    outputs=("y", "l", "speed2", "log_energy"),
    reference=reference.particle_step,
    cost={"forward": Cost(tensor="4*n*n*d", flops="6*n*n", bytes="io*2*n*d + 8*n", special="n*n")},
    cases=CASES,
    sources=("triton_step.py", "../attention/triton_tiles.py"),
    tensor_cores=True,
)
def particle_step(
    x: torch.Tensor, beta: float | torch.Tensor, h: float | torch.Tensor, rule: str = "sa", move: str = "project", *,
    backend: str = "auto", input_precision: str = "tf32x3",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    r"""Move tokens on the sphere by one step of self-attention dynamics; no n x n array is formed by the Triton kernel.

    With $Z_{ij} = \beta\langle x_i, x_j\rangle$ and $l_i = \mathrm{LSE}_j Z_{ij}$ a token feels
    $u_i = \sum_j e^{Z_{ij} - l_i} x_j$ (``sa``), or this times $e^{l_i}/n$ (``usa``), and moves along
    $w_i = u_i - \langle u_i, x_i\rangle x_i$: to $(x + hw)/\lVert x + hw\rVert$ (``project``), or to
    $\cos(h\lVert w\rVert)\, x + \sin(h\lVert w\rVert)\, w/\lVert w\rVert$ (``geodesic``).

    Parameters
    ----------
    x : Tensor, shape (..., n, d)
        Tokens, unit vectors, n at least 1, d at most 256.
    beta : float or Tensor, shape (...)
        Inverse temperature, finite and above 0; for ``usa`` at most 80 (700 in double precision), because the speed
        grows like $e^\beta$: rescale time by $e^{-\beta}$ instead; above half of that the squared speed may be inf. A
        tensor on an accelerator is not looked at.
    h : float or Tensor, shape (...)
        Size of the step.
    rule : {"sa", "usa"}
        Softmax weights, or exponentials over n.
    move : {"project", "geodesic"}
        How the step stays on the sphere.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU. Only torch has gradients.
    input_precision : {"tf32x3", "tf32", "ieee"}
        What matrix products do with single precision operands.

    Returns
    -------
    tuple of Tensor
        Moved tokens (..., n, d) in the type of x; $l$ (..., n) in nats, $\lVert w\rVert^2$ (..., n), and
        $\log E = \mathrm{LSE}_i l_i - \log(2\beta n^2)$ (...), in single precision or better.

    Raises
    ------
    UnknownKey
        For an unknown rule, move, backend or precision.
    UnsupportedError
        When a gradient is asked of the Triton kernel, or it cannot run; what `validate` refuses is a ShapeError,
        DTypeError or DomainError.

    References
    ----------
    ``geshkovski2025``

    Examples
    --------
    >>> import torch
    >>> y, l, speed2, log_energy = particle_step(torch.eye(2), beta=1.0, h=0.5)
    >>> y.norm(dim=-1), l
    (tensor([1., 1.]), tensor([1.3133, 1.3133]))
    """
    for name, value in (("rule", rule), ("move", move), ("input_precision", input_precision)):
        if value not in CHOICES[name]:
            raise UnknownKey(
                f"no {name} {value!r}{suggest(value, CHOICES[name])}; there are {', '.join(CHOICES[name])}"
            )
    validate(x, beta, h, rule)
    if dispatch.chosen(backend, x) == "torch":
        return reference.particle_step(x, beta, h, rule, move)
    import torch

    from dltsym.kernels.particles.triton_step import step

    if torch.is_grad_enabled() and any(getattr(a, "requires_grad", False) for a in (x, beta, h)):
        raise UnsupportedError('the Triton step has no gradient; use backend="torch", or torch.no_grad()')
    acc = torch.float64 if x.dtype == torch.float64 else torch.float32
    heat, size = (torch.as_tensor(a, dtype=acc, device=x.device) for a in (beta, h))
    lead = torch.broadcast_shapes(x.shape[:-2], heat.shape, size.shape)
    tokens = x.expand((*lead, *x.shape[-2:])).reshape((-1, *x.shape[-2:]))
    flat = (a.expand(lead).reshape(-1) for a in (heat, size))
    out = step(tokens, *flat, rule == "usa", move == "geodesic", input_precision)
    return tuple(y.reshape((*lead, *y.shape[1:])) for y in out)  # type: ignore[return-value]


def validate(x: torch.Tensor, beta: float | torch.Tensor, h: float | torch.Tensor, rule: str) -> None:
    """Refuse what no kernel can take, in words.

    Parameters
    ----------
    x, beta, h, rule
        As in `particle_step`.

    Raises
    ------
    ShapeError
        For tokens that are no rows of 1 to 256 numbers, or leading dimensions that do not broadcast.
    DTypeError
        For tokens that are not floating.
    DomainError
        When an inverse temperature is not positive, or too large for ``usa``.
    """
    import torch

    dispatch.require_tensors("particle_step", x=x)
    dispatch.require_numbers("particle_step", beta=beta, h=h)
    if x.ndim < 2 or x.shape[-2] < 1 or not 1 <= x.shape[-1] <= 256:
        raise ShapeError(f"tokens of shape {tuple(x.shape)}; they need rows, (..., n, d), n >= 1 and 1 <= d <= 256")
    if not x.dtype.is_floating_point:
        raise DTypeError(f"tokens of type {x.dtype}; they must be floating")
    shapes = {n: tuple(a.shape) for n, a in (("beta", beta), ("h", h)) if isinstance(a, torch.Tensor)}
    try:
        torch.broadcast_shapes(x.shape[:-2], *shapes.values())
    except RuntimeError:
        raise ShapeError(
            f"x has leading dimensions {tuple(x.shape[:-2])}, which do not broadcast with {shapes}"
        ) from None
    if isinstance(beta, torch.Tensor) and beta.device.type != "cpu":
        return
    heat, most = (
        torch.as_tensor(beta, dtype=torch.float64),
        STEEPEST["float64" if x.dtype == torch.float64 else "float32"],
    )
    least = torch.finfo(torch.float64 if x.dtype == torch.float64 else torch.float32).tiny
    if not bool(((heat >= least) & heat.isfinite()).all()):
        raise DomainError(
            f"beta = {beta}; an inverse temperature must be finite and above 0, at least {least:.3g} for {x.dtype}"
        )
    if rule == "usa" and bool((heat > most).any()):
        raise DomainError(
            f"beta = {beta} is above {most:g}: speeds of usa grow like exp(beta) and leave {x.dtype}; use rule='sa', or"
            " rescale time by exp(-beta)"
        )
