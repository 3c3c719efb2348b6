"""Exponential integral, gamma and Bessel functions of generated kernels: scipy's, and the few that torch has."""

from __future__ import annotations

from typing import Any

from dltsym.errors import UnsupportedError
from dltsym.lower.closed.space import is_number, space
from dltsym.lower.closed.wide import value


def ei(u: Any) -> Any:
    """Return the exponential integral.

    Parameters
    ----------
    u : array or number
        Real numbers, not 0.

    Returns
    -------
    array or number

    Raises
    ------
    UnsupportedError
        For a tensor: torch has no exponential integral.
    """
    u = value(u)
    if space(u).__name__ == "torch":
        raise UnsupportedError("torch has no exponential integral; use the numpy or the ball kernel")
    from scipy.special import expi

    return float(expi(u)) if is_number(u) else expi(u)


def lgamma(u: Any) -> Any:
    """Return the logarithm of the gamma function.

    Parameters
    ----------
    u : array or number
        Positive numbers.

    Returns
    -------
    array or number
    """
    return _gamma("gammaln", u)


def digamma(u: Any) -> Any:
    """Return the derivative of `lgamma`.

    Parameters
    ----------
    u : array or number
        Positive numbers.

    Returns
    -------
    array or number
    """
    return _gamma("digamma", u)


def _gamma(name: str, u: Any) -> Any:
    u = value(u)
    if space(u).__name__ == "torch":
        return getattr(space(u).special, name)(u)
    from scipy import special

    out = getattr(special, name)(u)
    return float(out) if is_number(u) else out


def bessel_i(nu: Any, u: Any) -> Any:
    """Return the modified Bessel function of the first kind; a tensor must have order 0 or 1.

    Parameters
    ----------
    nu, u : array or number
        Order and argument, not negative.

    Returns
    -------
    array or number
    """
    return _bessel("iv", nu, u)


def bessel_ie(nu: Any, u: Any) -> Any:
    """Return the Bessel function times ``exp(-u)``; a tensor must have order 0 or 1.

    Parameters
    ----------
    nu, u : array or number
        Order and argument, not negative.

    Returns
    -------
    array or number
    """
    return _bessel("ive", nu, u)


def _bessel(name: str, nu: Any, u: Any) -> Any:
    nu, u = value(nu), value(u)
    xp = space(nu, u)
    if xp.__name__ == "torch":
        for order in (0, 1):
            if bool(xp.as_tensor(nu == order).all()):
                table = {"iv": (xp.special.i0, xp.special.i1), "ive": (xp.special.i0e, xp.special.i1e)}
                return table[name][order](xp.as_tensor(u))
        raise UnsupportedError("torch has Bessel functions of order 0 and 1 only; use the numpy or the ball kernel")
    from scipy import special

    out = {"iv": special.iv, "ive": special.ive}[name](nu, u)
    return float(out) if is_number(nu) and is_number(u) else out
