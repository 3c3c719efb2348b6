"""Bodies ``b_s * product of a_r over r = s+1..t`` of a sum over s <= t: what makes the sum an affine scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.passes.integers import linear
from dltsym.lower.passes.places import Env, Lin
from dltsym.lower.passes.truths import compare
from dltsym.lower.sizes import poly
from dltsym.notation.folds import Fold
from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sum, Sym

if TYPE_CHECKING:
    from dltsym.lower.passes.lower import Lowering

ONE = Num(Fraction(1))
Factor = Callable[[Lin], Node]


@dataclass(frozen=True)
class Span:
    """One bound index with its ends as linear forms: the largest lower and the smallest upper one count."""

    var: Sym
    lows: tuple[Lin, ...]
    highs: tuple[Lin, ...]
    text: str


@dataclass
class Segments:
    """The factors of a body.

    Attributes
    ----------
    decays : list of callable
        From the running index to the factor that carries the state over it.
    own : list of callable
        From the running index to further factors of the entry.
    entry : list of Expr
        Factors that depend on the summation index only.
    outer : list of Expr
        Factors free of the summation index.
    beyond : list of callable
        From the upper end of the sum to further such factors.
    """

    decays: list[Factor] = field(default_factory=list)
    own: list[Factor] = field(default_factory=list)
    entry: list[Expr] = field(default_factory=list)
    outer: list[Expr] = field(default_factory=list)
    beyond: list[Factor] = field(default_factory=list)


def factors(e: Expr) -> list[Expr]:
    """Split a product, quotient or exponential of a sum into factors.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    list of Expr
    """
    match e:
        case Mul(args):
            return [f for a in args for f in factors(a)]
        case Neg(arg):
            return [Neg(ONE), *factors(arg)]
        case Div(a, b):
            return [*factors(a), *(Div(ONE, g) if (f := _inverse(g)) is None else f for g in factors(b))]
        case Call("exp", (arg,)):
            return [Call("exp", (t,)) for t in addends(arg)]
        case Sym() if e.decl.definition is not None:
            return factors(e.decl.definition)
    return [e]


def _inverse(e: Expr) -> Expr | None:
    return Call("exp", (Neg(e.args[0]),)) if isinstance(e, Call) and e.name == "exp" else None


def addends(e: Expr) -> list[Expr]:
    """Split a sum into terms; a quotient or a product with one sum in it is spread over the terms.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    list of Expr
    """
    match e:
        case Add(args):
            return [t for a in args for t in addends(a)]
        case Neg(arg):
            return [Neg(t) for t in addends(arg)]
        case Div(a, b):
            return [Div(t, b) for t in addends(a)]
        case Mul(args):
            for k, a in enumerate(args):
                terms = addends(a)
                if len(terms) > 1:
                    return [Mul((*args[:k], t, *args[k + 1 :])) for t in terms]
        case Sym() if e.decl.definition is not None:
            return addends(e.decl.definition)
    return [e]


def segments(low: Lowering, body: Expr, span: Span, free: Axis, env: Env, *, chained: bool) -> Segments | None:
    """Sort the factors of a body; None when a factor mixes both indices in another way.

    Parameters
    ----------
    low : Lowering
        Where.
    body : Expr
        Body of the sum.
    span : Span
        Summation index.
    free : Axis
        The axis that the moving end goes along.
    env : Env
        What names mean outside the sum.
    chained : bool
        Whether the sum runs up to its only upper end, so that products over what lies between may be steps.

    Returns
    -------
    Segments or None
    """
    out = Segments()
    moving = {s for s, m in env.names.items() if isinstance(m, Lin) and any(free in n.axes for n, _ in m.atoms)}
    for f in factors(body):
        names = low.free(f)
        if span.var not in names:
            out.outer.append(f)
        elif not moving.intersection(names):
            out.entry.append(f)
        elif not (chained and _segment(low, f, span, env, out)):
            return None
    return out


def _segment(low: Lowering, f: Expr, span: Span, env: Env, out: Segments) -> bool:
    match f:
        case Fold("prod", body, ((r, lo, hi),)):
            return _steps(low, lambda e: low.expr(body, e), (r, lo, hi), span, env, out)
        case Call("exp", (arg,)):
            scale, total = _scaled(arg)
            if not isinstance(total, Sum) or len(total.limits) != 1:
                return False
            if any(s == span.var or s in env.names for t in scale for s in low.free(t)):
                return False  # a rate that depends on an index is left to the mask

            def one(e: Env) -> Node:
                return low.algebra.call("exp", low.expr(Mul((*scale, total.body)) if scale else total.body, e))

            return _steps(low, one, total.limits[0], span, env, out)
        case Pow(base, exponent):
            return _power(low, base, exponent, span, env, out)
    return False


def _scaled(e: Expr) -> tuple[list[Expr], Expr]:
    match e:
        case Neg(arg):
            scale, total = _scaled(arg)
            return [Neg(ONE), *scale], total
        case Div(a, b):
            scale, total = _scaled(a)
            return [Div(ONE, b), *scale], total
        case Mul(args):
            sums = [k for k, a in enumerate(args) if isinstance(_scaled(a)[1], Sum)]
            if len(sums) == 1:
                k = sums[0]
                scale, total = _scaled(args[k])
                return [*args[:k], *args[k + 1 :], *scale], total
    return [], e


def _steps(
    low: Lowering,
    body: Callable[[Env], Node],
    limits: tuple[Sym, Expr, Expr],
    span: Span,
    env: Env,
    out: Segments,
) -> bool:
    # The steps run over r = s+1+late .. t+late, late <= 0; read at the running index u they are a at u + late.
    r, lo, hi = limits
    here = low.algebra.table.fresh("1")
    s = Lin(((low.algebra.iota(here), Fraction(1)),))
    first, end = linear(low, lo, env.bind({span.var: s})), linear(low, hi, env.bind({span.var: s}))
    if first is None or end is None:
        return False
    late, early = (end - span.highs[0]), (first - s)
    if late.atoms or early.atoms or late.const.constant is None or early.const.constant is None:
        return False
    ahead = max(int(late.const.constant), 0)
    shift = Lin((), late.const - ahead)
    skip = early.const.constant - shift.const.constant if shift.const.constant is not None else None
    if skip not in (0, 1) or ahead > 3:
        return False

    def step(u: Lin) -> Node:
        inside = env.bind({r: u + shift})
        if shift.const.constant:  # the step into the first entry is never used, and may lie outside the array
            inside = inside.under(compare(low, "<", Lin((), u.const), u))
        return body(inside)

    out.decays.append(step)
    if skip == 0:
        out.own.append(lambda u: body(env.bind({r: u + shift})))
    for k in range(1, ahead + 1):  # factors after the last term are common to all terms
        out.beyond.append(lambda last, k=k: body(env.bind({r: last + Lin((), poly(k))})))
    return True


def _power(low: Lowering, base: Expr, exponent: Expr, span: Span, env: Env, out: Segments) -> bool:
    names = low.free(base)
    if span.var in names or any(s in env.names for s in names):
        return False
    here = low.algebra.table.fresh("1")
    s = Lin(((low.algebra.iota(here), Fraction(1)),))
    e = linear(low, exponent, env.bind({span.var: s}))
    if e is None:
        return False
    rest = e - span.highs[0] + s
    more = rest.const.constant
    if rest.atoms or more is None or more < 0:
        return False
    out.decays.append(lambda u: low.expr(base, env))
    if more:
        out.outer.append(Pow(base, Num(more)))
    return True
