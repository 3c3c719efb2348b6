"""Inputs on which the inverse of relative entropy is checked."""

from __future__ import annotations

from typing import Any

from dltsym.implementation import Case


def _logs(lo: float, hi: float) -> Any:
    return lambda rng, shape: 10.0 ** rng.uniform(lo, hi, shape)


def _near_one(rng: Any, shape: tuple[int, ...]) -> Any:
    return 1 - 10.0 ** rng.uniform(-2, -0.5, shape)


def _case(name: str, n: int, q: Any, c: Any, lead: tuple[int, ...] = ()) -> Case:
    return Case(name, {"n": n}, {"q": lead}, {}, {"q": q, "c": c}, seed=n)


CASES: tuple[Case, ...] = (
    _case("usual", 129, "uniform", _logs(-3, 0)),
    _case("small radius", 100, "uniform", _logs(-9, -4)),
    _case("large radius", 64, "uniform", _logs(0, 1.2)),
    _case("zero risk", 63, "zeros", _logs(-6, 1)),
    _case("tiny radius at zero risk", 1, "zeros", "1e-5"),
    _case("small risk", 300, _logs(-4, -1), _logs(-4, 0)),
    _case("large risk", 65, _near_one, _logs(-4, -1)),
    _case("no radius", 40, "uniform", "zeros"),
    _case("whole risk", 2, "ones", "uniform, first 0"),
    _case("cancels", 8, "0.3", "1e-9"),
    _case("broadcast", 17, "uniform", _logs(-3, 0), lead=(3,)),
)
