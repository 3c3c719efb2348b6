"""Exponential integral and Bessel functions: scipy, torch and balls agree; what a backend lacks, it refuses."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from cases import build
from flint import arb

from dltsym import Scope, bessel_i, bessel_ie, diff, ei
from dltsym.errors import UnknownNode, UnsupportedError
from dltsym.formal.export import export
from dltsym.formal.text import Refused
from dltsym.notation.balls import REAL
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import evaluate, evaluate_exact
from dltsym.notation.latex import to_latex
from dltsym.notation.sympy_bridge import from_sympy, to_sympy
from dltsym.notation.tree import Expr
from dltsym.prove.decide import decide
from dltsym.record import Theorem

ORDERS = (0, 1, 2, 0.5, 1.5, 7)
ARGUMENTS = (1e-8, 0.3, 1.0, 4.0, 50.0, 300.0, 1e3)


def record(**outputs: Any) -> tuple[Theorem, Scope]:
    """Return a record with some outputs in nu >= 0 and x > 0."""
    v = Scope()
    v.nonneg("nu", "order"), v.pos("x", "argument")
    found = {name: v.parse(text) for name, text in outputs.items()}
    return v.theorem(title="t", cite=("a", "b"), claim="x = x", outputs=found), v


def close(got: float, want: float) -> bool:
    """Tell whether two numbers agree to 13 digits, or both overflow."""
    return got == want or abs(got - want) <= 1e-13 * abs(want)


@pytest.mark.parametrize("x", ARGUMENTS)
def test_numpy_and_balls_agree_with_mpmath(x: float) -> None:
    theorem, _ = record(e="ei(x)", f="ei(-x)", i="bessel_i(nu, x)", s="bessel_ie(nu, x)")
    fast, sure = theorem.kernel("numpy"), theorem.kernel("ball")
    for nu in ORDERS:
        got, ball = fast(nu=nu, x=x), sure(nu=Fraction(nu), x=Fraction(x))
        with mpmath.workdps(40):
            bessel = mpmath.besseli(nu, mpmath.mpf(x))
            want = {"e": mpmath.ei(x), "f": mpmath.ei(-mpmath.mpf(x)), "i": bessel, "s": bessel * mpmath.exp(-x)}
        for name, exact in want.items():
            if abs(exact) < mpmath.mpf("1e300"):
                assert close(float(got[name]), float(exact)), (name, nu)
            assert abs(ball[name] - arb(mpmath.nstr(exact, 35))) <= abs(ball[name]) * arb("1e-14"), (name, nu)


def test_the_scaled_form_stays_in_range() -> None:
    theorem, _ = record(s="bessel_ie(nu, x)")
    assert close(float(theorem.kernel("numpy")(nu=0.5, x=1e6)), (2e6 * np.pi) ** -0.5)
    assert close(float(theorem.kernel("ball")(nu=Fraction(1, 2), x=10**6)), (2e6 * np.pi) ** -0.5)


def test_torch_has_two_orders_with_gradients_and_refuses_the_rest() -> None:
    torch = pytest.importorskip("torch")
    theorem, _ = record(i="bessel_i(nu, x)", s="bessel_ie(nu, x)")
    fast, slow = theorem.kernel("torch"), theorem.kernel("numpy")
    x = torch.tensor([0.5, 3.0], dtype=torch.float64, requires_grad=True)
    for nu in (0.0, 1.0):
        got, want = fast(nu=torch.tensor(nu, dtype=torch.float64), x=x), slow(nu=nu, x=x.detach().numpy())
        assert all(np.allclose(got[k].detach().numpy(), want[k], rtol=1e-13, atol=0) for k in got)
    (slope,) = torch.autograd.grad(got["i"].sum(), x)
    assert torch.allclose(slope, fast(nu=torch.tensor(0.0, dtype=torch.float64), x=x)["i"] - got["i"] / x)
    with pytest.raises(UnsupportedError, match="order 0 and 1"):
        fast(nu=torch.tensor(2.0, dtype=torch.float64), x=x)
    with pytest.raises(UnsupportedError, match="no exponential integral"):
        record(e="ei(x)")[0].kernel("torch")(x=x)


@pytest.mark.parametrize(
    "claim",
    [
        "diff(ei(-n*x), x) = exp(-n*x)/x",
        "diff(bessel_ie(n, x), x) = bessel_ie(n + 1, x) + (n/x - 1)*bessel_ie(n, x)",
        "diff(bessel_i(2, n*x), x) = n*bessel_i(3, n*x) + 2*bessel_i(2, n*x)/x",
        "ei(x) < exp(x)",
        "bessel_ie(0, x) <= 1",
    ],
)
def test_derivatives_and_facts_are_proved(claim: str) -> None:
    assert decide(build(claim, ("x>0", "n>=1"))).grade == "exact"


def test_the_order_is_a_parameter() -> None:
    x = Scope().pos("x")
    with pytest.raises(UnknownNode, match="parameter"):
        evaluate_derivatives(diff(bessel_i(x, x), x))


def test_undefined_and_exact_points() -> None:
    zero, half = arb(0), arb(1) / 2
    assert not REAL["ei"](zero).is_finite()
    assert not REAL["ei"](arb(0, 1)).is_finite()
    assert not REAL["bessel_i"](half, arb(-1)).is_finite()
    assert not REAL["bessel_i"](arb(-1), half).is_finite()
    assert evaluate_exact(bessel_i(0, 0), {}) == 1
    assert evaluate_exact(bessel_ie(3, 0), {}) == 0
    wide = REAL["bessel_i"](arb(2), arb(3, 1))
    assert wide.contains(arb(2).bessel_i(2))
    assert wide.contains(arb(4).bessel_i(2))
    assert wide.rad() < arb(4).bessel_i(2)
    assert REAL["ei"](arb(2, 1)).contains(arb(3).ei())


def test_views() -> None:
    v = Scope()
    x, d = v.pos("x"), v.count("d", lo=2)
    shown: dict[Expr, str] = {
        ei(-x): r"\operatorname{Ei}(-x)", bessel_i(d / 2 - 1, x): r"I_{\frac{d}{2} - 1}\left(x\right)",
        bessel_ie(0, 2 * x) ** 2: r"(\widehat{I}_{0}(2x))^{2}",
    }  # fmt: skip
    for tree, text in shown.items():
        assert to_latex(tree).replace(" ", "") == text.replace(" ", ""), to_latex(tree)
    for tree in (ei(-x), bessel_i(d, x)):
        assert from_sympy(to_sympy(tree)) == tree
        assert str(v.parse(str(tree))) == str(tree)
    assert v.parse("besseli(1, x) + Ei(x) + ive(0, x)") == bessel_i(1, x) + ei(x) + bessel_ie(0, x)
    assert evaluate(ei(710), {}).is_finite()
    with pytest.raises(Refused, match="ei"):
        export(build("ei(x) < exp(x)", ("x > 0",)), {})
