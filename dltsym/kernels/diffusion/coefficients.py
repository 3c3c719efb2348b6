"""Coefficients of one denoising step, in double precision, from the signal kept before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch


class Coefficients(NamedTuple):
    """A step is ``clean * x0 + x * x + model * model + sigma * noise`` with ``x0 = kept * x + guess * model``.

    Without clipping x0 is folded in, and `clean` is 0.
    """

    clean: torch.Tensor
    x: torch.Tensor
    model: torch.Tensor
    kept: torch.Tensor
    guess: torch.Tensor
    sigma: torch.Tensor


def coefficients(
    now: torch.Tensor, before: torch.Tensor, eta: torch.Tensor, method: str, prediction: str, variance: str, clip: bool
) -> Coefficients:
    """Return the coefficients of a step.

    Parameters
    ----------
    now, before : Tensor
        Signal kept up to this step and the step before, double precision, ``0 < now < before <= 1``.
    eta : Tensor
        Share of the posterior's standard deviation, for ``ddim``.
    method, prediction, variance : str
        As in `dltsym.kernels.diffusion.step`.
    clip : bool
        Whether x0 is clipped.

    Returns
    -------
    Coefficients
        Tensors of the broadcast shape.
    """
    lost, lost_before = 1 - now, 1 - before
    alpha, beta = now / before, (before - now) / before
    posterior = beta * lost_before / lost
    eps = prediction == "eps"
    zero, one = now * 0, now * 0 + 1
    kept, guess = (now**-0.5, -((lost / now) ** 0.5)) if eps else (now**0.5, -(lost**0.5))
    noise_x, noise_model = (zero, one) if eps else (lost**0.5, now**0.5)
    if method == "ddim":
        sigma = eta * posterior**0.5
        # 1 - before - sigma^2, without its cancellation
        direction = (lost_before * (alpha * lost_before + (1 - eta) * (1 + eta) * beta) / lost) ** 0.5
        clean, x, model = before**0.5 + zero, direction * noise_x, direction * noise_model
    else:
        sigma = posterior**0.5 if variance == "posterior" else beta**0.5 * (before < 1)
        clean, x, model = before**0.5 * beta / lost, alpha**0.5 * lost_before / lost + zero, zero
    if not clip:
        x, model, clean = x + clean * kept, model + clean * guess, zero
        if method == "ddpm":
            x = alpha**-0.5 if eps else alpha**0.5
    return Coefficients(clean, x, model, kept, guess, sigma)
