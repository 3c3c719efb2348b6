"""One step of a diffusion sampler, stochastic or deterministic, in a single pass with replayable noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey, suggest
from dltsym.implementation import Arithmetic, Cost, implements
from dltsym.kernels import dispatch
from dltsym.kernels.diffusion import reference
from dltsym.kernels.diffusion.cases import CASES
from dltsym.kernels.diffusion.coefficients import coefficients

if TYPE_CHECKING:
    import torch

CHOICES = {"method": ("ddpm", "ddim"), "prediction": ("eps", "v"), "variance": ("posterior", "beta")}
COST = {
    "forward": Cost(flops="9*n", bytes="4*io*n"),
    "backward": Cost(flops="9*n", bytes="6*io*n"),
}


def arithmetic(dtype: str) -> Arithmetic:
    """Return the contract: single precision inside, double for double, one rounding of the result.

    Parameters
    ----------
    dtype : str
        Type of the inputs.

    Returns
    -------
    Arithmetic
    """
    return Arithmetic(dtype, "float64" if dtype == "float64" else "float32")


@implements(
    "diffusion.step",
    backend="triton",
    dtypes=("f64", "f32", "f16", "bf16"),
    arithmetic=arithmetic,
    grads=("x", "model", "noise"),
    reference=reference.step,
    cost=COST,
    cases=CASES,
    sources=("triton_step.py", "coefficients.py"),
)
def step(
    x: torch.Tensor, model: torch.Tensor, now: float | torch.Tensor, before: float | torch.Tensor,
    noise: torch.Tensor | None = None, eta: float | torch.Tensor = 0.0, method: str = "ddpm", prediction: str = "eps",
    variance: str = "posterior", clip: bool = False, *, seed: int | None = None, counter: int = 0,
    backend: str = "auto",
) -> torch.Tensor:  # fmt: skip
    r"""Go from $x_t$ to the sample before, $x_{t-1}$ or any earlier one.

    The coefficients are computed in double precision from the signal kept, $\bar\alpha$. ``ddpm`` draws from the
    posterior with the predicted $x_0$; its variance is named, the posterior's or $\beta_t$. ``ddim`` keeps the
    marginals, with $\sigma^2 = \eta^2$ times the posterior variance between both times, which need not be neighbours.
    At the first time, where `before` is 1, no noise is added. nan in one element stays in it.

    Parameters
    ----------
    x, model : Tensor, shape (..., n)
        Noisy sample and output of the network, of one type.
    now, before : float or Tensor, shape (...)
        Signal kept up to this step and the step before, ``0 < now < before <= 1``; tensors (one number for each row of
        x) are not looked at. Half precision holds them badly: give numbers or double precision.
    noise : Tensor, shape (..., n), optional
        Standard normal noise. Without it and without a seed none is added.
    eta : float or Tensor, shape (...)
        Share of the posterior's standard deviation, for ``ddim``: 0 is deterministic, 1 is ``ddpm``.
    method : {"ddpm", "ddim"}
        Which step.
    prediction : {"eps", "v"}
        What the network predicts: the noise, or $v = \sqrt{\bar\alpha}\,\varepsilon - \sqrt{1-\bar\alpha}\,x_0$.
    variance : {"posterior", "beta"}
        Variance of ``ddpm``.
    clip : bool
        Whether the predicted $x_0$ is clipped to [-1, 1]; the noise is then not computed again.
    seed : int, optional
        Draw the noise here, by Philox: element i of the flattened x gets number counter + i of the seed.
    counter : int
        Place of the first element in the noise of the seed, a multiple of 4.
    backend : {"auto", "triton", "torch"}
        What runs; by default Triton on an accelerator and plain torch on the CPU.

    Returns
    -------
    Tensor, shape (..., n)
        In the type of x.

    Raises
    ------
    ShapeError
        When shapes do not agree.
    DTypeError
        For a type that no kernel takes, or different types.
    DomainError
        When signals given as numbers are out of order, eta is not in [0, 1], both noise and seed are given, or the
        counter is no multiple of 4.
    UnknownKey
        For an unknown method, prediction, variance or backend.

    References
    ----------
    ``ho2020``; ``song2021``; Salmon et al. (2011) for the noise.

    Examples
    --------
    >>> import torch
    >>> x, model = torch.ones(3), torch.zeros(3)
    >>> step(x, model, now=0.25, before=1.0, method="ddim").tolist()
    [2.0, 2.0, 2.0]
    """  # noqa: DOC502
    _check_choices(method=method, prediction=prediction, variance=variance)
    dispatch.require_tensors("step", x=x, model=model, noise=noise)
    dispatch.require_numbers("step", now=now, before=before, eta=eta)
    _check_arrays(x, model, noise)
    _check_numbers(now, before, eta, noise is not None, seed, counter)
    rows = {
        n: tuple(a.shape) for n, a in (("now", now), ("before", before), ("eta", eta)) if not isinstance(a, int | float)
    }
    if dispatch.leading("step", x=x.shape[:-1], **rows) != tuple(x.shape[:-1]):
        raise ShapeError(f"step: {rows} are more than one number for each row of x, {tuple(x.shape[:-1])}")
    if dispatch.chosen(backend, x, model, noise) == "torch":
        return reference.step(
            x, model, now, before, noise, eta, method, prediction, variance, clip, seed=seed, counter=counter
        )
    import torch

    from dltsym.kernels.diffusion.triton_step import advance

    given = (torch.as_tensor(a, dtype=torch.float64, device=x.device) for a in (now, before, eta))
    numbers = torch.broadcast_tensors(*given)
    if numbers[0].ndim:
        numbers = tuple(a.expand(x.shape[:-1]) for a in numbers)
    table = torch.stack(coefficients(*numbers, method, prediction, variance, bool(clip)), -1).reshape(-1, 6)
    return advance(x, model, noise, table, x.shape[-1], bool(clip), seed, counter)


def normal(total: int, seed: int, counter: int = 0, *, device: Any = "cpu", backend: str = "auto") -> torch.Tensor:
    """Draw the noise that `step` adds for a seed and a counter.

    Parameters
    ----------
    total : int
        How many numbers.
    seed : int
        Seed.
    counter : int
        Place of the first, a multiple of 4.
    device : torch.device or str
        Device.
    backend : {"auto", "triton", "torch"}
        What runs.

    Returns
    -------
    Tensor, shape (total,)
        Single precision; the same bits as in the step of the same backend.
    """
    torch = dispatch.torch_module()
    probe = torch.empty(0, device=device)
    if dispatch.chosen(backend, probe) == "torch":
        return reference.normal(total, seed, counter, device)
    from dltsym.kernels.diffusion.triton_step import draw

    return draw(total, seed, counter, probe.device)


def _check_choices(**given: str) -> None:
    for name, value in given.items():
        if value not in CHOICES[name]:
            raise UnknownKey(
                f"no {name} {value!r}{suggest(value, CHOICES[name])}; there are {', '.join(CHOICES[name])}"
            )


def _check_arrays(x: torch.Tensor, model: torch.Tensor, noise: torch.Tensor | None) -> None:
    if str(x.dtype)[6:] not in ("float64", "float32", "float16", "bfloat16") or x.dtype != model.dtype:
        raise DTypeError(f"x and model have the types {x.dtype} and {model.dtype}, expected one floating-point type")
    for name, other in (("model", model), ("noise", noise)):
        if other is not None and other.shape != x.shape:
            raise ShapeError(f"{name} has the shape {tuple(other.shape)}, x has {tuple(x.shape)}")
    if x.ndim == 0:
        raise ShapeError("x is a number, expected shape (..., n)")


def _check_numbers(now: Any, before: Any, eta: Any, noise: bool, seed: int | None, counter: int) -> None:
    plain = [isinstance(a, int | float) for a in (now, before, eta)]
    if plain[0] and plain[1] and not 0 < now < before <= 1:
        raise DomainError(f"now = {now}, before = {before}: expected 0 < now < before <= 1")
    if plain[2] and not 0 <= eta <= 1:
        raise DomainError(f"eta = {eta} is not in [0, 1]")
    if noise and seed is not None:
        raise DomainError("give noise or a seed, not both")
    dispatch.require_integers("step", counter=counter, **({} if seed is None else {"seed": seed}))
    if seed is not None and not -(2**63) <= seed < 2**63:
        raise DomainError(f"seed = {seed} has more than 64 bits; expected -2^63 <= seed < 2^63")
    if counter % 4 or counter < 0:
        raise DomainError(f"counter = {counter} is no multiple of 4")
