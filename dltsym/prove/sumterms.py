"""Expressions as polynomials in sums over one common range: the input of the termwise rule.

``2*Sum(X[i]) - Sum(X[i])*Sum(Y[j])`` becomes terms with zero, one or two indices and one body each. A sum that cannot
be taken apart (inside a logarithm, in a denominator) stays inside a coefficient as a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from dltsym.notation.calculus import ONE, ZERO, add, mul
from dltsym.notation.tree import Add, Call, Decl, Div, Expr, Mul, Neg, Num, Pow, Rel, Sum, Sym, bound_symbol
from dltsym.notation.walk import binders, children, free_symbols, fresh_binders, key, rebuild, substitute, subterms
from dltsym.prove.domains import affine
from dltsym.prove.problem import Problem

MAX_TERMS = 40


@dataclass(frozen=True)
class Term:
    """``Sum of body over all indices``, each over the range `lo`..`hi`; no index means the body itself."""

    body: Expr
    indices: tuple[Sym, ...] = ()
    lo: Expr = ONE
    hi: Expr = ONE


class NotAPolynomial(Exception):
    """The expression is not a polynomial in sums, or is too large for one."""


def has_sum(expr: Expr | Rel) -> bool:
    """Whether a tree contains a sum.

    Parameters
    ----------
    expr : Expr or Rel
        Tree.

    Returns
    -------
    bool
    """
    return any(isinstance(t, Sum) for t in subterms(expr))


def split(expr: Expr) -> list[Term]:
    """Write an expression as a list of terms whose sum it is.

    Parameters
    ----------
    expr : Expr
        Tree.

    Returns
    -------
    list of Term

    Raises
    ------
    NotAPolynomial
        When the ranges differ or there are too many terms.
    """
    out = _split(expr)
    if len(out) > MAX_TERMS:
        raise NotAPolynomial(f"more than {MAX_TERMS} terms")
    return out


def _split(expr: Expr) -> list[Term]:
    if not has_sum(expr):
        return [Term(expr)]
    match expr:
        case Add(args):
            return [t for a in args for t in _split(a)]
        case Neg(arg):
            return [_with_body(t, Neg(t.body)) for t in _split(arg)]
        case Mul(args):
            out = [Term(ONE)]
            for a in args:
                out = _product(out, _split(a))
            return out
        case Div(num, den) if has_sum(num):
            return [_with_body(t, Div(t.body, den)) for t in _split(num)]
        case Pow(base, Num(value)) if value in (2, 3):
            out = _split(base)
            for _ in range(int(value) - 1):
                out = _product(out, _split(base))
            return out
        case Sum():
            return _sum(expr)
    return [Term(expr)]


def _with_body(term: Term, body: Expr) -> Term:
    return Term(body, term.indices, term.lo, term.hi)


def _sum(expr: Sum) -> list[Term]:
    """Peel the outermost range, and further ones as long as they are the same and independent."""
    fresh = fresh_binders(expr)
    assert isinstance(fresh, Sum)
    *inner, (var, lo, hi) = fresh.limits
    indices = [var]
    while inner and (key(inner[-1][1]), key(inner[-1][2])) == (key(lo), key(hi)):
        indices.append(inner.pop()[0])
    body = Sum(fresh.body, tuple(inner)) if inner else fresh.body
    if not inner and isinstance(body, Sum) and body.limits:
        return [_nested(t, tuple(indices), lo, hi) for t in _split(body)]
    return [Term(body, tuple(indices), lo, hi)]


def _nested(term: Term, outer: tuple[Sym, ...], lo: Expr, hi: Expr) -> Term:
    """Merge a sum of a sum when both ranges are the same; otherwise the inner one stays a body."""
    same = (key(term.lo), key(term.hi)) == (key(lo), key(hi))
    if same and not free_symbols(term.lo) & set(outer) and not free_symbols(term.hi) & set(outer):
        return Term(term.body, (*outer, *term.indices), lo, hi)
    return Term(Sum(term.body, tuple((v, term.lo, term.hi) for v in term.indices)), outer, lo, hi)


def _product(left: list[Term], right: list[Term]) -> list[Term]:
    if len(left) * len(right) > MAX_TERMS:
        raise NotAPolynomial("the product has too many terms")
    out = []
    for a in left:
        for b in right:
            if a.indices and b.indices and (key(a.lo), key(a.hi)) != (key(b.lo), key(b.hi)):
                raise NotAPolynomial("two ranges differ")
            lo, hi = (a.lo, a.hi) if a.indices else (b.lo, b.hi)
            out.append(Term(mul(a.body, b.body), (*a.indices, *b.indices), lo, hi))
    return out


def common_range(terms: list[Term]) -> tuple[Expr, Expr] | None:
    """Return the range that all sums share, or None if there is no sum or no common range.

    Parameters
    ----------
    terms : list of Term
        Terms.

    Returns
    -------
    tuple of Expr or None
    """
    ranges = {(key(t.lo), key(t.hi)): (t.lo, t.hi) for t in terms if t.indices}
    return next(iter(ranges.values())) if len(ranges) == 1 else None


def inner_sums(terms: list[Term], lo: Expr, hi: Expr) -> list[Sum]:
    """Return sums over the range that stand inside coefficients as numbers.

    Parameters
    ----------
    terms : list of Term
        Terms.
    lo, hi : Expr
        Range.

    Returns
    -------
    list of Sum
    """
    found = {}
    for t in terms:
        for s in subterms(t.body):
            if isinstance(s, Sum) and len(s.limits) == 1 and not free_symbols(s) & set(t.indices):
                _, a, b = s.limits[0]
                if (key(a), key(b)) == (key(lo), key(hi)) and all(v.decl.uid == 0 for v in free_symbols(s)):
                    found[key(s)] = s
    return list(found.values())


# ---- reductions of the claim ----


def together(expr: Expr) -> tuple[Expr, Expr]:
    """Return numerator and denominator of a tree of ``+ - * /`` and whole powers.

    Parameters
    ----------
    expr : Expr
        Tree.

    Returns
    -------
    tuple of Expr
    """
    match expr:
        case Neg(arg):
            n, d = together(arg)
            return Neg(n), d
        case Add(args):
            top, bottom = together(args[0])
            for a in args[1:]:
                n, d = together(a)
                if key(d) == key(bottom):
                    top = add(top, n)
                else:
                    top, bottom = add(mul(top, d), mul(n, bottom)), mul(bottom, d)
            return top, bottom
        case Mul(args):
            parts = [together(a) for a in args]
            return mul(*(n for n, _ in parts)), mul(*(d for _, d in parts))
        case Div(num, den):
            (n, d), (m, e) = together(num), together(den)
            return mul(n, e), mul(d, m)
        case Pow(base, Num(value)) if value.denominator == 1 and 1 < value <= 4:
            n, d = together(base)
            return Pow(n, Num(value)), Pow(d, Num(value)) if d != ONE else ONE
    return expr, ONE


def log_of_sum(gap: Expr) -> Iterator[tuple[Expr, Expr, Fraction]]:
    """Find ``c*log(S) + rest`` with a rational c; yield ``(S, exp(-rest/c), c)``.

    Parameters
    ----------
    gap : Expr
        Difference of both sides.

    Yields
    ------
    tuple of (Expr, Expr, Fraction)
        The claim ``gap >= 0`` is ``S >= other`` for a positive c, else ``S <= other``.
    """
    logs = {key(t): t for t in subterms(gap) if isinstance(t, Call) and t.name == "log" and has_sum(t)}
    for name, node in logs.items():
        mark = bound_symbol("mark", "boundreal")
        replaced = _replace(gap, name, mark)
        parts = affine(replaced, mark) if mark in free_symbols(replaced) else None
        if parts is None or parts[0] == 0 or free_symbols(node) & _bound(gap):
            continue
        c, rest = parts
        yield node.args[0], Call("exp", (mul(Num(-1 / c), rest),)) if rest != ZERO else ONE, c


def _bound(node: Expr) -> set[Sym]:
    return {v for t in subterms(node) for v in binders(t)}


def _replace(node: Expr, name: str, new: Expr) -> Expr:
    if key(node) == name:
        return new
    return rebuild(node, tuple(_replace(c, name, new) for c in children(node)))


def numbered(rels: tuple[Rel, ...]) -> tuple[tuple[Rel, ...], list[tuple[Sum, Sym]]]:
    """Replace outermost sums by unknown numbers; equal sums become the same number.

    Parameters
    ----------
    rels : tuple of Rel
        Relations.

    Returns
    -------
    tuple of (tuple of Rel, list of (Sum, Sym))
    """
    names: dict[str, tuple[Sum, Sym]] = {}

    def walk(node: Expr) -> Expr:
        if isinstance(node, Sum):
            if key(node) not in names:
                names[key(node)] = (node, Sym(Decl(f"total__{len(names)}", "real")))
            return names[key(node)][1]
        return rebuild(node, tuple(walk(c) for c in children(node)))

    new = tuple(Rel(walk(r.lhs), r.op, walk(r.rhs)) for r in rels)
    return new, list(names.values())


# ---- equalities between sums ----


def null_bodies(problem: Problem, terms: list[Term], lo: Expr, hi: Expr) -> list[tuple[Expr, Sym, Expr, str]]:
    """Return equalities ``Sum of body over the range = value`` as ``(body, index, value, text)``.

    Parameters
    ----------
    problem : Problem
        Hypotheses.
    terms : list of Term
        Terms whose inner sums are equal to themselves.
    lo, hi : Expr
        Range.

    Returns
    -------
    list of tuple
    """
    out = []
    for rel in problem.known:
        if rel.op != "=" or not has_sum(rel) or _quantified(rel, problem):
            continue
        try:
            parts = split(rel.lhs + Neg(rel.rhs))
        except NotAPolynomial:
            continue
        where = common_range(parts)
        same = where is not None and (key(where[0]), key(where[1])) == (key(lo), key(hi))
        if not same or any(len(t.indices) > 1 for t in parts):
            continue
        var = next(t.indices[0] for t in parts if t.indices)
        body = add(*(substitute(t.body, {t.indices[0]: var}) for t in parts if t.indices))
        value = Neg(add(*(t.body for t in parts if not t.indices)))
        out.append((body, var, value, str(rel)))
    for s in inner_sums(terms, lo, hi):
        out.append((s.body, s.limits[0][0], s, f"{s} is itself"))
    return out


def _quantified(rel: Rel, problem: Problem) -> bool:
    """Whether a hypothesis speaks about every value of an index that the goal does not fix (there may be none)."""
    return any(s.decl.sort == "index" and s not in free_symbols(problem.goal) for s in free_symbols(rel))
