"""Which temperature makes attention as hard as wanted: the rule of a theorem, with its assumptions and an enclosure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.errors import DomainError
from dltsym.systems.compiled import closed
from dltsym.systems.inputs import count, number, score_array

__all__ = ["Temperature", "choose_temperature", "gaps"]

RULE, TIES = "attention.temperature_rule", "attention.argmax_ties"


@dataclass(frozen=True)
class Temperature:
    """A temperature, and what is known of it.

    Attributes
    ----------
    theorem : str
        Key of the record that it rests on.
    temperature : float
        Largest temperature that suffices for every score vector with the gap, rounded down; infinite when every
        temperature suffices, 0 when none does.
    interval : tuple of float
        Certified enclosure of that largest temperature.
    beta : float
        Inverse temperature, rounded up.
    gap : float
        Smallest gap between the largest score and the next one that is assumed.
    keys : int
        Keys.
    miss : float
        Mass that may miss the largest score.
    assumptions : tuple of str
        What the statement rests on.
    sufficient, necessary : str
        For which scores the temperature is enough, and for which none above it is.
    """

    theorem: str
    temperature: float
    interval: tuple[float, float]
    beta: float
    gap: float
    keys: int
    miss: float
    assumptions: tuple[str, ...]
    sufficient: str
    necessary: str


def gaps(S: Any) -> Any:
    """Return the gap between the largest and the second score of each row.

    Parameters
    ----------
    S : array_like, shape (..., m)
        Scores; -inf hides a key.

    Returns
    -------
    ndarray, shape (...)
        0 for a tie, infinite where one key is seen.

    Raises
    ------
    DomainError
        For nan and +inf, scores whose differences overflow, and rows that see no key.
    """
    scores = score_array(S, "S")
    if scores.ndim < 1 or not scores.shape[-1] or (scores == -np.inf).all(-1).any():
        raise DomainError("a row of scores sees no key, so nothing is largest in it")
    if scores.shape[-1] == 1:
        return np.full(scores.shape[:-1], np.inf)
    top = np.partition(scores, -2, axis=-1)
    return top[..., -1] - top[..., -2]


def choose_temperature(
    gap: float | None = None, keys: int | None = None, miss: float = 0.01, *, scores: Any = None
) -> Temperature:
    """Return the largest temperature at which softmax attention gives the largest score all but a given mass.

    Parameters
    ----------
    gap : float, optional
        Gap between the largest score and the next, in the units of the scores that are divided by the temperature.
    keys : int, optional
        Number of keys.
    miss : float
        Mass that may miss the largest score, strictly between 0 and 1.
    scores : array_like, shape (..., m), optional
        Scores to read the smallest gap and the number of keys from, instead.

    Returns
    -------
    Temperature

    Raises
    ------
    DomainError
        When it is not clear what is asked, or numbers are outside their domains.

    Examples
    --------
    >>> round(choose_temperature(1, 1024, 0.01).temperature, 12)
    0.086763268885
    """
    if (scores is None) == (gap is None or keys is None):
        raise DomainError("give gap and keys, or scores")
    if scores is not None:
        if gap is not None or keys is not None:
            raise DomainError("give gap and keys, or scores, not both")
        found = gaps(scores)
        if not found.size:
            raise DomainError("scores are empty")
        gap, keys = float(found.min()), int(np.shape(scores)[-1])
    gap, keys, miss = number(gap, "gap", infinite=True), count(keys, "keys", 1, "keys"), number(miss, "miss")
    if not 0 < miss < 1 or not gap >= 0:
        raise DomainError(f"gap = {gap}, miss = {miss}: need gap >= 0, 0 < miss < 1")
    return _ruled(gap, keys, miss, "the smallest of the given rows" if scores is not None else "given")


def _ruled(gap: float, keys: int, miss: float, origin: str) -> Temperature:
    assumed = (f"every other score is at least {gap:.6g} below the largest one ({origin})", f"{keys} keys")
    if Fraction(miss) >= Fraction(keys - 1, keys) or gap == np.inf:
        return Temperature(
            RULE, np.inf, (np.inf, np.inf), 0.0, gap, keys, miss, assumed,
            "every temperature: the largest weight is at least 1/m" if gap < np.inf else "every temperature: one key",
            "nothing is",
        )  # fmt: skip
    if gap == 0:
        return Temperature(
            TIES, 0.0, (0.0, 0.0), np.inf, gap, keys, miss, ("scores may be tied", assumed[1]),
            "no temperature: tied scores share their mass equally at every temperature",
            "a gap: with k ties the mass of one winner is at most 1/k",
        )  # fmt: skip
    given = {"l": keys - 1, "D": Fraction(gap), "dlt": Fraction(miss)}
    low, high = _ends(closed(RULE, "temperature", "ball")(**given))
    return Temperature(
        RULE, low, (low, high), _ends(closed(RULE, "beta", "ball")(**given))[1], gap, keys, miss, assumed,
        "for all scores with this gap: at most `miss` of the mass misses the largest score",
        "for scores with all others tied at the gap; for other scores a higher temperature may do",
    )  # fmt: skip


def _ends(ball: Any) -> tuple[float, float]:
    """Return floats around a ball."""
    middle = float(ball.mid())
    away = float((ball - middle).abs_upper())
    return float(np.nextafter(middle - away, -np.inf)), float(np.nextafter(middle + away, np.inf))
