"""Balls of the functions that kernels compute in a stable way, where a definition would lose width or has a hole."""

from __future__ import annotations

from collections.abc import Callable

from flint import acb, arb, ctx

NAN = arb.nan()
ZERO, ONE = arb(0), arb(1)


def _above(least: int, f: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """Restrict a function to arguments that are certainly above `least`."""
    return lambda u: f(u) if u > least else NAN


def trigamma(u: arb) -> arb:
    """Return the sum of ``1/(u + k)**2`` over k >= 0, for u > 0 (a Hurwitz zeta value).

    Parameters
    ----------
    u : arb
        Argument.

    Returns
    -------
    arb
    """
    return acb(2).zeta(acb(u)).real if u > 0 else NAN


def sign(u: arb) -> arb:
    """Return the sign of a ball that does not contain 0, or of 0 itself.

    Parameters
    ----------
    u : arb
        Argument.

    Returns
    -------
    arb
    """
    return ONE if u > 0 else -ONE if u < 0 else ZERO if u.is_zero() else NAN


def floor(u: arb) -> arb:
    """Return the integer part where a ball has only one.

    Parameters
    ----------
    u : arb
        Argument.

    Returns
    -------
    arb
    """
    if not u.is_finite():
        return NAN
    low, high = u.lower().floor(), u.upper().floor()
    return low if low.is_exact() and high.is_exact() and low == high else NAN


def logaddexp(u: arb, w: arb) -> arb:
    """Return ``log(exp(u) + exp(w))``.

    Parameters
    ----------
    u, w : arb
        Arguments.

    Returns
    -------
    arb
    """
    if not (u.is_finite() and w.is_finite()):
        return NAN
    top = max(u.mid(), w.mid())
    return top + ((u - top).exp() + (w - top).exp()).log()


def log_cosh(u: arb) -> arb:
    """Return ``log cosh u``, even in u.

    Parameters
    ----------
    u : arb
        Argument.

    Returns
    -------
    arb
    """
    a = abs(u)
    return a + (-2 * a).exp().log1p() - arb(2).log()


def log_ndtr(u: arb) -> arb:
    """Return the logarithm of the standard normal distribution function.

    Parameters
    ----------
    u : arb
        Argument.

    Returns
    -------
    arb
    """
    return ((-u / arb(2).sqrt()).erfc() / 2).log()


def _expm1mx(z: arb) -> arb:
    return z.expm1() - z if z > 0 or z < 0 else ZERO if z.is_zero() else NAN


def expm1mx(u: arb) -> arb:
    """Return ``exp(u) - 1 - u``; it falls up to 0 and rises after.

    Parameters
    ----------
    u : arb
        Argument.

    Returns
    -------
    arb
    """
    return _valley(u, _expm1mx)


def log1pmx(u: arb) -> arb:
    """Return ``log(1 + u) - u`` for u > -1; it rises up to 0 and falls after.

    Parameters
    ----------
    u : arb
        Argument.

    Returns
    -------
    arb
    """
    return _valley(u, lambda z: z.log1p() - z) if u > -1 else NAN


def _valley(u: arb, f: Callable[[arb], arb]) -> arb:
    """Enclose a function that is monotone on both sides of 0, where its value is 0."""
    if not u.is_finite():
        return NAN
    ends = f(u.lower()).union(f(u.upper()))
    return ends.union(ZERO) if u.contains(0) else ends


def phi1d(z: arb) -> arb:
    """Return the derivative of ``(exp(z) - 1)/z``, increasing, 1/2 at 0.

    Parameters
    ----------
    z : arb
        Argument.

    Returns
    -------
    arb
    """
    if not z.is_finite():
        return NAN
    low, high = (_phi1d(e) for e in (z.lower(), z.upper()))
    return low.union(high)


def _phi1d(z: arb) -> arb:
    if z.is_zero():
        return ONE / 2
    if abs(z) > 1:
        return (z.exp() * (z - 1) + 1) / (z * z)
    term, out, k = ONE, ZERO, 0  # z**k/k!/(k + 2); what follows a term is below twice the next one
    small = arb(2) ** -(ctx.prec + 16)
    while k == 0 or abs(term) > small:
        out, k = out + term / (k + 2), k + 1
        term = term * z / k
    tail = (2 * abs(term)).upper()
    return out + tail.union(-tail)


def ei(u: arb) -> arb:
    """Return the exponential integral; it falls below 0 and rises above, so the ends enclose it.

    Parameters
    ----------
    u : arb
        Argument, not 0.

    Returns
    -------
    arb
    """
    return u.lower().ei().union(u.upper().ei()) if u > 0 or u < 0 else NAN


def bessel_i(nu: arb, u: arb) -> arb:
    """Return ``I_nu(u)`` for nu, u >= 0; it rises in u, so the ends enclose it.

    Parameters
    ----------
    nu, u : arb
        Order and argument.

    Returns
    -------
    arb
    """
    if not (nu >= 0 and u >= 0):
        return NAN
    low, high = (_bessel(nu, end, False) for end in (u.lower(), u.upper()))
    return low.union(high)


def bessel_ie(nu: arb, u: arb) -> arb:
    """Return ``exp(-u) I_nu(u)`` for nu, u >= 0, which stays in range.

    Parameters
    ----------
    nu, u : arb
        Order and argument.

    Returns
    -------
    arb
    """
    return _bessel(nu, u, True) if nu >= 0 and u >= 0 else NAN


def _bessel(nu: arb, u: arb, scaled: bool) -> arb:
    if u.is_zero():
        return ONE if nu.is_zero() else ZERO if nu > 0 else NAN
    return u.bessel_i(nu, scaled=scaled)


STABLE: dict[str, Callable[..., arb]] = {
    "log1p": _above(-1, arb.log1p),
    "expm1": arb.expm1,
    "erfc": arb.erfc,
    "lgamma": _above(0, arb.lgamma),
    "digamma": _above(0, arb.digamma),
    "trigamma": trigamma,
    "ei": ei,
    "bessel_i": bessel_i,
    "bessel_ie": bessel_ie,
    "sign": sign,
    "floor": floor,
    "relu": lambda u: arb.max(u, ZERO),
    "logaddexp": logaddexp,
    "logsigmoid": lambda u: -(-u).exp().log1p(),
    "log1mexp": _above(0, lambda u: (-(-u).expm1()).log()),
    "log_cosh": log_cosh,
    "sech2": lambda u: 1 / u.cosh() ** 2,
    "rsqrt": _above(0, arb.rsqrt),
    "log_ndtr": log_ndtr,
    "xlogy": lambda u, w: u * w.log() if w > 0 else NAN,
    "log1pmx": log1pmx,
    "expm1mx": expm1mx,
    "phi1d": phi1d,
}
