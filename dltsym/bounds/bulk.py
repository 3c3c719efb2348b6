"""Estimates of a bound for many rows at once: the numpy kernel of its record over arrays."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.bounds.asked import given
from dltsym.bounds.objects import BoundObject
from dltsym.bounds.scale import limits, near
from dltsym.bounds.values import environment, kernel_of

__all__ = ["estimates", "on_scale"]


def on_scale(what: BoundObject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return arrays of inputs on the scale of the record: measured risks are mapped to its range.

    Parameters
    ----------
    what : BoundObject
        Bound; it gives everything but the numbers.
    values : mapping of str to ndarray, shape (rows,)
        Inputs by symbol, measured risks in the units of the loss.

    Returns
    -------
    dict of str to ndarray
    """
    s, out = what.statement, dict(values)
    if s.rescaled and what.loss is not None and s.emp_risk in out:
        (a, b), (lo, hi) = (tuple(near(Fraction(x)) for x in pair) for pair in (s.loss, what.loss))
        if (lo, hi) != (a, b):
            out[s.emp_risk] = a + (out[s.emp_risk] - lo) / (hi - lo) * (b - a)
    return out


def estimates(what: BoundObject, values: Mapping[str, Any]) -> Any:
    """Return plain floats for many rows at once, clipped to the range of the loss.

    Parameters
    ----------
    what : BoundObject
        Bound; its own inputs stand for those that are not in `values`.
    values : mapping of str to ndarray, shape (rows,)
        Inputs by symbol.

    Returns
    -------
    ndarray, shape (rows,)
    """
    s = what.statement
    rows = len(next(iter(values.values())))
    fixed = {name: x for name, x in environment(what).items() if name not in values}
    env = {name: given(x, what.record.symbols[name]) for name, x in fixed.items()} | on_scale(what, values)
    for name in s.deltas:
        if name in values:
            env[name] = values[name] * near(what.ledger.weight)
    if s.complexity in values:
        for p in what.ledger.payments:
            env[s.complexity] = env[s.complexity] + near(p.nats)
    kernel = kernel_of(what.key, s.of)
    raw = np.broadcast_to(np.asarray(kernel(**{k: env[k] for k in kernel.inputs}), np.float64), (rows,))
    if s.rescaled and what.loss is not None:
        (a, b), (lo, hi) = (tuple(near(Fraction(x)) for x in pair) for pair in (s.loss, what.loss))
        raw = raw if (lo, hi) == (a, b) else (0 if s.gap else lo) + (raw - (0 if s.gap else a)) * (hi - lo) / (b - a)
    if s.gap and s.emp_risk in values:
        raw = raw + values[s.emp_risk]
    low, high = limits(what)
    raw = raw if high is None else np.minimum(raw, near(high))
    return raw if low is None else np.maximum(raw, near(low))
