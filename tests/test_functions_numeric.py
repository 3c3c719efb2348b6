"""The functions that kernels compute in a stable way: definitions, derivatives, facts and balls agree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb

from dltsym.functions.table import FUNCTIONS, NUMERIC
from dltsym.notation.balls import EXACT, REAL, working
from dltsym.notation.evaluate import compile_expr, evaluate, holds
from dltsym.notation.parse import row_text
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Call, Expr, Num, Rel

POINTS = [Fraction(p, 8) for p in (-400, -71, -24, -9, -8, -7, -3, -1, 1, 3, 7, 8, 9, 24, 71, 400)]
SECOND = (Fraction(1, 3), Fraction(5, 2))
NAMES = sorted(NUMERIC)


def places(name: str) -> list[tuple[Fraction, ...]]:
    """Return arguments inside the domain."""
    row = FUNCTIONS[name]
    every = [(u,) for u in POINTS] if len(row.args) == 1 else [(u, w) for u in POINTS for w in SECOND]
    return [at for at in every if all(holds(told(name, text, at), {}) for text in row.domain)]


def told(name: str, text: str, at: tuple[Fraction, ...]) -> Rel:
    """Return a text of a row at some arguments."""
    rel = row_text(Call(name, tuple(map(Num, at))), text)
    assert isinstance(rel, Rel)
    return rel


def value(name: str, at: tuple[Fraction, ...], prec: int = 400) -> arb:
    """Return a ball around a value of a function."""
    return evaluate(Call(name, tuple(map(Num, at))), {}, prec)


@pytest.mark.parametrize("name", NAMES)
def test_definitions_and_facts_hold(name: str) -> None:
    row, found = FUNCTIONS[name], places(name)
    assert len(found) >= 8
    for at in found:
        got = value(name, at)
        assert got.is_finite()
        if row.definition is not None:
            want = evaluate(_expr(name, row.definition, at), {}, 2000)
            assert got.overlaps(want)
        assert all(holds(told(name, text, at), {}, (400, 4000)) is not False for text in row.facts)


def _expr(name: str, text: str, at: tuple[Fraction, ...]) -> Expr:
    out = row_text(Call(name, tuple(map(Num, at))), text)
    assert isinstance(out, Expr)
    return out


@pytest.mark.parametrize("name", [n for n in [*NAMES, "phi1"] if FUNCTIONS[n].derivative])
def test_derivatives_are_slopes(name: str) -> None:
    step = Fraction(1, 10**30)
    for at in places(name):
        for k, text in ((k, text) for k, text in enumerate(FUNCTIONS[name].derivative) if text):
            ends = [value(name, (*at[:k], at[k] + s * step, *at[k + 1 :]), 3000) for s in (-1, 1)]
            want = evaluate(_expr(name, text, at), {}, 3000)
            if name in ("kl_upper", "kl_lower") and not want.is_finite():
                assert at[0] in (0, 1) or at[1] == 0, "a derivative is missing at ends only"
                continue
            with working(3000):
                slope = (ends[1] - ends[0]) * 10**30 / 2
                assert abs(slope - want) <= (1 + abs(want)) * arb("1e-25"), (at, text)


@pytest.mark.parametrize("name", NAMES)
def test_wide_balls_enclose(name: str) -> None:
    if name not in REAL:
        return
    for at in places(name):
        whole = REAL[name](*(arb(a.numerator) / a.denominator + arb(0, 0.02) for a in at))
        for shift in (Fraction(-1, 64), Fraction(0), Fraction(1, 64)):
            near = tuple(a + shift for a in at)
            if whole.is_finite():
                assert whole.overlaps(value(name, near))
    with working(64):
        assert not REAL[name](*[arb.nan()] * len(FUNCTIONS[name].args)).is_finite()


def test_exact_values() -> None:
    at = Fraction(-7, 2)
    v = Scope()
    x = v.real("x")
    wanted = {"sign(x)": -1, "floor(x)": -4, "relu(x)": 0, "log1p(x - x)": 0, "expm1(0*x)": 0, "log1pmx(0*x)": 0}
    for text, want in wanted.items():
        f = compile_expr(v.parse(text))
        assert f.exact({"x": at}) == want
        assert f.ball({"x": at}) == want
    assert x.decl.sort == "real"
    assert not value("log1p", (Fraction(-1),)).is_finite()
    assert {"sign", "floor", "relu"} <= EXACT.keys()
