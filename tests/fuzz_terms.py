"""Random scalar terms and exact rewrites of them: the source of identities that are true by construction.

The rewrites are the textbook laws with the signs they need, judged by `positive` on the shape of the term alone. They
share no code with the engines. A term is defined wherever the declarations of `DECLARE` hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

from small_records import scope

from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym
from dltsym.notation.walk import children, rebuild

DECLARE = "x real; y real; z real; p pos; q pos; u prob open=True; w prob open=True"
NAMES = scope(DECLARE).symbols
REAL = [NAMES[n] for n in "xyz"]
POSITIVE = [NAMES[n] for n in "pquw"]
UNIT = [NAMES[n] for n in "uw"]
ONE, TWO, HALF = Num(Fraction(1)), Num(Fraction(2)), Num(Fraction(1, 2))
Rule = Callable[[random.Random, Expr], "Expr | None"]


def f(name: str, *args: Expr) -> Call:
    """Apply a named function."""
    return Call(name, args)


def num(value: int | Fraction) -> Num:
    """Write a number."""
    return Num(Fraction(value))


def constant(rng: random.Random) -> Num:
    """Draw a small non-zero rational."""
    return num(Fraction(rng.choice((1, 2, 3, -1, -2, 1, 2)), rng.choice((1, 1, 1, 2, 3))))


def positive(e: Expr) -> bool:
    """Whether a term is positive by its shape."""
    match e:
        case Num(value):
            return value > 0
        case Sym():
            return e in POSITIVE
        case Add(args):
            return all(positive(a) or _not_negative(a) for a in args) and any(map(positive, args))
        case Mul(args):
            return all(map(positive, args))
        case Div(a, b):
            return positive(a) and positive(b)
        case Pow(base, _):
            return positive(base)
        case Call("exp" | "cosh" | "sigmoid" | "softplus", _):
            return True
        case Call("sqrt", (a,)):
            return positive(a)
    return False


def _not_negative(e: Expr) -> bool:
    match e:
        case Pow(_, Num(value)):
            return value.denominator == 1 and value.numerator % 2 == 0
        case Call("abs", _):
            return True
    return False


def positive_term(rng: random.Random, depth: int) -> Expr:
    """Draw a positive term."""
    if depth <= 0 or rng.random() < 0.2:
        return rng.choice((*POSITIVE, *POSITIVE, num(rng.randint(1, 4))))

    def less() -> Expr:
        return positive_term(rng, depth - 1)

    def any_() -> Expr:
        return real_term(rng, depth - 1)

    return rng.choice(
        (
            lambda: less() + less(),
            lambda: less() * less(),
            lambda: Div(less(), less()),
            lambda: f("exp", any_()),
            lambda: f("sqrt", less()),
            lambda: any_() ** TWO + num(rng.randint(1, 3)),
            lambda: f(rng.choice(("sigmoid", "softplus", "cosh")), any_()),
            lambda: less() ** num(rng.choice((2, 3, -1, Fraction(1, 2)))),
        )
    )()


def real_term(rng: random.Random, depth: int) -> Expr:
    """Draw a term that is a real number everywhere."""
    if depth <= 0 or rng.random() < 0.15:
        return rng.choice((*REAL, *REAL, rng.choice(POSITIVE), constant(rng)))

    def less() -> Expr:
        return real_term(rng, depth - 1)

    return rng.choice(
        (
            lambda: less() + less(),
            lambda: less() - less(),
            lambda: less() * less(),
            lambda: constant(rng) * less(),
            lambda: Neg(less()),
            lambda: less() ** num(rng.choice((2, 2, 3))),
            lambda: Div(less(), positive_term(rng, depth - 1)),
            lambda: f("log", positive_term(rng, depth - 1)),
            lambda: f(rng.choice(("tanh", "sigmoid", "softplus", "sin", "cos", "abs")), less()),
            lambda: positive_term(rng, depth),
        )
    )()


# Laws: each gives an equal term, or None where it does not apply.


def _ring(rng: random.Random, e: Expr) -> Expr | None:
    match e:
        case Add((a, b)):
            return b + a
        case Add((a, b, *more)):
            return a + Add((b, *more))
        case Mul((a, Add(args))):
            return Add(tuple(a * t for t in args))
        case Mul((a, b)):
            return rng.choice((b * a, ((a + b) ** TWO - (a - b) ** TWO) / num(4)))
        case Pow(Add((a, Neg(b))), Num(v)) if v == 2:
            return a**TWO - TWO * a * b + b**TWO
        case Pow(Add((a, b)), Num(v)) if v == 2:
            return a**TWO + TWO * a * b + b**TWO
        case Pow(a, Num(v)) if v == 3:
            return a * a**TWO
        case Div(Add((a, b)), c):
            return Div(a, c) + Div(b, c)
        case Div(a, b):
            return rng.choice((a * Div(ONE, b), a * b ** num(-1)))
    return None


def _padding(rng: random.Random, e: Expr) -> Expr:
    other, above = real_term(rng, 1), positive_term(rng, 1)
    return rng.choice(
        (
            e + other - other,
            Neg(Neg(e)),
            (e * TWO + e) / num(3),
            Div(e * above, above),
            ((e + 1) ** TWO - (e - 1) ** TWO) / num(4),
            f("max", e, other) + f("min", e, other) - other,
        )
    )


def _exponential(rng: random.Random, e: Expr) -> Expr | None:
    match e:
        case Call("exp", (Add((a, b)),)):
            return f("exp", a) * f("exp", b)
        case Call("exp", (Neg(a),)):
            return Div(ONE, f("exp", a))
        case Call("exp", (Mul((Num(k), a)),)):
            return f("exp", a) ** num(k)
        case Call("exp", (a,)):
            return rng.choice((f("exp", a / TWO) ** TWO, Div(ONE, f("exp", Neg(a)))))
        case Mul((Call("exp", (a,)), Call("exp", (b,)))):
            return f("exp", a + b)
    if positive(e):
        return f("exp", f("log", e))
    return f("log", f("exp", e))


def _logarithm(rng: random.Random, e: Expr) -> Expr | None:
    match e:
        case Call("log", (Mul((a, b)),)) if positive(a) and positive(b):
            return f("log", a) + f("log", b)
        case Call("log", (Div(a, b),)) if positive(a) and positive(b):
            return f("log", a) - f("log", b)
        case Call("log", (Pow(a, Num(k)),)) if positive(a):
            return num(k) * f("log", a)
        case Call("log", (Call("sqrt", (a,)),)):
            return f("log", a) / TWO
        case Call("log", (a,)):
            return rng.choice((Neg(f("log", Div(ONE, a))), f("log", a**TWO) / TWO, TWO * f("log", f("sqrt", a))))
    return None


def _root(rng: random.Random, e: Expr) -> Expr | None:
    match e:
        case Call("sqrt", (Mul((a, b)),)) if positive(a) and positive(b):
            return f("sqrt", a) * f("sqrt", b)
        case Call("sqrt", (Div(a, b),)) if positive(a) and positive(b):
            return Div(f("sqrt", a), f("sqrt", b))
        case Call("sqrt", (a,)):
            return rng.choice((a**HALF, Div(a, f("sqrt", a)) if positive(a) else a**HALF))
        case Call("abs", (a,)):
            return rng.choice((f("sqrt", a**TWO), f("max", a, Neg(a)), f("abs", Neg(a))))
    if positive(e):
        above = rng.choice(POSITIVE)
        return rng.choice(
            (f("sqrt", e) ** TWO, f("sqrt", e**TWO), f("abs", e), f("sqrt", e * above) * f("sqrt", Div(e, above)))
        )
    return None


def _power(rng: random.Random, e: Expr) -> Expr | None:
    match e:
        case Pow(a, Num(v)) if positive(a):
            return rng.choice((f("exp", num(v) * f("log", a)), Div(ONE, a ** num(-v)), a ** num(v - 1) * a))
    if e in POSITIVE:
        t = rng.choice(REAL)
        return Mul((e**t, e ** (ONE - t)))
    return None


def _activation(rng: random.Random, e: Expr) -> Expr | None:
    exp = f("exp", e.args[0]) if isinstance(e, Call) else ONE
    match e:
        case Call("tanh", (a,)):
            return rng.choice(
                (TWO * f("sigmoid", TWO * a) - 1, Div(exp**TWO - 1, exp**TWO + 1), Div(f("sinh", a), f("cosh", a)))
            )
        case Call("sigmoid", (a,)):
            return rng.choice(
                (ONE - f("sigmoid", Neg(a)), Div(exp, ONE + exp), Div(ONE, ONE + f("exp", Neg(a))),
                 HALF + f("tanh", a / TWO) / TWO)
            )  # fmt: skip
        case Call("softplus", (a,)):
            return rng.choice((f("log", ONE + exp), a + f("softplus", Neg(a)), Neg(f("log", f("sigmoid", Neg(a))))))
        case Call("cosh", (a,)):
            return rng.choice(((exp + f("exp", Neg(a))) / TWO, f("sqrt", ONE + f("sinh", a) ** TWO)))
        case Call("sin", (a,)):
            return rng.choice((Neg(f("sin", Neg(a))), TWO * f("sin", a / TWO) * f("cos", a / TWO)))
        case Call("cos", (a,)):
            return rng.choice((f("cos", Neg(a)), ONE - TWO * f("sin", a / TWO) ** TWO))
    return None


def _numbers(rng: random.Random, e: Expr) -> Expr | None:
    if not isinstance(e, Num):
        return None
    t = rng.choice(REAL)
    u, v = UNIT
    kl = f("kl_bernoulli", u, v) - u * f("log", Div(u, v)) - (ONE - u) * f("log", Div(ONE - u, ONE - v))
    return rng.choice(
        (
            e * (f("sin", t) ** TWO + f("cos", t) ** TWO),
            e * (f("cosh", t) ** TWO - f("sinh", t) ** TWO),
            e * f("exp", num(0)),
            e + f("log", ONE),
            e * f("sigmoid", t) + e * f("sigmoid", Neg(t)),
            e + kl,
            e + f("binary_entropy", u) + u * f("log", u) + (ONE - u) * f("log", ONE - u),
        )
    )


LAWS: tuple[Rule, ...] = (_ring, _exponential, _logarithm, _root, _power, _activation, _numbers)


def rewritten(rng: random.Random, e: Expr) -> Expr:
    """Return an equal term: one law applied at one place."""
    below = children(e)
    if below and rng.random() < 0.55:
        k = rng.randrange(len(below))
        if not (isinstance(e, Pow) and k == 1):  # an exponent stays a number
            return rebuild(e, (*below[:k], rewritten(rng, below[k]), *below[k + 1 :]))
    found = [new for law in LAWS if (new := law(rng, e)) is not None]
    return rng.choice(found) if found and rng.random() < 0.85 else _padding(rng, e)


def perturbed(rng: random.Random, e: Expr) -> Expr:
    """Return a term with one slip: a number, a sign, an exponent, a name, a function or a missing part."""
    below = children(e)
    if below and rng.random() < 0.6:
        k = rng.randrange(len(below))
        return rebuild(e, (*below[:k], perturbed(rng, below[k]), *below[k + 1 :]))
    match e:
        case Num(value):
            return num(value + rng.choice((1, -1, Fraction(1, 100), Fraction(-1, 10**6))))
        case Sym():
            return rng.choice([s for s in (POSITIVE if e in POSITIVE else REAL) if s != e])
        case Add((a, *more)):
            return rng.choice((Add((a, *(t.arg if isinstance(t, Neg) else Neg(t) for t in more))), more[0]))
        case Neg(a):
            return a
        case Mul((a, *more)):
            return rng.choice((a, Add((a, *more))))
        case Div(a, b):
            return a * b
        case Pow(a, Num(v)):
            return a ** num(v + 1)
        case Call("sigmoid" | "tanh" | "softplus" | "sin" | "cos" as name, args):
            return f(rng.choice([n for n in ("sigmoid", "tanh", "softplus", "sin", "cos") if n != name]), *args)
    return e + constant(rng) / num(rng.choice((1, 1000, 10**9)))
