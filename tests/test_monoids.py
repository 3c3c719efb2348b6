"""The table of monoids: associative, with a unit, right on random splits, the same in balls and as text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb

from dltsym.errors import Undecided
from dltsym.functions.monoids import MONOIDS, ball_calls, functions, lines, spell


def numpy_calls() -> dict[str, Any]:
    """Return the meaning of the functions of a text over numpy arrays."""

    def quiet(f: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            with np.errstate(all="ignore"):
                return f(*args)

        return run

    def above(v: Any, i: Any, w: Any, j: Any) -> Any:
        lost, won = np.isnan(v), np.isnan(w)
        return np.where(lost | won, won & (~lost | (np.asarray(j) < i)), (w > v) | ((w == v) & (np.asarray(j) < i)))

    return {
        "inf": np.inf, "max": np.maximum, "min": np.minimum, "exp": np.exp, "log": quiet(np.log), "where": np.where,
        "logaddexp": np.logaddexp, "above": above,
        "ce": quiet(lambda m, top: np.where(np.equal(m, -np.inf), 0.0, np.exp(np.subtract(m, top)))),
        "alive": lambda x, v: np.where(np.equal(x, -np.inf), 0.0, v),
        "ratio": quiet(lambda a, b: np.where(np.equal(b, 0), 0.0, np.divide(a, b))),
    }  # fmt: skip


ROWS = {name: functions(name, numpy_calls()) for name in MONOIDS}


def entries(name: str, n: int, rng: np.random.Generator, *, dead: float = 0.0) -> list[tuple[Any, ...]]:
    """Draw entries; some first components are -inf."""
    x, y = rng.normal(size=n), rng.normal(size=n)
    if name in ("argmax", "argmin"):
        return [(v, k) for k, v in enumerate(np.round(x, 1))]
    if name == "affine":
        x = rng.uniform(-1, 1, n)
    if name == "prod":
        x = 1 + x / 10
    x = np.where(rng.random(n) < dead, -np.inf, x)
    return [(a, b) for a, b in zip(x, y, strict=True)] if len(MONOIDS[name].takes) == 2 else [(a,) for a in x]


def direct(name: str, given: list[tuple[Any, ...]]) -> float:
    """Compute the value without the monoid, in extended precision where it matters."""
    x = np.array([e[0] for e in given], np.longdouble)
    y = np.array([e[-1] for e in given], np.longdouble)
    with np.errstate(divide="ignore"):
        match name:
            case "sum" | "prod" | "max" | "min":
                return float(getattr(x, name)())
            case "lse":
                return float(np.log(np.exp(x).sum()))
            case "softmax_sum":
                total = np.exp(x).sum()
                return float((np.exp(x) * y).sum() / total) if total else 0.0
            case "welford":
                return float(((x - x.mean()) ** 2).mean())
            case "comoment":
                return float(((x - x.mean()) * (y - y.mean())).mean())
            case "argmax" | "argmin":
                return float(getattr(np, name)(x))
    h = np.longdouble(0)
    for a, b in zip(x, y, strict=True):
        h = a * h + b if name == "affine" else np.exp(a) * h + np.exp(b)
    return float(h if name == "affine" else np.log(h))


def split(name: str, given: list[tuple[Any, ...]], rng: np.random.Generator) -> Any:
    """Fold over a random tree of splits."""
    row = ROWS[name]
    if len(given) <= 1:
        return row.lift(*given[0]) if given else row.unit
    cut = int(rng.integers(0, len(given) + 1))
    cut = min(max(cut, 1), len(given) - 1)
    parts = [split(name, given[:cut], rng), split(name, given[cut:], rng)]
    if rng.random() < 0.2:
        parts.insert(int(rng.integers(0, 3)), row.unit)
    state = parts[0]
    for part in parts[1:]:
        state = row.combine(state, part)
    return state


@pytest.mark.parametrize("name", MONOIDS)
def test_random_splits(name: str) -> None:
    rng = np.random.default_rng(0)
    for trial in range(60):
        dead = 0.4 if name in ("lse", "softmax_sum", "max") and trial % 3 == 0 else 0.0
        given = entries(name, int(rng.integers(1, 40)), rng, dead=dead)
        got, wanted = float(ROWS[name].project(split(name, given, rng))), direct(name, given)
        scale = max(1.0, abs(wanted)) if math.isfinite(wanted) else 1.0
        assert got == wanted or abs(got - wanted) <= 3e-15 * scale, (name, given)


@pytest.mark.parametrize("name", MONOIDS)
def test_unit(name: str) -> None:
    row, rng = ROWS[name], np.random.default_rng(1)
    state = split(name, entries(name, 5, rng), rng)
    for both in (row.combine(row.unit, state), row.combine(state, row.unit)):
        assert [float(v) for v in both] == [float(v) for v in state]
    assert [float(v) for v in row.combine(row.unit, row.unit)] == [float(v) for v in row.unit]


def test_only_scans_depend_on_the_order() -> None:
    rng = np.random.default_rng(2)
    for name, row in MONOIDS.items():
        given = entries(name, 20, rng)
        same = np.isclose(float(ROWS[name].fold(given)), float(ROWS[name].fold(given[::-1])), rtol=1e-12)
        assert bool(same) == row.commutative


def test_dead_rows() -> None:
    low = -np.inf
    assert ROWS["lse"].fold([(low,), (low,)]) == low
    assert ROWS["lse"].fold([]) == low
    assert ROWS["softmax_sum"].fold([(low, np.nan), (low, 2.0)]) == 0
    assert ROWS["softmax_sum"].fold([(low, np.nan), (0.0, 2.0)]) == 2
    assert ROWS["welford"].fold([]) == 0
    assert ROWS["argmax"].fold([(low, 0), (low, 1)]) == 0


def test_large_scores_and_offsets() -> None:
    assert ROWS["lse"].fold([(1e6,), (1e6,)]) == 1e6 + math.log(2)
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    offset = x + 1e8
    wanted = float(np.var(offset.astype(np.longdouble)))
    state = split("welford", [(v,) for v in offset], rng)
    assert abs(float(ROWS["welford"].project(state)) / wanted - 1) < 1e-7


def test_ties_and_nan() -> None:
    assert ROWS["argmax"].fold([(1.0, 0), (3.0, 1), (3.0, 2)]) == 1
    assert ROWS["argmax"].combine((3.0, 2), (3.0, 1))[1] == 1
    assert ROWS["argmin"].fold([(3.0, 0), (1.0, 1), (1.0, 2)]) == 1
    assert ROWS["argmax"].fold([(1.0, 0), (np.nan, 1), (np.nan, 2), (np.inf, 3)]) == 1


def test_arrays_fold_entry_by_entry() -> None:
    x, v = np.random.default_rng(4).normal(size=(2, 7, 3))
    x[:, 0] = -np.inf
    got = ROWS["softmax_sum"].fold(list(zip(x, v, strict=True)))
    p = np.exp(x[:, 1:]) / np.exp(x[:, 1:]).sum(0)
    np.testing.assert_allclose(got, [0, *(p * v[:, 1:]).sum(0)], rtol=1e-14)


@pytest.mark.parametrize("name", MONOIDS)
def test_balls_contain_the_numbers(name: str) -> None:
    rng = np.random.default_rng(5)
    row, given = functions(name, ball_calls()), entries(name, 12, rng)
    got = arb(row.fold([tuple(arb(float(v)) for v in e) for e in given]))
    assert abs(float(got.mid()) - direct(name, given)) < 1e-13
    assert got.rad() < 1e-10


def test_balls_that_overlap_are_undecided() -> None:
    row = functions("argmax", ball_calls())
    with pytest.raises(Undecided):
        row.combine((arb(1, 0.5), 0), (arb(1.2, 0.5), 1))


def test_text() -> None:
    assert lines("affine", ("a", "b"), ("c", "d")) == ["a, b = c * a, c * b + d"]
    assert spell("max(m1, m2)", {"m1": "m", "m2": "x"}) == "tl.maximum(m, x)"


@pytest.mark.parametrize("name", MONOIDS)
def test_text_means_what_the_functions_do(name: str) -> None:
    rng = np.random.default_rng(6)
    row = MONOIDS[name]
    for dead in (0.0, 0.5 if name in ("lse", "softmax_sum", "max") else 0.0):
        first, second = (split(name, entries(name, 4, rng, dead=dead), rng) for _ in range(2))
        for a, b in ((first, second), (ROWS[name].unit, second), (ROWS[name].unit, ROWS[name].unit)):
            space: dict[str, Any] = {"np": np}
            space |= {f"p_{s}": np.asarray(v, float) for s, v in zip(row.state, a, strict=True)}
            space |= {f"q_{s}": np.asarray(v, float) for s, v in zip(row.state, b, strict=True)}
            numpy = {"max": "np.maximum", "min": "np.minimum", "inf": "np.inf", "exp": "np.exp", "log": "np.log"}
            text = lines(
                name, [f"p_{s}" for s in row.state], [f"q_{s}" for s in row.state], numpy | {"where": "np.where"}
            )
            with np.errstate(all="ignore"):
                exec("\n".join(text), space)
            got = [float(space[f"p_{s}"]) for s in row.state]
            np.testing.assert_allclose(got, [float(v) for v in ROWS[name].combine(a, b)], rtol=1e-14)
