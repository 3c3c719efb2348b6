"""From the display tree to a fraction over tower generators: one case per node."""

from __future__ import annotations

from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import children, key
from dltsym.prove.tower_atoms import absolute, exp_of, log_of, rational_power
from dltsym.prove.tower_field import Frac, Unknown
from dltsym.prove.tower_signs import ZERO, nonzero, sign
from dltsym.prove.tower_state import Tower
from dltsym.prove.tower_trig import cos_sin

HALF = Fraction(1, 2)
INTEGERS = ("integer", "index", "bound")
TOTAL = frozenset(("sinh", "cosh", "tanh", "tan", "sigmoid", "softplus"))  # equal to their definition wherever defined
ODD = frozenset(("erf", "atan"))


def to_frac(t: Tower, e: Expr) -> Frac:
    """Return a tree as a fraction over the generators of `t`.

    Parameters
    ----------
    t : Tower
        Construction that owns the generators.
    e : Expr
        Tree.

    Returns
    -------
    Frac
    """
    found = t.memo.get(id(e))
    if found is None:
        found = t.memo[id(e)] = (e, _map(t, e))  # the tree is kept, so its id stays taken
    return found[1]


def _map(t: Tower, e: Expr) -> Frac:
    f = t.field
    match e:
        case Num(value):
            return f.const(value)
        case Neg(arg):
            return f.neg(to_frac(t, arg))
        case Add(args):
            out = f.const(0)
            for a in args:
                out = f.add(out, to_frac(t, a))
            return out
        case Mul(args):
            out = f.const(1)
            for a in args:
                out = f.mul(out, to_frac(t, a))
            return out
        case Div(num, den):
            return f.div(to_frac(t, num), to_frac(t, den))
        case Pow(base, exponent):
            return _power(t, e, to_frac(t, base), to_frac(t, exponent))
        case Call():
            return _call(t, e)
    return _leaf(t, e)


def _leaf(t: Tower, e: Expr) -> Frac:
    match e:
        case Const("pi"):
            number = t.generator("pi", "opaque", e, True)
            t.meaning[number] = ("pi", t.var(number), 1)
            return t.var(number)
        case Const(name):
            raise Unknown(f"{name} is not a number")
        case Sym(decl) if decl.definition is not None:
            return to_frac(t, decl.definition)
        case Sym(decl) if decl.sort == "array":
            raise Unknown(f"the array {e.name} without an index")
        case Sym():
            number = t.generator(key(e), "symbol", e, is_positive(t, e, e))
            if e.decl.sort in INTEGERS:
                t.integers.add(number)
            return t.var(number)
        case Index(array, idx):
            name = f"{array.name}[{' , '.join(t.name(to_frac(t, i)) for i in idx)}]"
            return t.var(t.generator(name, "entry", e, is_positive(t, array, e)))
    return t.var(t.generator(key(e), "opaque", e))


def is_positive(t: Tower, sym: Sym, term: Expr) -> bool:
    """Return whether a declaration or a hypothesis ``0 < term`` makes a symbol or array entry positive."""
    lo = sym.decl.lo
    if isinstance(lo, Num) and (lo.value > 0 or (lo.value == 0 and sym.decl.lo_open)):
        return True
    direct = {key(Rel(ZERO, "<", term)), key(Rel(Num(Fraction(1)), "<=", term))}
    return any(key(r) in direct for r in t.problem.given)


def _power(t: Tower, e: Pow, base: Frac, exponent: Frac) -> Frac:
    c = t.field.constant_of(exponent)
    if c is not None:
        return rational_power(t, base, c)
    value = t.field.constant_of(base)
    if value == 0:
        raise Unknown("a power of zero with a symbolic exponent")
    s, strict = sign(t, base)
    if s > 0 and strict:
        return exp_of(t, t.field.mul(exponent, log_of(t, base)))
    if _is_whole(t, exponent):
        return _whole_power(t, base, exponent, s) if _is_nonzero(t, base, s, strict) else _low_power(t, base, exponent)
    name = f"({t.name(base)})^({t.name(exponent)})"
    return t.var(t.generator(name, "opaque", e))


def _is_nonzero(t: Tower, base: Frac, s: int, strict: bool) -> bool:
    return (s != 0 and strict) or all(nonzero(t, p) for p, n in t.field.factors(base)[1] if n > 0)


def _is_whole(t: Tower, exponent: Frac) -> bool:
    """Return whether a fraction is a whole-number polynomial in integer symbols."""
    if not exponent.den.is_one():
        return False
    terms = exponent.num.terms()
    return all(c.q == 1 and all(i in t.integers for i, n in enumerate(e) if n) for e, c in terms)


def _whole_power(t: Tower, base: Frac, exponent: Frac, s: int) -> Frac:
    """Return ``base**exponent`` for a base that is not zero and a whole exponent, one generator per monomial."""
    out = t.field.const(1)
    if s < 0:
        base = t.field.neg(base)
        out = exp_of(t, t.field.mul(exponent, log_of(t, base)))
        base = t.field.const(-1)
    for exponents, c in exponent.num.terms():
        if not any(exponents):
            out = t.field.mul(out, t.field.power(base, int(c.p)))
            continue
        m = t.field.poly(t.field.ctx.from_dict({exponents: 1}))
        name = f"({t.name(base)})^({t.name(m)})"
        number = t.generator(name, "opaque", Pow(t.tree(base), t.tree(m)))
        if s < 0:
            t.relate(number, 2, t.field.const(1))
        out = t.field.mul(out, t.field.power(t.var(number), int(c.p)))
    return out


