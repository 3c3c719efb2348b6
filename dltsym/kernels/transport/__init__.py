"""Sinkhorn and semi-relaxed attention: half-steps that stream, then one call of the attention kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.errors import DomainError, UnknownKey, suggest
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels.dispatch import chosen, require_precision
from dltsym.kernels.transport.cases import CASES
from dltsym.kernels.transport.certificate import Certificate, column_certificate
from dltsym.kernels.transport.inputs import GRADIENTS, Problem, checked

if TYPE_CHECKING:
    import torch

__all__ = ["Certificate", "column_certificate", "sinkhorn", "sinkhorn_reference"]

Outputs = tuple["torch.Tensor", "torch.Tensor", "torch.Tensor", "torch.Tensor"]


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: plans are rounded to the type of q before a product, outputs and gradients at the end."""
    double = dtype == "float64"
    dot = "tf32x3" if dtype == "float32" else "ieee"
    casts = ("out",) if double or dtype == "float32" else ("P", "dS", "out")
    return Arithmetic(io=dtype, acc="float64" if double else "float32", dot=dot, reductions="blocked", casts=casts)


def sinkhorn_reference(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, eps: float | torch.Tensor, la: torch.Tensor | None = None,
    lb: torch.Tensor | None = None, rho: float | torch.Tensor | None = None, *, T: int = 5,
    marginal: str = "balanced", causal: bool = False,
) -> Outputs:  # fmt: skip
    """Sinkhorn attention in plain torch, with all scores in memory; arguments and results as for `sinkhorn`."""
    return sinkhorn(q, k, v, eps, la, lb, rho, T=T, marginal=marginal, causal=causal, backend="torch")


