"""What is known about one atom: declared bounds, instances of indexed hypotheses, laws of functions, signs of sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import combinations

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Call, Const, Expr, Index, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, substitute
from dltsym.prove.atoms import Atoms
from dltsym.prove.problem import Problem, bounds_of, declared_bounds
from dltsym.prove.shapes import BASE, INTEGERS, ZERO, entries, is_integer, quantified, usable

ONE = Num(Fraction(1))
PI = (Num(Fraction(314159265, 10**8)), Num(Fraction(314159266, 10**8)))
MOST_PAIRED = 6
INCREASING = ("exp", "log", "sqrt", "sigmoid", "softplus", "tanh", "sinh", "atan", "erf")


def about(atoms: Atoms, name: str) -> Iterator[Rel]:
    """Yield relations that hold for an atom; those of a partial one only after its domain is proved.

    Parameters
    ----------
    atoms : Atoms
        Context.
    name : str
        Atom.

    Yields
    ------
    Rel
    """
    e = atoms.exprs[name]
    if isinstance(e, Sym):
        yield from (r for r in declared_bounds(e) if name not in atoms.blocked or usable(r, BASE))
    if name in atoms.blocked:
        return
    match e:
        case Const("pi"):
            yield from (Rel(PI[0], "<", e), Rel(e, "<", PI[1]))
        case Index():
            if in_range(atoms, e):
                yield from bounds_of(e, e.array)
            yield from instances(atoms, e)
        case Sum():
            yield from _sum(atoms, name, e)
        case Pow():
            yield from _power(atoms, name, e)
        case Call():
            if all(atoms.sub(_rel(e, d), name) for d in FUNCTIONS[e.name].domain):
                yield from _call(e)
                yield from _strict(atoms, name, e)
            if e.name == "delta" and atoms.level > INTEGERS:  # among the integers this would ask itself for ever
                i, j = e.args
                yield from (Rel(e, "=", v) for op, v in (("!=", ZERO), ("=", ONE)) if _integers(atoms, Rel(i, op, j)))


def _rel(call: Call, row: str) -> Rel:
    rel = row_text(call, row)
    assert isinstance(rel, Rel)
    return rel


def in_range(atoms: Atoms, e: Index) -> bool:
    """Whether an array entry is proved to lie inside the declared shape.

    Parameters
    ----------
    atoms : Atoms
        Context.
    e : Index
        Entry.

    Returns
    -------
    bool
    """
    return all(_within(atoms, i, lo, hi) for i, (lo, hi) in zip(e.idx, e.array.decl.shape, strict=True))


def _within(atoms: Atoms, i: Expr, lo: Expr, hi: Expr) -> bool:
    return _integers(atoms, Rel(lo, "<=", i)) and _integers(atoms, Rel(i, "<=", hi))


def _integers(atoms: Atoms, rel: Rel) -> bool:
    return atoms.prove(rel, (), INTEGERS, atoms.blocked, False) is not None


def instances(atoms: Atoms, e: Index) -> Iterator[Rel]:
    """Yield the hypotheses about every entry of an array at the entry `e`, where its index is in range.

    Parameters
    ----------
    atoms : Atoms
        Context.
    e : Index
        Entry.

    Yields
    ------
    Rel
    """
    for _, rel in atoms.store.rels:
        every = quantified(rel)
        if not every or not usable(rel, atoms.level):
            continue
        for pattern in dict.fromkeys(entries(rel)):
            if pattern.array != e.array:
                continue
            at = _match(pattern, e)
            if at is None or set(at) != set(every) or all(s == i for s, i in at.items()):
                continue
            if all(_integers(atoms, substitute(r, at)) for s in every for r in declared_bounds(s)):
                yield substitute(rel, at)


def _match(pattern: Index, e: Index) -> dict[Sym, Expr] | None:
    at: dict[Sym, Expr] = {}
    for p, i in zip(pattern.idx, e.idx, strict=True):
        if isinstance(p, Sym) and p.decl.sort == "index":
            if not is_integer(i) or at.setdefault(p, i) != i:
                return None
        elif p != i:
            return None
    return at


def stands(atoms: Atoms, rel: Rel) -> bool:
    """Whether a hypothesis may be used as it is written: its indices are those at hand, or their ranges are not empty.

    Parameters
    ----------
    atoms : Atoms
        Context.
    rel : Rel
        Hypothesis.

    Returns
    -------
    bool
    """
    free = [s for s in closure(quantified(rel)) if s not in atoms.store.fixed]
    if free and atoms.level == INTEGERS:  # asking for the range would ask this very question again
        return False
    ends = [(s.decl.lo, s.decl.hi) for s in free]
    return all(a is not None and b is not None and _integers(atoms, Rel(a, "<=", b)) for a, b in ends)


def closure(symbols: Iterable[Sym]) -> tuple[Sym, ...]:
    """Return index symbols together with the index symbols that their ranges mention.

    Parameters
    ----------
    symbols : iterable of Sym
        Symbols; those that are no indices are dropped.

    Returns
    -------
    tuple of Sym
    """
    found: dict[Sym, None] = {}
    todo = list(symbols)
    while todo:
        s = todo.pop()
        if s.decl.sort == "index" and s not in found:
            found[s] = None
            todo += [t for b in (s.decl.lo, s.decl.hi) if b is not None for t in free_symbols(b)]
    return tuple(sorted(found, key=lambda s: s.name))


def certain(rel: Rel, problem: Problem) -> bool:
    """Return whether a hypothesis speaks about no index that the goal leaves open: that one may have no value.

    Parameters
    ----------
    rel : Rel
        Hypothesis.
    problem : Problem
        Whose goal fixes its own indices.

    Returns
    -------
    bool
    """
    return set(closure(free_symbols(rel))) <= set(closure(free_symbols(problem.goal)))


def ranges_of(e: Sum) -> tuple[Rel, ...]:
    """Return what the bound variables of a sum satisfy inside it.

    Parameters
    ----------
    e : Sum
        Sum.

    Returns
    -------
    tuple of Rel
    """
    return tuple(r for v, lo, hi in e.limits for r in (Rel(lo, "<=", v), Rel(v, "<=", hi)))


def _sum(atoms: Atoms, name: str, e: Sum) -> Iterator[Rel]:
    local = ranges_of(e)
    for rel, weak in ((Rel(ZERO, "<=", e.body), Rel(ZERO, "<=", e)), (Rel(e.body, "<=", ZERO), Rel(e, "<=", ZERO))):
        if not atoms.sub(rel, name, local, False):
            continue
        strict = Rel(rel.lhs, "<", rel.rhs)
        if _filled(atoms, e) and atoms.sub(strict, name, local, False):
            yield Rel(weak.lhs, "<", weak.rhs)
        else:
            yield weak
        if rel.rhs is e.body and len(e.limits) == 1:
            atoms.totals.append(e)
        return


def _filled(atoms: Atoms, e: Sum) -> bool:
    """Whether the range is proved not to be empty: outermost index first, each range filled given the outer ones."""
    outer: tuple[Rel, ...] = ()
    for v, lo, hi in reversed(e.limits):
        if atoms.prove(Rel(lo, "<=", hi), outer, INTEGERS, atoms.blocked, False) is None:
            return False
        outer = (*outer, Rel(lo, "<=", v), Rel(v, "<=", hi))
    return True


def terms(atoms: Atoms) -> Iterator[tuple[Rel, Sum]]:
    """Say that sums of non-negative terms are at least each of their terms, at the indices at hand; once each.

    Parameters
    ----------
    atoms : Atoms
        Context.

    Yields
    ------
    tuple of (Rel, Sum)
        The relation and the sum that it is about.
    """
    found = dict.fromkeys(i for t in list(atoms.exprs.values()) if isinstance(t, Index) for i in t.idx)
    for e in list(atoms.totals):
        ((v, lo, hi),) = e.limits
        for i in found:
            if (e, i) not in atoms.terms and is_integer(i) and v not in free_symbols(i):
                atoms.terms.add((e, i))
                if _within(atoms, i, lo, hi):
                    yield Rel(substitute(e.body, {v: i}), "<=", e), e


def _power(atoms: Atoms, name: str, e: Pow) -> Iterator[Rel]:
    if isinstance(e.exponent, Num):  # a root: base**(1/q)
        if atoms.sub(Rel(ZERO, "<=", e.base), name):
            yield from (Rel(ZERO, "<=", e), Rel(Pow(e, Num(1 / e.exponent.value)), "=", e.base))
        return
    if not atoms.sub(Rel(ZERO, "<", e.base), name):
        return
    yield Rel(ZERO, "<", e)
    for op in ("<", "<="):  # strict where base and exponent are
        rising = atoms.sub(Rel(ZERO, op, e.exponent), name)
        if not rising and not atoms.sub(Rel(e.exponent, op, ZERO), name):
            continue
        if atoms.sub(Rel(ONE, op, e.base), name):
            yield Rel(ONE, op, e) if rising else Rel(e, op, ONE)
            return
        if atoms.sub(Rel(e.base, op, ONE), name):
            yield Rel(e, op, ONE) if rising else Rel(ONE, op, e)
            return


def _call(e: Call) -> Iterator[Rel]:
    u = e.args[0]
    match e.name:
        case "exp":
            yield from (Rel(ZERO, "<", e), Rel(u + 1, "<=", e), Rel(e * (1 - u), "<=", ONE))
        case "log":
            yield from (Rel(e, "<=", u - 1), Rel(u - 1, "<=", u * e))
        case "abs":
            yield from (Rel((e - u) * (e + u), "=", ZERO), Rel(ZERO, "<=", e))
        case "max" | "min":
            w = e.args[1]
            yield Rel((e - u) * (e - w), "=", ZERO)
        case "delta":
            yield Rel(e * e, "=", e)
    yield from (_rel(e, row) for row in FUNCTIONS[e.name].facts)


def _strict(atoms: Atoms, name: str, e: Call) -> Iterator[Rel]:
    """Keep the inverses of relative entropy away from 0, 1 and q where q and c are."""
    if e.name not in ("kl_upper", "kl_lower"):
        return
    q, c = e.args
    upper, moved = e.name == "kl_upper", atoms.sub(Rel(ZERO, "<", c), name)
    inner = atoms.sub(Rel(q, "<", ONE) if upper else Rel(ZERO, "<", q), name)
    if inner:
        yield Rel(e, "<", ONE) if upper else Rel(ZERO, "<", e)
    if moved:
        yield Rel(ZERO, "<", e) if upper else Rel(e, "<", ONE)
    if inner and moved:
        yield Rel(q, "<", e) if upper else Rel(e, "<", q)


def monotone(atoms: Atoms) -> Iterator[tuple[str, str]]:
    """Yield pairs of atoms of one increasing function, both proved to be defined.

    Parameters
    ----------
    atoms : Atoms
        Context.

    Yields
    ------
    tuple of str
    """
    found: dict[str, list[str]] = {}
    for name, e in atoms.exprs.items():
        if not isinstance(e, Call) or e.name not in INCREASING or len(found.setdefault(e.name, [])) == MOST_PAIRED:
            continue
        if all(atoms.sub(_rel(e, d), name) for d in FUNCTIONS[e.name].domain):
            found[e.name].append(name)
    for group in found.values():
        yield from combinations(group, 2)
