"""From a tree to its expanded form: products multiplied out, exp and log split, powers with symbolic exponents."""

from __future__ import annotations

from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Add, Call, Div, Expr, Index, Mul, Neg, Num, Pow, Sum, Sym
from dltsym.notation.walk import substitute
from dltsym.prove import sums_fold
from dltsym.prove.sums_frame import Frame, instance, positive
from dltsym.prove.sums_linear import is_integer, linear, to_expr
from dltsym.prove.sums_poly import (
    MAX_POWER,
    ONE,
    Atom,
    Mono,
    Poly,
    TooBig,
    add,
    constant,
    content,
    group,
    integer_power,
    multiply,
    scale,
    settle,
    single,
    to_tree,
)

HALF = Fraction(1, 2)
CLOSED_ENDS = ("kl_bernoulli", "binary_entropy", "xlogx")  # 0 log 0 = 0: the definition fails at the ends


def read(expr: Expr, frame: Frame) -> Poly:
    """Return the expanded form of a tree.

    Equal wherever `expr` is defined and the facts of `frame` hold.

    Parameters
    ----------
    expr : Expr
        Tree.
    frame : Frame
        What is known here.

    Returns
    -------
    dict
    """
    match expr:
        case Num(v):
            return constant(v)
        case Neg(arg):
            return scale(read(arg, frame), -1)
        case Add(args):
            return add(*(read(a, frame) for a in args))
        case Mul(args):
            out = constant(1)
            for a in args:
                out = multiply(out, read(a, frame))
            return out
        case Div(num, den):
            return multiply(read(num, frame), power(read(den, frame), -ONE, frame))
        case Pow(base, exponent):
            return _power(base, exponent, frame)
        case Call():
            return _call(expr, frame)
        case Index():
            return _entry(expr, frame)
        case Sum():
            return sums_fold.read_sum(expr, frame)
    return single(expr)


def _entry(expr: Index, frame: Frame) -> Poly:
    idx = tuple(to_expr(linear(i)) for i in expr.idx)
    for rule in frame.rules:
        if rule.array == expr.array:
            inner = frame.without(rule)
            body = instance(rule, idx, inner)
            if body is not None:
                return read(body, inner)
    return single(Index(expr.array, idx))


def power(p: Poly, e: Fraction, frame: Frame) -> Poly:
    """Raise an expanded form to a rational power.

    Parameters
    ----------
    p : dict
        Base.
    e : Fraction
        Exponent.
    frame : Frame
        What is known here.

    Returns
    -------
    dict

    Raises
    ------
    TooBig
        For zero to a negative power.
    """
    if (not p and e > 0) or e == 1:
        return p
    if e.denominator == 1 and e >= 0 and (len(p) == 1 or e <= MAX_POWER):
        return integer_power(p, e.numerator)
    if not p:
        raise TooBig(f"0 to the power {e}")
    size, common, rest = content(p)
    if e.denominator == 1:
        return _whole_power(size, common, rest, e)
    return _root(size, common, rest, e, frame)


def _root(size: Fraction, common: dict[Atom, Fraction], rest: Poly, e: Fraction, frame: Frame) -> Poly:
    """Split a root over factors. Trap: sqrt(a*x) with a = 0 and x < 0 is 0, but sqrt(a)*sqrt(x) is undefined."""
    out = constant(1) if size == 1 else single(Num(size), e)
    sure = {a: k for a, k in common.items() if positive(a.expr, frame)}
    if rest == constant(1) and all(a in sure or positive(a.expr, frame, strict=False) for a in common):
        sure = common
    out = multiply(out, settle({a: k * e for a, k in sure.items()}))
    rest = multiply(rest, settle({a: k for a, k in common.items() if a not in sure}))
    if rest == constant(1):
        return out
    if len(rest) == 1:
        ((mono, c),) = rest.items()
        if c == 1 and len(mono) == 1 and mono[0][1] == 1:  # x**(1/2) is defined, so x >= 0
            return multiply(out, single(mono[0][0], e))
    return multiply(out, single(group(rest), e))


def _whole_power(size: Fraction, common: dict[Atom, Fraction], rest: Poly, e: Fraction) -> Poly:
    out = scale(settle({a: k * e for a, k in common.items()}), size**e.numerator)
    if len(rest) == 1:  # all atoms are common: what is left is a sign
        ((mono, c),) = rest.items()
        assert mono == ()
        assert abs(c) == 1
        return scale(out, c**e.numerator)
    lead = rest[min(rest, key=lambda m: [(a.key, k) for a, k in m])]
    if lead < 0:
        rest, out = scale(rest, -1), scale(out, Fraction(-1) ** e.numerator)
    return multiply(out, single(group(rest), e))


def _power(base: Expr, exponent: Expr, frame: Frame) -> Poly:
    below, above = read(base, frame), read(exponent, frame)
    if not above or set(above) == {()}:
        return power(below, above.get((), Fraction(0)), frame)
    if positive(base, frame):
        return exponential(multiply(above, logarithm(below, frame)), frame)
    tree = to_tree(below)
    if _is_nonzero(tree, frame) and all(c.denominator == 1 and _whole(m) for m, c in above.items()):
        out = constant(1)
        for m, c in above.items():
            step = single(Pow(tree, to_tree({m: ONE})), c) if m else power(below, c, frame)
            out = multiply(out, step)
        return out
    return single(Pow(tree, to_tree(above)))


