"""Detectors of temperature and prior: how both enter is measured, as powers of what is passed in and of the width."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dltsym.lints.arguments import RAW
from dltsym.lints.family import bare, fit, flat
from dltsym.lints.finding import Fact, Untested, found
from dltsym.lints.seen import Item, Seen, dtype_of, largest
from dltsym.lints.subject import Array, Failed, Subject, draw, scores

NEAR = 1e-3
"""Relative error of a measured temperature beyond which it is another one."""


@dataclass(frozen=True)
class Law:
    """Temperature on raw scores as ``factor * t**of_t * d**of_d``."""

    factor: float
    of_t: float
    of_d: float

    def __str__(self) -> str:
        parts = [f"{self.factor:.6g}"] if abs(self.factor - 1) > NEAR else []
        parts += [p for p in (_power("t", self.of_t), _power("d", self.of_d)) if p]
        return " ".join(parts) or "1"

    def like(self, of_t: float, of_d: float) -> bool:
        """Tell whether the powers are these."""
        return abs(self.of_t - of_t) < 0.02 and abs(self.of_d - of_d) < 0.02


def _power(name: str, p: float) -> str:
    if abs(p) < 0.02:
        return ""
    return name if abs(p - 1) < 0.02 else f"sqrt({name})" if abs(p - 0.5) < 0.02 else f"{name}^{p:.3g}"


def temperature(seen: Seen) -> Iterator[Item]:
    """Judge the temperature.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L2 or L9.
    """
    if seen.fit is None:
        return
    law = _law(seen)
    if law is None:
        yield Untested("temperature: it follows no power of the width and of what is passed in")
        return
    reading = seen.subject.reading
    if law.factor < 0:
        yield found(
            "L9", f"the temperature is {law.factor:.4g}: small scores get the large weights; the sign of the cost"
        )
        return
    if seen.subject.of_scores:
        law = replace(law, of_d=0.0)
    yield from _base_two(law)
    if "tau" not in seen.subject.takes:
        yield from _without(law)
    elif reading.temperature in reading.guessed or not reading.temperature:
        yield from _guessed(seen, law)
    elif not (law.like(1, 0) and abs(law.factor - 1) < NEAR):
        yield found("L2", f"{reading.temperature} is declared as the temperature t on raw scores, and the measured "
                    f"temperature is {law}", advice="mend the code, or the mapping")  # fmt: skip


def _base_two(law: Law) -> Iterator[Item]:
    for factor, words in ((1 / math.log(2), "exp2 without the factor log2(e)"), (math.log(2), "log2(e) without exp2")):
        if abs(law.factor / factor - 1) < NEAR:
            yield found("L2", f"the temperature is {law}, off by {law.factor:.5g}: {words}")


def _without(law: Law) -> Iterator[Item]:
    """Judge a function without a parameter for the temperature."""
    if law.like(0, 1):
        yield found("L2", f"scores are divided by {law}: by sqrt(d) twice",
                    advice="divide by sqrt(d) once; where 1/d is meant (width transfer), ignore this lint")  # fmt: skip
    elif law.of_d < -0.02:
        yield found("L2", f"the temperature is {law}: scores are multiplied by a power of d, not divided")
    elif not (law.like(0, 0.5) or law.like(0, 0)):
        yield found("L2", f"the temperature is {law}, which is neither sqrt(d) nor free of d")
    else:
        yield Fact(f"temperature {law}" + ("" if law.like(0, 0) or abs(law.factor - 1) < NEAR
                   else ", not the standard sqrt(d)"))  # fmt: skip


def _guessed(seen: Seen, law: Law) -> Iterator[Item]:
    """Judge a parameter whose meaning was guessed from its name; t is 1/scale where it is a scale."""
    reading = seen.subject.reading
    name, default = reading.temperature, reading.default
    inverse = str(reading.mapping.get(name, "")).startswith("1/")
    told = f"with t = {'1/' if inverse else ''}{name} the temperature on raw scores is {law}"
    if law.like(1, 0) and abs(law.factor - 1) < NEAR:
        yield Fact(told)
    elif abs(law.of_t) < 0.02:
        yield found("L2", f"{told}: {name} has no effect")
    elif law.like(-1, 0) and inverse:
        yield Fact(f"{told}: it divides by {name}")
    elif law.of_t < -0.02:
        yield found("L2", f"{told}: a larger {name} makes attention sharper")
    elif law.like(1, 0.5) and _multiplier(name, default, inverse):
        yield Fact(f"{told}: {name} multiplies the standard temperature")
    elif law.like(1, 0.5):
        cold = f"; the default {default} gives {float(default):.4g} sqrt(d)" if _number(default) and not inverse else ""
        yield found("L2", f"{told}: scores are divided by sqrt(d) and again by t{cold}")
    elif law.like(1, 0) and (abs(law.factor - 0.5) < NEAR or abs(law.factor - 2) < NEAR):
        yield found("L9", f"{told}: the cost is {'twice' if law.factor < 1 else 'half'} minus the score")
    else:
        yield found("L2", told)


def _multiplier(name: str, default: Any, inverse: bool) -> bool:
    """Tell whether a second temperature is harmless: its default is 1, or its name promises nothing of raw scores."""
    if _number(default):
        return float(default) == 1.0
    return not inverse and name not in RAW


def _number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and x is not inspect.Parameter.empty


def _law(seen: Seen) -> Law | None:
    """Measure the temperature at two values and at two widths."""
    own = seen.subject
    at = own.sizes.d
    if seen.fit is None:
        return None
    base = seen.fit.eps
    of_t = of_d = 0.0
    if "tau" in own.takes:
        hot = _eps(seen, replace(own, fixed={**own.fixed, "tau": 1.5}))
        if hot is None or hot / base <= 0:
            return None
        of_t = math.log(hot / base) / math.log(1.5)
    if not own.of_scores:
        square = own.sizes.m if own.sizes.d == own.sizes.m else 0
        d = int(2.25 * at)
        sizes = {"d": d, "m": d, "dv": d} if square else {"d": d}
        sizes |= {"n": d} if square and own.sizes.n == own.sizes.m else {}
        broad = _eps(seen, own.resized(**sizes))
        if broad is None or broad / base <= 0:
            return Law(base, of_t, 0.0)
        of_d = math.log(broad / base) / math.log(d / at)
    return Law(base / at**of_d, of_t, of_d)


def _eps(seen: Seen, own: Subject) -> float | None:
    probes = draw(own.sizes, 5, own.of_scores), draw(own.sizes, 6, own.of_scores)
    try:
        a, b = (own.weights(p, dtype_of(seen)) for p in probes)
    except Failed:
        return None
    got = fit(a, b, scores(probes[1]) - scores(probes[0]), max(1e-7, seen.tolerance))
    return got.eps if got is not None else None


# Priors


def prior(seen: Seen) -> Iterator[Item]:
    """Judge how a bias of pairs, or a log-prior of keys, enters the logits: with the factor 1.

    Parameters
    ----------
    seen : Seen
        Function.

    Yields
    ------
    Finding
        L3.
    """
    own = seen.subject
    for name in ("bias", "lp"):
        if name not in own.takes:
            continue
        if seen.fit is None or (name == "lp" and not seen.fixed):
            yield Untested(f"the prior {name}: the weights are not those of softmax attention")
            continue
        seeds = (1.0, 2.0) if "tau" in own.takes else (1.0,)
        factors = [_factor(seen, name, t) for t in seeds]
        if any(f is None for f in factors):
            weighed = [_factor(seen, name, t, log=False) for t in seeds]
            if all(f is not None and abs(f - 1) < NEAR for f in weighed):
                yield Fact(f"{name} is taken as weights of keys, not as their logarithms")
                continue
            yield _unfit(seen, name)
            continue
        yield from _prior(seen, name, seeds, [f for f in factors if f is not None])


def _prior(seen: Seen, name: str, heats: tuple[float, ...], factors: list[float]) -> Iterator[Item]:
    assert seen.fit is not None
    if all(abs(f - 1) < NEAR for f in factors):
        yield Fact(f"{name} is added to the logits with the factor 1")
        return
    told = " and ".join(
        f"{f:.4g}" + (f" at t = {t:g}" if len(heats) > 1 else "") for f, t in zip(factors, heats, strict=True)
    )
    if all(abs(f) < NEAR for f in factors):
        yield found("L3", f"{name} has no effect on the weights", advice=f"add {name} to the logits")
    elif all(abs(f + 1) < NEAR for f in factors):
        yield found("L3", f"{name} is subtracted: a log-prior of 1 less makes a key more likely")
    else:
        yield found(
            "L3", f"{name} enters the logits with the factor {told}, not 1: it is divided along with the scores"
        )


def _unfit(seen: Seen, name: str) -> Item:
    """Say what is wrong where a prior does not enter the logits, if rows tell; a prior of mixed signs is tried."""
    own = seen.subject
    given = np.linspace(-1, 2, own.sizes.m)
    given = given if name == "lp" else np.broadcast_to(given, (own.sizes.n, own.sizes.m)).copy()
    off = largest(own.weights(seen.probes[0], dtype_of(seen), **{name: given}).sum(-1) - 1)
    if seen.rows_right and off > seen.tolerance:
        return found("L3", f"with {name} rows are off by {off:.3g}: it does not enter the logits",
                     advice=f"add {name} to the logits, before softmax")  # fmt: skip
    return Untested(f"the prior {name}: the logarithms of the weights do not follow it")


def _factor(seen: Seen, name: str, heat: float, log: bool = True) -> float | None:
    """Measure by what factor a prior enters the logits, by least squares; None where it does not fit."""
    own, dtype = seen.subject, dtype_of(seen)
    n, m = own.sizes.n, own.sizes.m
    random = np.random.default_rng(11)
    chance = random.dirichlet(np.full(m, 3.0), size=() if name == "lp" else n)
    given = np.log(chance) if log else chance
    flatly = np.zeros_like(given) if log else np.full_like(given, 1 / m)
    fixed = {"tau": heat} if "tau" in own.takes else {}
    try:
        with_it, without = (own.weights(seen.probes[0], dtype, **{name: x}, **fixed) for x in (given, flatly))
    except Failed:
        return None
    if not ((with_it > 0) & (without > 0)).all():
        return None
    change = flat(np.log(with_it) - np.log(without))
    expected = np.broadcast_to(np.log(chance), (n, m))
    return _least_squares(change, expected, name, seen.tolerance)


def _least_squares(change: Array, expected: Array, name: str, tolerance: float) -> float | None:
    every = np.ones(expected.shape, bool)

    def plain(x: Array) -> Array:
        return bare(x, every) if name == "bias" else x - x.mean(-1, keepdims=True)

    x, y = plain(np.array(expected)), np.stack([plain(c) for c in change])
    factor = float((x * y).sum() / ((x * x).sum() * len(y)))
    return factor if largest(y - factor * x) <= 100 * tolerance else None
