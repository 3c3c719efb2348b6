"""Mixture-of-experts routing: top-k of a softmax with its balance losses, and expert choice; deterministic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dltsym.errors import DomainError, DTypeError, ShapeError
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels import dispatch
from dltsym.kernels.router import reference
from dltsym.kernels.router.cases import CHOICE_CASES, ROUTER_CASES

if TYPE_CHECKING:
    import torch

DTYPES = ("f64", "f32", "f16", "bf16")
LARGEST = 256
"""Largest number of experts that route tokens."""
MOST = 8
"""Largest number of experts of a token."""
ROUTER_COST = {
    "forward": Cost(flops="(14 + 6*K)*T*E", bytes="2*io*T*E + (8 + io)*T*K", special="3*T*E"),
    "backward": Cost(flops="(18 + 4*K)*T*E", bytes="2*io*T*E + (8 + io)*T*K", special="3*T*E"),
}
CHOICE_COST = {
    "forward": Cost(flops="40*T*E", bytes="8*io*T*E + (8 + io)*E*C + 8*T"),
    "backward": Cost(flops="0", bytes="io*T*E + (8 + 2*io)*E*C"),
}


class Routing(NamedTuple):
    """What the router returns: per token, per expert, and the three losses."""

    p: torch.Tensor
    indices: torch.Tensor
    gates: torch.Tensor
    counts: torch.Tensor
    importance: torch.Tensor
    cv2: torch.Tensor
    switch: torch.Tensor
    z_loss: torch.Tensor


class Choice(NamedTuple):
    """What expert choice returns: tokens and gates of each expert, and how many experts took each token."""

    indices: torch.Tensor
    gates: torch.Tensor
    covered: torch.Tensor


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: single precision inside (double for double), trees in a tile, tiles in sequence.

    Parameters
    ----------
    dtype : str
        Type of the inputs.

    Returns
    -------
    Arithmetic
    """
    return Arithmetic(dtype, "float64" if dtype == "float64" else "float32", reductions="blocked", block=32)


def centred(dtype: str) -> Arithmetic:
    """Return the contract of the router, which sums deviations from balance instead of subtracting it.

    Parameters
    ----------
    dtype : str
        Type of the inputs.

    Returns
    -------
    Arithmetic
    """
    return replace(arithmetic(dtype), form="centred")


@implements(
    "moe.router",
    backend="triton",
    dtypes=DTYPES,
    arithmetic=centred,
    grads=("z",),
    reference=reference.router,
    cost=ROUTER_COST,
    cases=ROUTER_CASES,
    sources=("triton_router.py",),
)
def router(
    z: torch.Tensor, mask: torch.Tensor | None = None, K: int = 2, renormalise: bool = False, per_k: bool = True,
    *, backend: str = "auto",
) -> Routing:  # fmt: skip
    r"""Route every token to its K best experts: $p = \mathrm{softmax}(z)$, with the losses of balance.

    Tokens with a mask of 0 have probabilities and gates 0, indices -1, and enter no sum. Equal logits are ordered by
    index, lowest first; nan comes last. Every batch entry, such as a layer, has its own sums and losses: pooling layers
    hides collapse. A token with a logit of nan or +inf has probabilities, gates and gradient nan, and so are the
    importance and the losses that it enters; the probabilities, gates and counts of others are not. A token with all
    logits -inf selects by index, has probabilities, gates and gradient 0, and makes the z loss inf. The z loss is a
    square: where a log-sum-exp is beyond 1e19 in size (1e154 in double precision) it is inf, and its gradient, unlike
    everything else, may be nan.

    With n the number of tokens that count and $I_e = \sum_t p_{te}$ the importance,
    $\mathrm{CV}^2 = \frac1E \sum_e (I_e E/n - 1)^2$ (population), Switch $= E \sum_e f_e I_e/n$ with $f_e$ the counts
    over nK and not differentiated, and the z loss is the mean of $\mathrm{LSE}_t^2$. All three are 0 when n is 0.

    Parameters
    ----------
    z : Tensor, shape (..., T, E)
        Logits, at most 256 experts.
    mask : Tensor, shape (..., T), optional
        0 or False where a token is padding.
    K : int
        Experts of a token, 1 to 8; places beyond E have index -1 and gate 0.
    renormalise : bool
        Whether the gates of a token sum to 1 (for K = 1 they are then constant, without gradient), or are raw p.
    per_k : bool
        Whether the fractions f are divided by K, so that they sum to 1.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU.

    Returns
    -------
    Routing
        p (..., T, E) and gates (..., T, K) in the type of z, indices (..., T, K), counts and importance (..., E), CV^2,
        Switch and z loss (...); sums and losses in single precision, in double for double.

    Raises
    ------
    ShapeError
        When shapes do not agree, or there are no experts or more than 256.
    DTypeError
        For a type that no kernel takes.
    DomainError
        When K is not in 1 to 8.

    References
    ----------
    ``shazeer2017`` for the importance loss, ``fedus2022`` for the Switch loss, ``zoph2022`` for the z loss.

    Examples
    --------
    >>> import torch
    >>> told = router(torch.tensor([[2.0, 0.0, 1.0], [0.0, 0.0, 3.0]]), K=1)
    >>> told.indices.tolist(), told.counts.tolist()
    ([[0], [2]], [1, 0, 1])
    """  # noqa: DOC502
    _check(z, mask, "z")
    if z.shape[-1] > LARGEST:
        raise ShapeError(f"router: {z.shape[-1]} experts, at most {LARGEST} are taken")
    dispatch.require_integers("router", K=K)
    if not 1 <= K <= MOST:
        raise DomainError(f"router: K = {K}, allowed are 1 to {MOST}")
    if dispatch.chosen(backend, z, mask) == "torch" or 0 in z.shape:
        return Routing(*reference.router(z, mask, K, renormalise, per_k))
    from dltsym.kernels.router.triton_router import route

    return Routing(*route(z, mask, K, bool(renormalise), K if per_k else 1))


