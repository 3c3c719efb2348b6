"""The inverses of relative entropy as functions of the language: balls, exact values, derivatives, kernels, LaTeX."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb, fmpq

from dltsym import Scope, diff, kl_lower, kl_upper
from dltsym.errors import DomainError
from dltsym.lower.closed import inverse
from dltsym.notation.balls import EXACT, REAL, NotRational, working
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import evaluate
from dltsym.notation.latex import to_latex

UP, LOW = REAL["kl_upper"], REAL["kl_lower"]


def entropy(q: arb, p: arb) -> arb:
    r, s = 1 - q, 1 - p
    return (q * (q / p).log() if q > 0 else arb(0)) + (r * (r / s).log() if r > 0 else arb(0))


@pytest.mark.parametrize("prec", [53, 128, 700])
def test_balls_hold_the_root_and_little_else(prec):
    points = ["1e-250", "1e-12", "0.01", "0.3", "0.5", "0.999", "0.99999999999999"]
    radii = ["1e-300", "1e-16", "1e-4", "0.7", "12"]
    with working(3000):
        exact = [[arb(fmpq(*Fraction(x).as_integer_ratio())) for x in xs] for xs in (points, radii)]
        grid = [(q, c) for q in exact[0] for c in exact[1]]
    for q, c in grid:
        with working(prec):
            found = UP(q, c), LOW(q, c)
        with working(3000):
            for ball, side in zip(found, (1, -1), strict=True):
                assert ball.rel_accuracy_bits() > prec - 25 or float(abs(ball).upper()) == 0
                near, far = (ball.lower(), ball.upper()) if side > 0 else (ball.upper(), ball.lower())
                assert (near - q) * side <= 0 or entropy(q, near) <= c
                assert far >= 1 or far <= 0 or entropy(q, far) >= c


def test_balls_at_the_ends_and_outside():
    zero, one, half = arb(0), arb(1), arb(1) / 2
    for c in (zero, half, arb(10) ** 30):
        assert UP(one, c) == 1
        assert LOW(zero, c) == 0
        assert UP(zero, c).overlaps(-(-c).expm1())
        assert LOW(one, c).overlaps((-c).exp())
    assert UP(half, zero) == LOW(half, zero) == half
    for q, c in (
        (arb(-1), half),
        (arb(2), half),
        (half, arb(-1)),
        (arb(0, 1), half),
        (half, arb("inf")),
        (half, arb("nan")),
    ):
        assert not UP(q, c).is_finite()
        assert not LOW(q, c).is_finite()


def test_wide_balls_are_enclosed_by_their_ends():
    q, c = arb(0.3, 0.1), arb(0.05, 0.01)
    for f, back in ((UP, -1), (LOW, 1)):
        box = f(q, c)
        for x in (0.2, 0.25, 0.4):
            for y in (0.04, 0.055, 0.06):
                assert box.contains(f(arb(x), arb(y)).mid())
        assert f(arb(0.4), arb(0.05 + back * -0.01)).overlaps(box)


def test_exact_values():
    third, two = fmpq(1, 3), fmpq(2)
    assert EXACT["kl_upper"](fmpq(1), two) == EXACT["kl_lower"](fmpq(0), two) + 1 == 1
    assert EXACT["kl_upper"](third, fmpq(0)) == EXACT["kl_lower"](third, fmpq(0)) == third
    for f in (EXACT["kl_upper"], EXACT["kl_lower"]):
        for q, c in ((third, two), (fmpq(2), fmpq(0)), (fmpq(1, 2), fmpq(-1))):
            with pytest.raises(NotRational):
                f(q, c)


def scope() -> tuple[Scope, Any, Any]:
    v = Scope()
    return v, v.prob("q", "mean"), v.nonneg("c", "radius")


def test_derivatives_agree_with_differences():
    _, q, c = scope()
    at, step = {"q": Fraction(3, 10), "c": Fraction(1, 20)}, Fraction(1, 10**12)
    for f in (kl_upper, kl_lower):
        for var, name in ((q, "q"), (c, "c")):
            slope = evaluate(evaluate_derivatives(diff(f(q, c), var)), at, 200)
            high, low = (evaluate(f(q, c), {**at, name: at[name] + s * step}, 200) for s in (1, -1))
            with working(200):
                assert abs(slope - (high - low) / (2 * arb(fmpq(1, 10**12)))) < arb(10) ** -16


def test_latex():
    _, q, c = scope()
    assert to_latex(kl_upper(q, c / 2)) == r"\mathrm{kl}^{+}\left(q \,|\, \frac{c}{2}\right)"
    assert to_latex(kl_lower(q, c)) == r"\mathrm{kl}^{-}(q \,|\, c)"


@pytest.mark.parametrize("f", [kl_upper, kl_lower])
def test_closed_kernels(f):
    v, q, c = scope()
    record = v.theorem(title="t", cite=("cover2006", "nowhere"), claim=f(q, c) <= 1, outputs={"value": f(q, c)})
    host = {kl_upper: UP, kl_lower: LOW}[f]
    for a, b in ((0.289307, 0.0577), (0.0, 0.5), (1.0, 0.5), (0.25, 0.0)):
        want = float(host(arb(a), arb(b)))
        assert record.kernel(backend="numpy")(q=a, c=b) == pytest.approx(want, rel=4e-15)
        assert record.kernel(backend="ball")(q=a, c=b).overlaps(host(arb(a), arb(b)))
    x, y = (torch.tensor(z, dtype=torch.float32) for z in ([0.1, 0.5], [0.1, 2.0]))
    out = record.kernel(backend="torch")(q=x, c=y)
    assert out.dtype == torch.float32
    assert out.tolist() == pytest.approx(
        [float(host(arb(float(a)), arb(float(b)))) for a, b in zip(x, y, strict=True)], rel=2e-7
    )


def test_arrays_of_several_types_and_shapes():
    out = inverse.kl_upper(np.array([[0.1], [0.2]], dtype=np.float32), np.array([0.1, 0.2, 0.3], dtype=np.float32))
    assert (out.dtype, out.shape) == (np.float32, (2, 3))
    assert isinstance(inverse.kl_lower(0.5, 1), float)
    assert math.isnan(inverse.kl_upper(1.5, 1.0))
    assert math.isnan(inverse.kl_lower(0.5, -1.0))
    assert inverse.kl_upper(0.5, math.inf) == 1 - inverse.kl_lower(0.5, math.inf) == 1


def test_gradients_at_the_ends():
    q = torch.tensor([0.5, 1.0, 0.0, 0.5, 1.0], dtype=torch.float64, requires_grad=True)
    c = torch.tensor([0.0, 0.5, 0.5, math.inf, 0.0], dtype=torch.float64, requires_grad=True)
    by_q, by_c = torch.autograd.grad(inverse.kl_upper(q, c).sum(), (q, c))
    assert by_q.tolist() == [1, 0, math.inf, 0, 1]
    assert by_c.tolist() == pytest.approx([0, 0, 0.6065306597126334, 0, 0])


def test_an_input_outside_is_refused():
    v, q, c = scope()
    record = v.theorem(
        title="t", cite=("cover2006", "nowhere"), claim=kl_upper(q, c) <= 1, outputs={"value": kl_upper(q, c)}
    )
    with pytest.raises(DomainError):
        record.kernel(backend="ball")(q="1.5", c=1)
