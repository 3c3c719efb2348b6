"""The energy of tokens on the sphere, which their flows climb, and the rate at which they do."""

from __future__ import annotations

from typing import Any

import numpy as np

from dltsym.errors import DomainError
from dltsym.systems.compiled import tensor
from dltsym.systems.inputs import FAINTEST, Array, choice, temperatures, tokens

__all__ = ["BALANCE", "FASTEST", "RULES", "centred", "energy", "energy_rate", "levels", "shifts"]

RULES = ("sa", "usa")
BALANCE = "particles.energy_dissipation"
FASTEST = 700.0  # exp of more overflows


def shifts(beta: Array) -> Array:
    """Return the logarithms that energies are divided by, so that they do not overflow.

    Parameters
    ----------
    beta : ndarray
        Inverse temperatures.

    Returns
    -------
    ndarray
        0 up to 300, then ``abs(beta)``.
    """
    return np.where(np.abs(beta) > 300, np.abs(beta), 0.0)


def centred(x: Array, beta: Array, shift: Array) -> Array:
    """Return (energy - 1/(2 beta)) exp(-shift), without cancellation for small beta or overflow for large beta.

    Parameters
    ----------
    x : ndarray, shape (..., n, d)
        Tokens.
    beta, shift : ndarray, shape (...)
        Inverse temperatures and shifts.

    Returns
    -------
    ndarray, shape (...)
    """
    small = np.abs(beta) <= 1
    near = tensor(BALANCE, "centred")(x=x, beta=np.where(small, beta, 0.0)) * np.exp(-shift)
    far = np.where(small, 1.0, beta)
    log_mean = tensor(BALANCE, "log_mean")(x=x, beta=far)
    return np.where(small, near, (np.exp(log_mean - shift) - np.exp(-shift)) / (2 * far))


def levels(x: Array, beta: Array, shift: Array) -> Array:
    """Return energies times ``exp(-shift)``.

    Parameters
    ----------
    x : ndarray, shape (..., n, d)
        Tokens.
    beta, shift : ndarray, shape (...)
        Inverse temperatures and shifts.

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    DomainError
        For temperatures so close to 0 that the constant ``1/(2 beta)`` overflows.
    """
    if ((beta != 0) & (np.abs(beta) < FAINTEST)).any():
        raise DomainError(f"1/(2 beta) overflows below abs(beta) = {FAINTEST:g}: take beta = 0, the limit without it")
    constant = np.divide(0.5, beta, out=np.zeros(np.shape(beta)), where=beta != 0)
    return centred(x, beta, shift) + constant * np.exp(-shift)


def energy(X: Any, beta: Any, *, normalise: bool = False) -> Array:
    """Return the energy of tokens, ``mean(exp(beta <x_i, x_j>)) / (2 beta)``.

    Parameters
    ----------
    X : array_like, shape (..., n, d)
        Tokens, unit rows.
    beta : float or array_like, shape (...)
        Inverse temperatures. At 0 the limit without the constant ``1/(2 beta)`` is returned, ``mean(<x_i, x_j>) / 2``.
    normalise : bool
        Divide rows by their norms.

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    DomainError
        For tokens that are not on the sphere, and energies that overflow.
    """
    x = tokens(X, normalise, "X")
    b, _ = temperatures(beta, x.shape[:-2])
    if (np.abs(b) > FASTEST).any():
        raise DomainError("the energy overflows: use the output log_energy of particles.energy_dissipation")
    return levels(x, b, np.zeros(b.shape))


def energy_rate(X: Any, beta: Any, rule: str = "sa", *, normalise: bool = False) -> Array:
    """Return the rate at which the energy climbs along a flow.

    Parameters
    ----------
    X : array_like, shape (..., n, d)
        Tokens, unit rows.
    beta : float or array_like, shape (...)
        Inverse temperatures.
    rule : {"sa", "usa"}
        Flow.
    normalise : bool
        Divide rows by their norms.

    Returns
    -------
    ndarray, shape (...)
        Never negative.

    Raises
    ------
    DomainError
        For tokens that are not on the sphere, and rates that overflow.
    """
    x = tokens(X, normalise, "X")
    b, _ = temperatures(beta, x.shape[:-2])
    if (np.abs(b) > FASTEST / 2).any():
        raise DomainError("the rate of the energy overflows beyond abs(beta) = 350")
    return tensor(BALANCE, choice(rule, "rule", RULES))(x=x, beta=b)