def _low_power(t: Tower, base: Frac, exponent: Frac) -> Frac:
    """Return ``base**(e + k)`` as ``base**(e + low) * base**(k - low)``, `low` the smallest whole ``k`` that occurs."""
    # A base that may be zero: where all these powers are defined, the exponents are not negative at base 0, and both
    # sides are 0 there for k > low. Powers of different e are not merged.
    terms = exponent.num.to_dict()
    k = int(terms.pop((0,) * t.field.ctx.nvars(), 0))
    rest = t.field.poly(t.field.ctx.from_dict(terms))
    name = f"({t.name(base)})^({t.name(rest)} + whole)"
    low = t.lowest(name, k)
    tree = t.tree(t.field.add(rest, t.field.const(low)))
    number = t.generator(name, "opaque", Pow(t.tree(base), tree))
    return t.field.mul(t.var(number), t.field.power(base, k - low))


def _call(t: Tower, e: Call) -> Frac:
    f = t.field
    if e.name in TOTAL or (FUNCTIONS[e.name].definition is not None and _inside(t, _definition(e))):
        return to_frac(t, _definition(e))
    args = [to_frac(t, a) for a in e.args]
    match e.name:
        case "exp":
            return exp_of(t, args[0])
        case "log":
            return log_of(t, args[0])
        case "sqrt":
            return rational_power(t, args[0], HALF)
        case "cos" | "sin":
            return cos_sin(t, args[0])[e.name == "sin"]
        case "abs":
            return absolute(t, args[0])
        case "max" | "min":
            gap = absolute(t, f.sub(*args))
            return f.scale(f.add(f.add(*args), gap if e.name == "max" else f.neg(gap)), HALF)
        case "delta":
            return _delta(t, e, args)
        case "acos" | "asin":
            return _arc(t, e.name, args[0])
    if e.name in ODD and not args[0].num.is_zero() and args[0].num.leading_coefficient() < 0:
        return f.neg(_named(t, e.name, [f.neg(args[0])], (Neg(e.args[0]),)))
    return _named(t, e.name, args, e.args)


def _definition(e: Call) -> Expr:
    tree = row_text(e, FUNCTIONS[e.name].definition or "")
    assert isinstance(tree, Expr)
    return tree


def _inside(t: Tower, e: Expr) -> bool:
    """Return whether a definition is proved to be defined; at the ends of a domain the function may say more."""
    if not all(_inside(t, c) for c in children(e)):
        return False
    match e:
        case Call("log", (a,)):
            return sign(t, to_frac(t, a)) == (1, True)
        case Call("sqrt", (a,)):
            return sign(t, to_frac(t, a))[0] == 1
        case Div(_, den):
            return _is_nonzero(t, to_frac(t, den), 0, False)
        case Call(name, _) if name not in TOTAL | {"exp", "sin", "cos"}:
            return False
        case Pow(base, exponent):
            c = t.field.constant_of(to_frac(t, exponent))
            return (c is not None and c > 0 and c.denominator == 1) or sign(t, to_frac(t, base)) == (1, True)
    return True


def _named(t: Tower, name: str, args: list[Frac], trees: tuple[Expr, ...]) -> Frac:
    """Return the generator of a function value, the same for equal arguments; ``erf(0)`` and ``atan(0)`` are 0."""
    if name in ODD and args[0].num.is_zero():
        return t.field.const(0)
    number = t.generator(f"{name}({' , '.join(map(t.name, args))})", "opaque", Call(name, trees))
    t.meaning[number] = (name, args[0], 1)
    return t.var(number)


def _arc(t: Tower, name: str, x: Frac) -> Frac:
    """Return ``acos(x)``, or ``asin(x) = pi/2 - acos(x)``; known angles are multiples of pi."""
    f, pi = t.field, to_frac(t, Const("pi"))
    if name == "asin":
        return f.sub(f.scale(pi, HALF), _arc(t, "acos", x))
    if not x.num.is_zero() and x.num.leading_coefficient() < 0:
        return f.sub(pi, _arc(t, "acos", f.neg(x)))
    c = f.constant_of(x)
    known = {Fraction(0): HALF, HALF: Fraction(1, 3), Fraction(1): Fraction(0)}
    if c is not None and c in known:
        return f.scale(pi, known[c])
    return _named(t, "acos", [x], (t.tree(x),))


def _delta(t: Tower, e: Call, args: list[Frac]) -> Frac:
    """Return the Kronecker delta: a number when the difference is one, else a symmetric idempotent generator."""
    gap = t.field.sub(*args)
    value = t.field.constant_of(gap)
    if value is not None:
        if value.denominator != 1:
            raise Unknown("delta compares integers")
        return t.field.const(int(value == 0))
    number = t.generator(f"delta({min(t.name(gap), t.name(t.field.neg(gap)))})", "opaque", e)
    t.relate(number, 2, t.var(number), unit=False)
    return t.var(number)