def _is_nonzero(tree: Expr, frame: Frame) -> bool:
    if isinstance(tree, Num):
        return tree.value != 0
    zero = Num(Fraction(0))
    return any(r.op == "!=" and {r.lhs, r.rhs} == {tree, zero} for r in frame.problem.known)


def _whole(mono: Mono) -> bool:
    return all(k.denominator == 1 and k >= 0 and is_integer(a.expr) for a, k in mono)


def exponential(u: Poly, frame: Frame) -> Poly:
    """Return ``exp(u)``: one positive atom per term, ``exp(c*log(a)) = a**c``.

    Parameters
    ----------
    u : dict
        Exponent.
    frame : Frame
        What is known here.

    Returns
    -------
    dict
    """
    out = constant(1)
    for mono, c in u.items():
        if len(mono) == 1 and mono[0][1] == 1 and isinstance(mono[0][0].expr, Call) and mono[0][0].expr.name == "log":
            part = power(read(mono[0][0].expr.args[0], frame), c, frame)
        else:
            part = single(Call("exp", (to_tree({mono: ONE}),)), c)
        out = multiply(out, part)
    return out


def logarithm(p: Poly, frame: Frame) -> Poly:
    """Return ``log(p)`` with every factor that is certainly positive split off.

    What is left under the logarithm is then positive too, because ``log(p)`` is defined.

    Parameters
    ----------
    p : dict
        Argument.
    frame : Frame
        What is known here.

    Returns
    -------
    dict
    """
    if not p:
        return single(Call("log", (Num(Fraction(0)),)))
    size, common, rest = content(p)
    out = {} if size == 1 else add(*(scale(single(Call("log", (Num(Fraction(q)),))), k) for q, k in _primes(size)))
    inside: dict[Atom, Fraction] = {}
    for a, k in common.items():
        if isinstance(a.expr, Call) and a.expr.name == "exp":
            out = add(out, scale(read(a.expr.args[0], frame), k))
        elif positive(a.expr, frame):
            out = add(out, scale(single(Call("log", (a.expr,))), k))
        else:
            inside[a] = k
    rest = multiply(rest, settle(inside))
    if rest == constant(1):
        return out
    if len(rest) == 1:
        ((mono, c),) = rest.items()
        if c == 1 and len(mono) == 1 and mono[0][1] % 2 == 1:  # log(x**k), k odd and defined: x > 0
            return add(out, scale(single(Call("log", (mono[0][0].expr,))), mono[0][1]))
    return add(out, single(Call("log", (to_tree(rest),))))


def _primes(size: Fraction) -> list[tuple[int, int]]:
    """Factor a positive rational completely when it is small; otherwise leave numerator and denominator whole."""
    out = []
    for n, sign in ((size.numerator, 1), (size.denominator, -1)):
        d = 2
        while d * d <= n and d < 1000:
            k = 0
            while n % d == 0:
                n, k = n // d, k + 1
            if k:
                out.append((d, sign * k))
            d += 1
        if n > 1:
            out.append((n, sign))
    return out


def _call(expr: Call, frame: Frame) -> Poly:
    name = expr.name
    if name == "exp":
        return exponential(read(expr.args[0], frame), frame)
    if name == "log":
        return logarithm(read(expr.args[0], frame), frame)
    if name == "sqrt":
        return power(read(expr.args[0], frame), HALF, frame)
    if name == "delta":
        return _delta(expr)
    if name != "phi1" and FUNCTIONS[name].definition is not None and _may_expand(expr, frame):
        return read(_definition(expr), frame)
    return single(Call(name, tuple(to_tree(read(a, frame)) for a in expr.args)))


def _definition(expr: Call) -> Expr:
    out = row_text(expr, FUNCTIONS[expr.name].definition or "")
    assert isinstance(out, Expr)
    return out


def _may_expand(expr: Call, frame: Frame) -> bool:
    if expr.name not in CLOSED_ENDS:
        return True
    one = Num(ONE)
    if expr.name == "xlogx":
        return positive(expr.args[0], frame)
    return all(positive(a, frame) and positive(Add((one, Neg(a))), frame) for a in expr.args)


def _delta(expr: Call) -> Poly:
    gap = linear(expr.args[0]) - linear(expr.args[1])
    if not gap.terms:
        return constant(0 if gap.const else 1)
    ends = sorted((to_expr(linear(a)) for a in expr.args), key=str)
    return single(Call("delta", tuple(ends)))


def rename(p: Poly, mapping: dict[Sym, Expr], frame: Frame) -> Poly:
    """Substitute symbols in an expanded form and expand it again.

    Parameters
    ----------
    p : dict
        Expanded form.
    mapping : dict of Sym to Expr
        Replacements.
    frame : Frame
        What is known after the substitution.

    Returns
    -------
    dict
    """
    return read(substitute(to_tree(p), mapping), frame)
