"""Random functions drawn together with their derivative, and slips in the derivative."""

from __future__ import annotations

import random
from fractions import Fraction

from fuzz_case import Drawn
from fuzz_terms import DECLARE, NAMES, ONE, TWO, constant, f, num, perturbed, rewritten

from dltsym.notation.tree import Const, Diff, Div, Expr, Neg, Rel

X = NAMES["x"]
PI = Const("pi")
Pair = tuple[Expr, Expr]


def positive_pair(rng: random.Random, depth: int) -> Pair:
    """Draw a positive function of x and its derivative."""
    if depth <= 0 or rng.random() < 0.15:
        c = rng.choice((NAMES["p"], NAMES["u"], num(rng.randint(1, 3))))
        return rng.choice(((f("exp", X), f("exp", X)), (c, num(0)), (X**TWO + c, TWO * X)))
    a, da = positive_pair(rng, depth - 1)
    b, db = positive_pair(rng, depth - 1)
    g, dg = real_pair(rng, depth - 1)
    s, k = f("sigmoid", g), rng.choice((2, -1, Fraction(1, 2), Fraction(3, 2)))
    return rng.choice(
        (
            (a + b, da + db),
            (a * b, da * b + a * db),
            (Div(a, b), Div(da * b - a * db, b**TWO)),
            (f("exp", g), dg * f("exp", g)),
            (f("sqrt", a), Div(da, TWO * f("sqrt", a))),
            (a ** num(k), num(k) * a ** num(k - 1) * da),
            (s, s * (ONE - s) * dg),
            (f("softplus", g), s * dg),
            (f("cosh", g), f("sinh", g) * dg),
        )
    )


def real_pair(rng: random.Random, depth: int) -> Pair:
    """Draw a function of x and its derivative."""
    if depth <= 0 or rng.random() < 0.15:
        c = rng.choice((NAMES["y"], constant(rng)))
        return rng.choice(((X, ONE), (c * X, c), (X ** num(3), num(3) * X**TWO), (c, num(0))))
    a, da = real_pair(rng, depth - 1)
    b, db = real_pair(rng, depth - 1)
    v, dv = positive_pair(rng, depth - 1)
    return rng.choice(
        (
            (a - b, da - db),
            (a * b, da * b + a * db),
            (Neg(a), Neg(da)),
            (Div(a, v), Div(da * v - a * dv, v**TWO)),
            (f("log", v), Div(dv, v)),
            (f("tanh", a), (ONE - f("tanh", a) ** TWO) * da),
            (f("sin", a), f("cos", a) * da),
            (f("cos", a), Neg(f("sin", a)) * da),
            (f("atan", a), Div(da, ONE + a**TWO)),
            (f("erf", a), Div(TWO * f("exp", Neg(a**TWO)) * da, f("sqrt", PI))),
            (v, dv),
        )
    )


def true_derivative(rng: random.Random) -> Drawn:
    """Draw ``diff(g, x) = g'``, the right side rewritten."""
    g, dg = real_pair(rng, rng.randint(1, 2))
    return Drawn("derivative", DECLARE, str(Rel(Diff(g, X), "=", rewritten(rng, dg) if rng.random() < 0.5 else dg)))


def false_derivative(rng: random.Random) -> Drawn:
    """Draw a derivative with one slip."""
    g, dg = real_pair(rng, rng.randint(1, 2))
    return Drawn("derivative: slip", DECLARE, str(Rel(Diff(g, X), "=", perturbed(rng, dg))))
