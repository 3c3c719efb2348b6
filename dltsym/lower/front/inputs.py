"""The arguments of a kernel: which symbols, in which order, and what declarations and hypotheses say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from dltsym.errors import UnsupportedError
from dltsym.lower.program import Input
from dltsym.lower.sizes import Poly, carriers, name, poly
from dltsym.notation.folds import Iterate
from dltsym.notation.tree import Add, Diff, Expr, Index, Mul, Neg, Num, Rel, Sum, Sym
from dltsym.notation.walk import binders, children, expand_lets, subterms

_FLIP = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "=": "="}


def mentioned(e: Expr | Rel) -> Iterator[Sym]:
    """Yield the symbols of a tree as they occur, those of let-names and of declared ranges included.

    Parameters
    ----------
    e : Expr or Rel
        Tree.

    Yields
    ------
    Sym
    """
    if isinstance(e, Sym):
        yield e
        if e.decl.definition is not None:
            yield from mentioned(e.decl.definition)
        ends = (x for pair in e.decl.shape for x in pair)
        for x in (*ends, *((e.decl.lo, e.decl.hi) if e.decl.sort == "index" else ())):
            yield from mentioned(x) if x is not None else ()
        return
    if isinstance(e, Iterate):
        for s in e.states:
            yield from mentioned(s.symbol)
    for child in children(e):
        yield from mentioned(child)


def used(trees: Iterable[Expr | Rel]) -> tuple[Sym, ...]:
    """Return the free symbols of some trees in the order in which they first occur.

    Parameters
    ----------
    trees : iterable of Expr or Rel
        Trees.

    Returns
    -------
    tuple of Sym
    """
    found: dict[Sym, None] = {}
    for tree in trees:
        hidden = _bound(tree)
        found |= {s: None for s in mentioned(tree) if s not in hidden and s.decl.definition is None}
    return tuple(found)


def _bound(e: Expr | Rel) -> frozenset[Sym]:
    own = frozenset(binders(e))
    for child in children(e):
        own |= _bound(child)
    if isinstance(e, Sym) and e.decl.definition is not None:
        own |= _bound(e.decl.definition)
    return own


def size_of(e: Expr) -> Poly:
    """Return a size expression as a polynomial.

    Parameters
    ----------
    e : Expr
        Expression in integers.

    Returns
    -------
    Poly

    Raises
    ------
    UnsupportedError
        When it is none.
    """
    match e:
        case Num(value) if value.denominator == 1:
            return poly(value)
        case Sym() if e.decl.definition is not None:
            return size_of(e.decl.definition)
        case Sym() if e.decl.sort in ("integer", "foreign"):
            return name(e.name)
        case Neg(arg):
            return -size_of(arg)
        case Add(args):
            return sum((size_of(a) for a in args), Poly())
        case Mul(args):
            out = poly(1)
            for a in args:
                out = out * size_of(a)
            return out
    raise UnsupportedError(f"the size {e} is no polynomial in size names")


def extent(pair: tuple[Expr, Expr]) -> Poly:
    """Return the number of places of a range with both ends.

    Parameters
    ----------
    pair : tuple of Expr
        Ends.

    Returns
    -------
    Poly
    """
    lo, hi = map(size_of, pair)
    return hi - lo + 1


def carried(arrays: Iterable[Input]) -> frozenset[str]:
    """Return the size names that can be read off arrays: alone in a dimension, or as the only unknown in one.

    Parameters
    ----------
    arrays : iterable of Input
        Arguments.

    Returns
    -------
    frozenset of str
    """
    return frozenset(carriers(tuple(text for i in arrays for text in i.shape)))


def collect(
    symbols: Iterable[Sym], given: Iterable[Rel] = (), free: frozenset[str] = frozenset()
) -> tuple[tuple[Input, ...], dict[str, int]]:
    """Return the arguments and the smallest value of each size name.

    Parameters
    ----------
    symbols : iterable of Sym
        Symbols in the order of the arguments; indices are no arguments, and neither are sizes that an array carries.
    given : iterable of Rel
        Hypotheses; bounds of entries and sums equal to 1 are read from them.
    free : frozenset of str
        Arrays whose sums are not.

    Returns
    -------
    tuple
        Inputs, and floors by size name.

    Raises
    ------
    UnsupportedError
        For two symbols of one name, or a matrix without entries.
    """
    symbols = tuple(dict.fromkeys(symbols))
    _distinct(symbols)
    known = {s: _input(s) for s in symbols if s.decl.sort in ("real", "array", "foreign")}
    for rel in given:
        for side in (rel, Rel(rel.rhs, _FLIP[rel.op], rel.lhs)) if rel.op in _FLIP else ():
            _hypothesis(side, known)
    known = {s: replace(i, sum_one=()) if i.name in free else i for s, i in known.items()}
    sized = carried(known.values())
    floors, out = {}, []
    for s in symbols:
        if s.decl.sort == "matrix":
            raise UnsupportedError(f"the matrix {s.name} has no entries; declare an array with two indices")
        if s.decl.sort == "integer":
            low = _least(s.decl.lo)
            least = -1 if low is None else int(low)
            floors[s.name] = max(least, 0) if s.name in sized or least >= 0 else least
            if s.name not in sized:
                out.append(_input(s))
        elif s in known:
            out.append(known[s])
    return tuple(out), {n: f for n, f in floors.items() if f >= 0}


def differentiated(trees: Iterable[Expr]) -> frozenset[str]:
    """Return the names that some derivative in the trees is taken by, or by an entry of.

    Parameters
    ----------
    trees : iterable of Expr
        Trees.

    Returns
    -------
    frozenset of str
    """
    found = {t.var for tree in trees for t in subterms(expand_lets(tree)) if isinstance(t, Diff)}
    return frozenset(v.array.name if isinstance(v, Index) else v.name for v in found if isinstance(v, Index | Sym))


def _distinct(symbols: tuple[Sym, ...]) -> None:
    first: dict[str, Sym] = {}
    for s in symbols:
        if first.setdefault(s.name, s) != s:
            raise UnsupportedError(f"two different symbols are called {s.name}; an argument needs a name of its own")


def _input(s: Sym) -> Input:
    d = s.decl
    shape = tuple(extent(p).text for p in d.shape)
    entries = "integer" if d.sort == "integer" else d.entries
    lo, hi = _least(d.lo) if d.sort == "integer" else _number(d.lo), _number(d.hi)
    first = [_number(p[0]) for p in d.shape]
    base = 0 if entries != "integer" else int(lo if lo is not None and d.shape else next(iter(first), None) or 0)
    return Input(d.name, shape, entries, lo, hi, d.lo_open, d.hi_open, (), base)


def _number(e: Expr | None) -> Fraction | None:
    match e:
        case Num(value):
            return value
        case Neg(Num(value)):
            return -value
    return None


def _least(e: Expr | None) -> Fraction | None:
    """Return a lower bound of an end of a range of integers, which may be another number."""
    match e:
        case Sym() if e.decl.sort == "integer":
            return _least(e.decl.lo)
        case Add(args):
            parts = [p for p in map(_least, args) if p is not None]
            return sum(parts, Fraction(0)) if len(parts) == len(args) else None
    return _number(e)


def _hypothesis(rel: Rel, known: dict[Sym, Input]) -> None:
    bound = _number(rel.rhs)
    if bound is None:
        return
    s = _whole(rel.lhs, ())
    if s in known and known[s].entries == "real":
        known[s] = _tightened(known[s], rel.op, bound)
    if rel.op == "=" and bound == 1 and isinstance(rel.lhs, Sum) and isinstance(rel.lhs.body, Index):
        array, idx = rel.lhs.body.array, rel.lhs.body.idx
        over = {v: (lo, hi) for v, lo, hi in rel.lhs.limits}
        dims = tuple(k for k, i in enumerate(idx) if isinstance(i, Sym) and over.get(i) == array.decl.shape[k])
        rest = tuple(i for k, i in enumerate(idx) if k not in dims)
        if (
            array in known
            and len(dims) == len(over)
            and _whole(rel.lhs.body, tuple(over)) == array
            and rest is not None
        ):
            known[array] = replace(known[array], sum_one=dims)


def _whole(e: Expr, over: tuple[Sym, ...]) -> Sym | None:
    """Return the array of which `e` is any entry, or the symbol that it is."""
    if isinstance(e, Sym) and e.decl.sort in ("real", "foreign"):
        return e
    if not isinstance(e, Index) or len(set(e.idx)) != len(e.idx):
        return None
    for i, pair in zip(e.idx, e.array.decl.shape, strict=True):
        if not isinstance(i, Sym):
            return None
        if i not in over and (i.decl.sort != "index" or (i.decl.lo, i.decl.hi) != pair):
            return None
    return e.array


def _tightened(i: Input, op: str, bound: Fraction) -> Input:
    if op in (">", ">=") and (i.lo is None or bound > i.lo or (bound == i.lo and op == ">")):
        return replace(i, lo=bound, lo_open=op == ">")
    if op in ("<", "<=") and (i.hi is None or bound < i.hi or (bound == i.hi and op == "<")):
        return replace(i, hi=bound, hi_open=op == "<")
    return i