@implements(
    "moe.expert_choice",
    backend="triton",
    dtypes=DTYPES,
    arithmetic=arithmetic,
    grads=("s",),
    reference=reference.expert_choice,
    cost=CHOICE_COST,
    cases=CHOICE_CASES,
    sources=("triton_choice.py",),
)
def expert_choice(s: torch.Tensor, mask: torch.Tensor | None = None, C: int = 2, *, backend: str = "auto") -> Choice:
    """Let every expert take the C tokens with its largest scores: loads are equal by construction.

    Equal scores go to the earlier token; nan lies below every number. The tokens of an expert are listed in their own
    order, not by score. Which tokens an expert takes depends on later tokens: the choice is not causal, so it is no
    use to autoregressive decoding. Some tokens may be taken by no expert: `covered` counts.

    Parameters
    ----------
    s : Tensor, shape (..., T, E)
        Scores, for example the softmax of the logits of a router.
    mask : Tensor, shape (..., T), optional
        0 or False where a token is padding; it is never taken.
    C : int
        Tokens of each expert, T times the capacity factor over E. When fewer count, the rest has index -1 and gate 0.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU.

    Returns
    -------
    Choice
        Indices (..., E, C), scores at these places in the type of s, number of experts of each token (..., T).

    Raises
    ------
    ShapeError
        When shapes do not agree.
    DTypeError
        For a type that no kernel takes.
    DomainError
        When C is below 1.

    References
    ----------
    ``zhou2022``.

    Examples
    --------
    >>> import torch
    >>> told = expert_choice(torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), C=2)
    >>> told.indices.tolist(), told.covered.tolist()
    ([[0, 1], [1, 2]], [1, 2, 1])
    """  # noqa: DOC502
    _check(s, mask, "s")
    dispatch.require_integers("expert_choice", C=C)
    if C < 1:
        raise DomainError(f"expert_choice: C = {C}, it must be at least 1")
    if dispatch.chosen(backend, s, mask) == "torch" or 0 in s.shape:
        return Choice(*reference.expert_choice(s, mask, C))
    from dltsym.kernels.router.triton_choice import choose

    return Choice(*choose(s, mask, C))


def _check(x: torch.Tensor, mask: torch.Tensor | None, name: str) -> None:
    """Refuse shapes that do not agree and types that no kernel takes."""
    dispatch.require_tensors("router" if name == "z" else "expert_choice", **{name: x, "mask": mask})
    if x.ndim < 2 or x.shape[-1] == 0:
        raise ShapeError(f"{name} has the shape {tuple(x.shape)}, expected (..., tokens, experts)")
    if str(x.dtype).removeprefix("torch.") not in ("float64", "float32", "float16", "bfloat16"):
        raise DTypeError(f"{name} has the type {x.dtype}; kernels take float64, float32, float16 and bfloat16")
    if mask is None:
        return
    lead = (1,) * (x.ndim - 1 - mask.ndim) + tuple(mask.shape)
    if (
        mask.ndim > x.ndim - 1
        or any(m not in (1, n) for m, n in zip(lead[:-1], x.shape[:-2], strict=True))
        or (mask.ndim < 1 or mask.shape[-1] != x.shape[-2])
    ):
        raise ShapeError(f"mask has the shape {tuple(mask.shape)}, expected {tuple(x.shape[:-1])}")
