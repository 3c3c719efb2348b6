"""Negative control: small false versions of a relation, each of which must be refuted with a witness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import arb

from dltsym.notation.evaluate import evaluate
from dltsym.notation.folds import Binding, Cases, Fold
from dltsym.notation.matrices import Eye, MatAdd, MatMul, Matrix, Transpose, Zeros, same_size
from dltsym.notation.tree import Add, Call, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sum
from dltsym.notation.walk import children, key, rebuild, transform
from dltsym.prove.stage import Stage

ONE = Num(Fraction(1))


@dataclass(frozen=True)
class Mutant:
    """An altered relation and what was altered."""

    what: str
    rel: Rel


def mutants(rel: Rel, most: int = 12) -> list[Mutant]:
    """Return altered versions of a relation: constants, signs, exponents, operations, ranges, direction.

    Parameters
    ----------
    rel : Rel
        A relation as written.
    most : int
        At most so many, spread evenly over all places.

    Returns
    -------
    list of Mutant
    """
    if rel.op != "=" and any(isinstance(e, Num) and e.value == 0 for e in (rel.lhs, rel.rhs)):
        return _turned(rel)  # a mere sign has slack almost everywhere
    found = [Mutant(what, Rel(new, rel.op, rel.rhs)) for what, new in _alter(rel.lhs)]
    found += [Mutant(what, Rel(rel.lhs, rel.op, new)) for what, new in _alter(rel.rhs)]
    seen, unique = {key(rel)}, []
    for m in found:
        if key(m.rel) not in seen:
            seen.add(key(m.rel))
            unique.append(m)
    chosen = [unique[k * len(unique) // most] for k in range(most)] if len(unique) > most else unique
    return [*chosen, *_turned(rel)]


def _turned(rel: Rel) -> list[Mutant]:
    turned = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}.get(rel.op)
    if turned:
        return [Mutant("relation turned round", Rel(rel.lhs, turned, rel.rhs))]
    if rel.op == "=" and rel.rhs != Num(Fraction(0)):
        return [Mutant("right side times 101/100", Rel(rel.lhs, "=", Num(Fraction(101, 100)) * rel.rhs))]
    return []


def _alter(expr: Expr) -> Iterator[tuple[str, Expr]]:
    yield from _here(expr)
    full = children(expr)
    if isinstance(expr, Eye | Zeros):
        return  # another size is no other statement, but a mismatch
    ranged = isinstance(expr, Sum | Binding) and not isinstance(expr, Cases)  # a body first, then ends and places
    kept = 1 if ranged or (isinstance(expr, Pow) and isinstance(expr.exponent, Num)) else len(full)
    for k, child in enumerate(full[:kept]):
        for what, new in _alter(child):
            yield what, rebuild(expr, (*full[:k], new, *full[k + 1 :]))


def _here(expr: Expr) -> Iterator[tuple[str, Expr]]:
    match expr:
        case Num(value) if value != 0:
            for factor in (Fraction(101, 100), Fraction(99, 100)):
                yield f"{expr} times {factor}", Num(value * factor)
        case Add(args):
            for k, a in enumerate(args):
                other = a.arg if isinstance(a, Neg) else Neg(a)
                yield f"sign of {a}", Add((*args[:k], other, *args[k + 1 :]))
        case Div(num, den):
            yield f"division by {den} turned into a product", Mul((num, den))
        case MatAdd(args):
            for k, a in enumerate(args):
                yield f"sign of {a}", MatAdd((*args[:k], -a, *args[k + 1 :]))
        case MatMul(args):
            for k, (a, b) in enumerate(pairwise(args)):
                if a != b and square(a) and square(b):
                    yield f"{a} and {b} swapped", MatMul((*args[:k], b, a, *args[k + 2 :]))
        case Transpose(arg) if square(arg):
            yield f"transpose of {arg} dropped", arg
        case Pow(base, Num(value)):
            yield f"exponent of {expr} plus 1", Pow(base, Num(value + 1))
        case Neg(arg):
            yield f"sign of {expr} dropped", arg
        case Sum(body, ((var, lo, hi),)):
            yield f"range of {expr} cut", Sum(body, ((var, lo, Add((hi, Neg(ONE)))),))
        case Fold(op, body, ((var, lo, hi),)):
            yield f"range of {expr} cut", Fold(op, body, ((var, lo, Add((hi, Neg(ONE)))),))


def square(e: Expr) -> bool:
    """Return whether a matrix is square by its form.

    Parameters
    ----------
    e : Expr
        Matrix.

    Returns
    -------
    bool
    """
    return isinstance(e, Matrix) and same_size(*e.shape)


def same_bits(a: Rel, b: Rel) -> bool:
    """Whether two relations are the same once powers of what is 0 or 1 are dropped.

    Parameters
    ----------
    a, b : Rel
        Relations.

    Returns
    -------
    bool
    """

    def rule(e: Expr) -> Expr:
        match e:
            case Pow(base, Num(value)) if value >= 1 and value.denominator == 1 and _bit(base):
                return base
        return e

    return key(transform(a, rule)) == key(transform(b, rule))


def _bit(e: Expr) -> bool:
    match e:
        case Index(array, _):
            return array.decl.entries == "bool"
        case Mul(args):
            return all(map(_bit, args))
    return isinstance(e, Call) and e.name == "delta"


def weaker(mutant: Rel, original: Rel, stage: Stage, count: int = 24) -> bool:
    """Whether an altered inequality demands no more than the original at every sampled point.

    Parameters
    ----------
    mutant, original : Rel
        Prepared relations, both with ``<`` or both with ``<=``.
    stage : Stage
        Points of the original.
    count : int
        Points to draw.

    Returns
    -------
    bool
        False when no drawn point is inside the hypotheses.
    """
    if not stage.takes(mutant):
        return False
    new, old = (stage.solve(Rel(r.rhs - r.lhs, "<=", r.rhs - r.lhs)).lhs for r in (mutant, original))
    inside = [point for _, point in stage.points(count)]
    return bool(inside) and all(_no_more(evaluate(new, p, 128), evaluate(old, p, 128)) for p in inside)


def _no_more(new: arb, old: arb) -> bool:
    return new.is_finite() and old.is_finite() and bool((new - old).upper() >= -1e-25)
