"""Transport problems: scores, temperatures, masses, priors and masks, checked and brought to one batch shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DomainError, ShapeError
from dltsym.systems.inputs import FAINTEST, WIDEST, Array, choice, real_array, score_array
from dltsym.systems.masks import causal_mask, mask_array, masses

__all__ = ["Problem", "posed"]


@dataclass(frozen=True, eq=False)
class Problem:
    """Checked inputs: scores with -inf where nothing is seen, temperatures, masses, and whether masses were given."""

    S: Array
    eps: Array
    a: Array
    b: Array
    uniform: bool

    @property
    def batch(self) -> tuple[int, ...]:
        """Batch shape."""
        return self.S.shape[:-2]

    @property
    def seen(self) -> Any:
        """Where mass can flow."""
        return (-np.inf < self.S) & (self.a > 0)[..., None] & (self.b > 0)[..., None, :]


def posed(S: Any, eps: Any, a: Any, b: Any, log_prior: Any, mask: Any) -> Problem:
    """Check the inputs of a problem and bring them to one batch shape.

    Parameters
    ----------
    S : array_like, shape (..., n, m)
        Scores; -inf hides a key.
    eps : float or array_like, shape (...)
        Temperatures, positive.
    a, b : array_like, shape (..., n) and (..., m), or None
        Masses of sum 1; uniform by default.
    log_prior : array_like, or None
        Added to ``S / eps``; it broadcasts against the scores, and -inf hides a key.
    mask : array_like of bool, {"causal"}, or None
        True where a query sees a key; it broadcasts against the scores.

    Returns
    -------
    Problem

    Raises
    ------
    ShapeError
        When shapes do not fit.
    DTypeError
        For a mask that is not of type bool.
    DomainError
        For nan and +inf, temperatures that are not positive and finite, and where the quotient of both overflows.
    """  # noqa: DOC502 - raised where each input is read
    scores, heat = score_array(S, "S"), real_array(eps, "eps")
    if scores.ndim < 2 or 0 in scores.shape[-2:]:
        raise ShapeError(f"S has shape {scores.shape}; it must be (..., n, m) with at least one query and one key")
    if (heat <= 0).any():
        raise DomainError(f"eps is {heat.min()}; a temperature is positive (the limit 0 is attention.argmax_ties)")
    n, m = scores.shape[-2:]
    row, column = masses(a, n, "a"), masses(b, m, "b")
    extra = [] if log_prior is None else [score_array(log_prior, "log_prior")]
    if isinstance(mask, str):
        choice(mask, "mask", ("causal",))
    hidden = np.ones((n, m), bool) if mask is None else causal_mask(n, m) if isinstance(mask, str) else mask_array(mask)
    try:
        whole = np.broadcast_shapes(scores.shape, hidden.shape, *(x.shape for x in extra), (*heat.shape, 1, 1))
        batch = np.broadcast_shapes(whole[:-2], row.shape[:-1], column.shape[:-1])
    except ValueError:
        whole, batch = (), ()
    if whole[-2:] != (n, m):
        shapes = {"S": scores, "eps": heat, "mask": hidden, "a": row, "b": column}
        told = ", ".join(f"{k} {x.shape}" for k, x in shapes.items())
        raise ShapeError(f"shapes do not fit together: {told}, log_prior {[x.shape for x in extra]}") from None
    with np.errstate(over="ignore"):
        scaled = scores + sum((heat[..., None, None] * x for x in extra), np.zeros(()))
    _in_range(scaled, heat)
    full = np.where(hidden, np.broadcast_to(scaled, (*batch, n, m)), -np.inf)
    sizes = {"a": (row, n), "b": (column, m)}
    row, column = (np.broadcast_to(x, (*batch, k)) for x, k in sizes.values())
    return Problem(full, np.broadcast_to(heat, batch), row, column, a is None and b is None)


def _in_range(scaled: Array, heat: Array) -> None:
    """Refuse scores that overflow when they are divided by the temperature."""
    most = float(np.abs(np.where(np.isneginf(scaled), 0.0, scaled)).max(initial=0.0))
    least = float(heat.min(initial=np.inf))
    if least < FAINTEST or not most <= WIDEST * min(1.0, least):
        raise DomainError(
            f"scores up to {most:.6g}, prior included, at a temperature of {least:.6g}: the quotient overflows"
        )