@implements(
    "attention.sinkhorn",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    grads=("q", "k", "v", "eps", "la", "lb"),
    reference=sinkhorn_reference,
    cost={
        "forward": Cost(
            tensor="2*(T + 1)*n*m*d + 2*n*m*dv", flops="5*(T + 1)*n*m", special="(T + 1)*n*m",
            bytes="(T + 1)*(n + m)*d*itemsize + m*dv*itemsize",
        ),
        "backward": Cost(
            tensor="8*(T + 1)*n*m*d", flops="20*(T + 1)*n*m", special="2*(T + 1)*n*m", bytes="8*(T + 1)*(n + m)*d",
        ),
    },
    cases=CASES,
    sources=(
        "triton_lse.py", "triton_plan.py", "triton_op.py", "triton_sinkhorn.py", "triton_implicit.py", "implicit.py",
        "inputs.py", "../products.py",
    ),
    tensor_cores=True,
)  # fmt: skip
def sinkhorn(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, eps: float | torch.Tensor, la: torch.Tensor | None = None,
    lb: torch.Tensor | None = None, rho: float | torch.Tensor | None = None, *, T: int = 5,
    marginal: str = "balanced", causal: bool = False, backend: str = "auto", dot: str = "tf32x3",
    gradient: str = "unrolled",
) -> Outputs:  # fmt: skip
    r"""Attend with a plan whose columns have to carry given masses too: T half-steps of Sinkhorn's iteration.

    With scores $S = q k^\top$ and $v = 0$ at the start, the row step is $u_i = -\mathrm{LSE}_j(S_{ij}/\epsilon + v_j +
    \log b_j)$ and the column step $v_j = -\kappa\,\mathrm{LSE}_i(S_{ij}/\epsilon + u_i + \log a_i)$, $\kappa =
    \rho/(\rho + \epsilon)$. The weights are $A_{ij} = b_j e^{S_{ij}/\epsilon + u_i + v_j}$: their rows sum to 1 and the
    transport plan is $a_i A_{ij}$. T = 1 is softmax attention with the prior b. No n x m array is stored.

    A key of log weight -inf takes nothing; a query that sees no key puts out 0, with u = inf, and sends no mass; a key
    that no query sees keeps v = 0. A nan or infinity in v spoils its own column of the output, and the gradients
    through it. One in q or k spoils what the iteration couples to it: everything in its batch entry that it can see or
    be seen by, and nothing in another.

    Parameters
    ----------
    q, k, v : Tensor
        Queries (..., n, d), keys (..., m, d) and values (..., m, dv) of one type; leading dimensions broadcast.
    eps : float or Tensor
        Temperature, one number or of the batch shape. The scores are divided by it and by nothing else: they are those
        of the cost |q - k|^2 / 2, up to terms that potentials absorb when the marginals are balanced.
    la, lb : Tensor, optional
        Log weights of queries (..., n) and keys (..., m); made to sum to 1, uniform when left out; -inf for no mass.
    rho : float or Tensor, optional
        With ``marginal="relaxed"``: price of leaving the column marginal, in [0, inf], a constant for gradients; T = 1
        does without. 0 is softmax, inf is balanced; other libraries call rho/(rho + eps) tau_b, or rho a squared reach.
    T : int
        Number of **half-steps**, odd, so that the last one is a row step and outputs are averages of values.
    marginal : {"balanced", "relaxed"}
        Whether the columns must have their masses, or pay for what they miss.
    causal : bool
        Whether query i sees only the keys j <= i + m - n.
    backend : {"auto", "triton", "torch"}
        What runs.
    dot : {"tf32x3", "tf32", "ieee"}
        What matrix products do with single precision. Plain ``tf32`` is refused where it would bend the plan.
    gradient : {"unrolled", "implicit"}
        That of the T half-steps, exactly, or that of their limit, which is only right once they have converged.

    Returns
    -------
    tuple of Tensor
        Output (..., n, dv) in the type of q; u (..., n), v (..., m) and the column masses (..., m) of the plan, in
        single precision (double for double inputs). `column_certificate` says what the masses prove.

    Raises
    ------
    UnknownKey
        For an unknown marginal, backend or gradient.
    ShapeError, DTypeError, DomainError
        For inputs that do not fit together, an even T, or plain tf32 at a temperature that it cannot resolve.
    UnsupportedError
        When the backend cannot run here.

    References
    ----------
    ``sander2022``: attention by Sinkhorn's iteration.

    Examples
    --------
    >>> import torch
    >>> q, k, v = torch.eye(2), 2 * torch.eye(2), torch.tensor([[1.0], [-1.0]])
    >>> o, u, w, mass = sinkhorn(q, k, v, eps=1.0, T=5)
    >>> o[:, 0], mass
    (tensor([ 0.7616, -0.7616]), tensor([0.5000, 0.5000]))
    """  # noqa: DOC502
    if gradient not in GRADIENTS:
        raise UnknownKey(f"no gradient {gradient!r}{suggest(gradient, GRADIENTS)}; there are {', '.join(GRADIENTS)}")
    require_precision("sinkhorn", dot)
    problem = checked(q, k, v, eps, la, lb, rho, T, marginal, causal)
    if chosen(backend, q, k, v, la, lb) == "triton":
        from dltsym.kernels.transport.triton_sinkhorn import sinkhorn as run

        refuse_coarse(problem, dot)
        found = run(problem, dot, gradient)
    else:
        from dltsym.kernels.transport.reference import sinkhorn as plain

        found = plain(problem, gradient)
    return tuple(x.reshape(*problem.batch, *x.shape[1:]) for x in found)  # type: ignore[return-value]


def refuse_coarse(p: Problem, dot: str) -> None:
    """Refuse plain tf32 products where their error, divided by the temperature, would bend the plan.

    Parameters
    ----------
    p : Problem
        Inputs.
    dot : str
        What products do with single precision.

    Raises
    ------
    DomainError
        When 2^-11 max |q_i| max |k_j| / eps is above 2^-8.
    """
    if dot != "tf32" or str(p.q.dtype) != "torch.float32" or not p.q.numel() or not p.k.numel():
        return
    error = 2**-11 * (p.q.norm(dim=-1).amax(-1) * p.k.norm(dim=-1).amax(-1) * p.scale).max().item()
    if not error <= 2**-8:
        raise DomainError(
            f"plain tf32 would bend the plan by {error:.2g} (2^-11 max|q| max|k| / eps, at most 2^-8 = 0.0039); "
            "use dot='tf32x3', or a larger eps"
        )
