"""Series of expressions at a point, one-sided: the rules for every node, behind exact limits.

The point is approached by ``x = a + t``, ``x = a - t``, ``x = 1/t`` or ``x = -1/t`` with ``t > 0`` small.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.calculus import add, derivative, mul
from dltsym.notation.tree import Add, Call, Const, Decl, Div, Expr, Mul, Neg, Num, Pow, Sym
from dltsym.notation.walk import expand_definitions, free_symbols, substitute
from dltsym.prove.limits_work import (
    LOG,
    NOTHING,
    ONE,
    ZERO,
    Grows,
    NoSeries,
    Series,
    Work,
    compose,
    constant,
    cut,
    inverse,
    scaled,
    times,
    total,
)
from dltsym.prove.shapes import is_integer, rational

SMOOTH = frozenset({"sin", "cos", "erf", "atan", "tanh", "sigmoid", "softplus"})  # analytic on the whole line


def expand(w: Work, e: Expr) -> Series:
    """Expand a tree.

    Parameters
    ----------
    w : Work
        Context.
    e : Expr
        Tree, defined near the point.

    Returns
    -------
    Series

    Raises
    ------
    NoSeries
        When a rule or a sign is missing.
    """
    if w.var not in free_symbols(e):
        return constant(w, e)
    match e:
        case Sym():
            return w.start
        case Neg(arg):
            return scaled(w, expand(w, arg), Num(Fraction(-1)))
        case Add(args):
            return total(w, [expand(w, a) for a in args])
        case Mul(args):
            return _product(w, args)
        case Div(num, den):
            return _quotient(w, num, den)
        case Pow(base, exponent):
            return _power(w, base, exponent)
        case Call(name, args):
            return _call(w, name, args)
    raise NoSeries(f"no series for {type(e).__name__}")


def _product(w: Work, args: tuple[Expr, ...]) -> Series:
    try:
        out = expand(w, args[0])
        for a in args[1:]:
            out = times(w, out, expand(w, a))
    except Grows as grows:
        merged = merge(Mul(args))
        if merged == Mul(args):
            raise grows from None
        return expand(w, merged)
    return out


def merge(e: Expr) -> Expr:
    """Write the exponentials of a product as one: ``exp(u)*a*exp(v)`` is ``a*exp(u + v)``.

    Parameters
    ----------
    e : Expr
        Product.

    Returns
    -------
    Expr
    """
    if not isinstance(e, Mul):
        return e
    exps = [a.args[0] for a in e.args if isinstance(a, Call) and a.name == "exp"]
    if len(exps) < 2:
        return e
    rest = [a for a in e.args if not (isinstance(a, Call) and a.name == "exp")]
    return mul(*rest, Call("exp", (Add(tuple(exps)),)))


def _quotient(w: Work, num: Expr, den: Expr) -> Series:
    if isinstance(den, Call) and den.name == "exp":
        return expand(w, over(num, Neg(den.args[0])))
    try:
        below = expand(w, den)
    except Grows as grows:
        top, bottom = (over(e, Neg(grows.arg)) for e in (num, den))
        return times(w, expand(w, top), inverse(w, expand(w, bottom)))
    return times(w, expand(w, num), inverse(w, below))


def over(e: Expr, shrink: Expr) -> Expr:
    """Multiply a sum of products by a small exponential, term by term, so that it meets the large ones.

    Parameters
    ----------
    e : Expr
        Tree.
    shrink : Expr
        Argument of the small exponential.

    Returns
    -------
    Expr
        ``e*exp(shrink)``.
    """
    match e:
        case Add(args):
            return Add(tuple(over(a, shrink) for a in args))
        case Neg(arg):
            return Neg(over(arg, shrink))
        case Call("exp", (u,)):
            return Call("exp", (Add((u, shrink)),))
        case Mul(args):
            return merge(Mul((*args, Call("exp", (shrink,)))))
        case Div(num, den):
            return Div(over(num, shrink), den)
    return mul(e, Call("exp", (shrink,)))


def _power(w: Work, base: Expr, exponent: Expr) -> Series:
    p = rational(exponent)
    if w.var in free_symbols(exponent):
        return expand(w, Call("exp", (mul(exponent, Call("log", (base,))),)))
    if isinstance(base, Call) and base.name == "exp":
        return expand(w, Call("exp", (mul(exponent, base.args[0]),)))
    s = expand(w, base)
    if p is not None and p.denominator == 1:
        if abs(p) > 64:
            raise NoSeries("a large power")
        out = expand(w, ONE)
        for _ in range(abs(int(p))):
            out = times(w, out, s)
        return inverse(w, out) if p < 0 else out
    if not s.coeffs:
        raise NoSeries("a power of a vanishing series")
    if p is None and (s.val or not (w.sign(s.coeffs[0], "<") or is_integer(exponent))):
        raise NoSeries("a symbolic power of what is not positive")
    if p is not None and ((p * s.val).denominator != 1 or not w.sign(s.coeffs[0], "<")):
        raise NoSeries("a root of a term of odd order or unknown sign")
    first = s.coeffs[0]
    rest = scaled(w, Series(0, (ZERO, *s.coeffs[1:])), Div(ONE, first)) if w.sign(first, "!=") else None
    if rest is None:
        raise NoSeries("a first coefficient is not known to differ from zero")
    factors: list[Expr] = [ONE]
    for k in range(1, w.size):
        factors.append(w.normal(mul(factors[-1], Div(exponent - (k - 1), Num(Fraction(k))))))
    body = scaled(w, compose(w, factors, rest), Pow(first, exponent))
    return Series(body.val + (int(p * s.val) if p is not None else 0), body.coeffs)


def _split(w: Work, s: Series) -> tuple[Expr, Series]:
    """Return the constant term of a series of order at least 0, and the rest."""
    if s.val > 0:
        return ZERO, s
    if s.val < 0 or not s.coeffs or LOG in free_symbols(s.coeffs[0]):
        raise NoSeries("an argument without a finite value")
    return s.coeffs[0], cut(w, Series(1, s.coeffs[1:]))


def _call(w: Work, name: str, args: tuple[Expr, ...]) -> Series:
    if name == "exp":
        return _exp(w, args[0])
    if name == "log":
        return _log(w, args[0])
    if name == "sqrt":
        return _power(w, args[0], Num(Fraction(1, 2)))
    if name in SMOOTH:
        return _smooth(w, name, args[0])
    if name == "abs":
        s = expand(w, args[0])
        for op, sign in (("<", 1), (">", -1)):
            if s.coeffs and w.sign(s.coeffs[0], op):
                return scaled(w, s, Num(Fraction(sign)))
        raise NoSeries("an absolute value of unknown sign")
    if FUNCTIONS[name].definition is not None:
        return expand(w, expand_definitions(Call(name, args), SMOOTH))
    raise NoSeries(f"no series for {name}")


def _exp(w: Work, arg: Expr) -> Series:
    s = expand(w, arg)
    if s.val < 0:
        if s.coeffs and w.sign(s.coeffs[0], ">"):
            return NOTHING
        raise Grows(arg) if s.coeffs and w.sign(s.coeffs[0], "<") else NoSeries("an exponential of unknown growth")
    at, rest = _split(w, s)
    factor, fact = Call("exp", (at,)) if at != ZERO else ONE, Fraction(1)
    factors: list[Expr] = []
    for k in range(w.size):
        fact *= k or 1
        factors.append(Num(1 / fact))
    return scaled(w, compose(w, factors, rest), factor)


def _log(w: Work, arg: Expr) -> Series:
    try:
        s = expand(w, arg)
    except Grows as grows:  # log(exp(g)*u) = g + log(u)
        return expand(w, Add((grows.arg, Call("log", (over(arg, Neg(grows.arg)),)))))
    if not s.coeffs or not w.sign(s.coeffs[0], "<"):
        raise NoSeries("a logarithm of what is not known to be positive")
    first = s.coeffs[0]
    rest = scaled(w, Series(0, (ZERO, *s.coeffs[1:])), Div(ONE, first))
    factors: list[Expr] = [ZERO, *(Num(Fraction((-1) ** (k + 1), k)) for k in range(1, w.size))]
    start = add(Call("log", (first,)) if first != ONE else ZERO, mul(Num(Fraction(s.val)), LOG))
    tail = compose(w, factors, rest)
    return total(w, [tail, cut(w, Series(0, (start, *(ZERO,) * (w.size - 1))))]) if start != ZERO else tail


def _smooth(w: Work, name: str, arg: Expr) -> Series:
    s = expand(w, arg)
    if s.val < 0:
        return _far(w, name, arg, s)
    at, rest = _split(w, s)
    u = Sym(Decl("argument", "real"))
    body: Expr = Call(name, (u,))
    factors: list[Expr] = []
    fact = 1
    for k in range(w.size):
        fact *= k or 1
        factors.append(w.normal(Div(substitute(body, {u: at}), Num(Fraction(fact)))))
        body = derivative(body, u)
    return compose(w, factors, rest)


def _far(w: Work, name: str, arg: Expr, s: Series) -> Series:
    """Expand where the argument tends to infinity; errors are smaller than every power, but for atan."""
    up = bool(s.coeffs) and w.sign(s.coeffs[0], "<")
    if not up and not (s.coeffs and w.sign(s.coeffs[0], ">")):
        raise NoSeries("an argument of unknown sign")
    minus = Num(Fraction(-1))
    ends: dict[str, Callable[[], Series]] = {
        "erf": lambda: expand(w, ONE if up else minus),
        "tanh": lambda: expand(w, ONE if up else minus),
        "sigmoid": lambda: expand(w, ONE if up else ZERO),
        "softplus": lambda: s if up else NOTHING,
        "atan": lambda: total(
            w, [expand(w, Const("pi") / (2 if up else -2)), scaled(w, _smooth(w, "atan", Div(ONE, arg)), minus)]
        ),
    }
    if name not in ends:
        raise NoSeries(f"{name} has no limit at infinity")
    return ends[name]()
