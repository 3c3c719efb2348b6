"""Properties of one call: sums, bounds, balances of gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltsym.operators import Law
from dltsym.relations.arrays import Names, When, names_of, present


def sums_to(output: str, total: Any, axis: int = -1, *, when: When = None) -> Law:
    """Say what an output sums to along an axis.

    Parameters
    ----------
    output : str
        Output.
    total : float or callable
        Sum, or a function of inputs and outputs to it.
    axis : int
        Axis, from the right.
    when : callable, optional
        From inputs and modes to whether the law applies.

    Returns
    -------
    Law
    """
    return Law(
        f"{output} sums to {total if not callable(total) else 'its total'}",
        lambda x, out: out[output].sum(axis) - (total(x, out) if callable(total) else total),
        lambda x, out, allowed: allowed[output].sum(axis),
        when=when,
    )


def within(output: str, lo: Any = None, hi: Any = None, *, when: When = None) -> Law:
    """Say between which bounds an output lies.

    Parameters
    ----------
    output : str
        Output.
    lo, hi : float or callable, optional
        Bounds, or functions of inputs and outputs to them.
    when : callable, optional
        From inputs and modes to whether the law applies.

    Returns
    -------
    Law

    Examples
    --------
    >>> within("H", lo=0).residual({}, {"H": -2.0})
    2.0
    """

    def residual(x: Mapping[str, Any], out: Mapping[str, Any]) -> Any:
        y, excess = out[output], 0.0
        for bound, sign in ((lo, -1), (hi, 1)):
            if bound is not None:
                over = sign * (y - (bound(x, out) if callable(bound) else bound))
                excess = excess + (over + abs(over)) / 2
        return excess

    return Law(f"{output} within its bounds", residual, lambda x, out, allowed: allowed[output], when=when)


def euler(degrees: Mapping[str, float], outputs: Mapping[str, float] | None = None, *, when: When = None) -> Law:
    """Say that outputs are homogeneous: sum of degree <x, dx> equals sum of degree <cotangent, output>.

    Parameters
    ----------
    degrees : mapping of str to float
        Weight of each input: all are scaled together, ``x * s**weight``.
    outputs : mapping of str to float, optional
        Degree of each output; 0 by default.
    when : callable, optional
        From inputs and modes to whether the law applies.

    Returns
    -------
    Law

    Examples
    --------
    >>> euler({"q": 1, "k": -1}).name
    '<q, dq> = <k, dk>'
    """
    gains = dict(outputs or {})

    def residual(x: Mapping[str, Any], out: Mapping[str, Any]) -> Any:
        left = sum(w * (x[n] * out[f"d{n}"]).sum() for n, w in degrees.items())
        return left - sum(w * (out[f"cotangent_{o}"] * out[o]).sum() for o, w in gains.items())

    def allowed(x: Mapping[str, Any], out: Mapping[str, Any], tolerance: Mapping[str, Any]) -> Any:
        left = sum(abs(w) * (abs(x[n]) * tolerance[f"d{n}"]).sum() for n, w in degrees.items())
        return left + sum(abs(w) * (abs(out[f"cotangent_{o}"]) * tolerance[o]).sum() for o, w in gains.items())

    plus = [f"<{n}, d{n}>" for n, w in degrees.items() if w > 0] + [f"<d{o}, {o}>" for o, w in gains.items() if w < 0]
    minus = [f"<{n}, d{n}>" for n, w in degrees.items() if w < 0] + [f"<d{o}, {o}>" for o, w in gains.items() if w > 0]
    name = f"{' + '.join(plus) or '0'} = {' + '.join(minus) or '0'}"
    return Law(name, residual, allowed, gradients=True, when=present(degrees, when))


def gradient_shift(names: Names, moves: Mapping[str, float] | None = None, *, when: When = None) -> Law:
    """Say what a common shift does to the outputs, in gradients: the sum of dx is that of the cotangents that move.

    Parameters
    ----------
    names : str or sequence of str
        Inputs that are shifted together.
    moves : mapping of str to float, optional
        By how much an output moves for a shift by 1; 0 by default.
    when : callable, optional
        From inputs and modes to whether the law applies.

    Returns
    -------
    Law
    """
    own, moved = names_of(names), dict(moves or {})

    def residual(x: Mapping[str, Any], out: Mapping[str, Any]) -> Any:
        return sum(out[f"d{n}"].sum() for n in own) - sum(w * out[f"cotangent_{o}"].sum() for o, w in moved.items())

    return Law(
        f"sum of {' and '.join('d' + n for n in own)}",
        residual,
        lambda x, out, allowed: sum(allowed[f"d{n}"].sum() for n in own),
        gradients=True,
        when=present(own, when),
    )
