"""Goals about the inverses of Bernoulli relative entropy, by their definition.

``V = kl_upper(Q, C)`` is the largest p in [Q, 1] with ``kl(Q, p) <= C``, and ``kl_lower`` the smallest one in [0, Q]
(``0 <= Q <= 1``, ``C >= 0``, 0 log 0 = 0). V is 1 at Q = 1 (0 at Q = 0 for the
lower one), Q at C = 0, and else the only b strictly between with ``kl(Q, b) = C``. For 0 < X < 1 relative entropy is
finite, continuous, and strictly monotone on either side of Q: there X and V compare as ``kl(Q, X)`` and C do.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dltsym.notation.calculus import add
from dltsym.notation.tree import Add, Call, Decl, Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import binders, children, free_symbols, key, rebuild, subterms
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay.side import Store
from dltsym.prove.replay.sos_laws import indices

NAMES = ("kl_upper", "kl_lower")
ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
Part = tuple[Rel, tuple[Rel, ...]]
Way = tuple[str, tuple[Part, ...]]


def inverses(problem: Problem) -> Iterator[Way]:
    """Yield the ways to reduce a goal that mentions an inverse: a rule, and goals with further hypotheses.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``, defined wherever the hypotheses hold.

    Yields
    ------
    tuple
    """
    calls = {key(t): t for t in subterms(problem.goal) if isinstance(t, Call) and t.name in NAMES}
    if not calls:
        return
    for call, what, goals in _compared(problem.goal):
        yield f"{what} {call}", tuple((goal, ()) for goal in goals)
    store = Store(certain(problem))
    for call in calls.values():
        yield from _named(problem, call, store)
    for call, what, goals in _compared(problem.goal):
        ends, inside = _at_ends(problem.goal, call, store), _inside(call)
        yield f"{what} {call}, the ends apart", (*ends, *((goal, inside) for goal in goals))


def certain(problem: Problem) -> tuple[Rel, ...]:
    """Return what holds for sure: nothing about an index that the goal does not fix, whose range may be empty.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    tuple of Rel
    """
    fixed = indices(problem.goal)
    scalars = (s for s in problem.symbols if s.decl.sort != "index" or s in fixed)
    return (*(r for r in problem.known if indices(r) <= fixed), *(b for s in scalars for b in declared_bounds(s)))


def _compared(goal: Rel) -> Iterator[tuple[Call, str, tuple[Rel, ...]]]:
    """Compare an inverse that stands alone with X: ``X <= V`` where ``kl(Q, X) <= C``, and the other way round."""
    terms = _terms(goal.rhs, 1) + _terms(goal.lhs, -1)  # goal: their sum is >= 0
    for k, (sign, term) in enumerate(terms):
        if not (isinstance(term, Call) and term.name in NAMES):
            continue
        rest = [(s, e) for j, (s, e) in enumerate(terms) if j != k]
        x = add(*(e if s == -sign else Neg(e) for s, e in rest))  # goal: x op term for sign 1, term op x for -1
        (q, c), upper = term.args, term.name == "kl_upper"
        value, goals = _kl(q, x), [Rel(ZERO, "<", x), Rel(x, "<", ONE)]
        within = (sign > 0) == upper and goal.op != "="  # X lies between Q and V, else on the other side of V
        if within:
            goals.append(Rel(value, goal.op, c))
        else:
            goals += [Rel(q, "<=", x) if upper else Rel(x, "<=", q), Rel(c, goal.op, value)]
        yield term, f"{x} is {'within' if within else 'beyond'}", tuple(goals)


def _terms(e: Expr, sign: int) -> list[tuple[int, Expr]]:
    match e:
        case Add(args):
            return [t for a in args for t in _terms(a, sign)]
        case Neg(arg):
            return _terms(arg, -sign)
    return [(sign, e)] if key(e) != key(ZERO) else []


def _named(problem: Problem, call: Call, store: Store) -> Iterator[Way]:
    """Give the value a name: it has no index, since a hypothesis with one would speak about every index."""
    goal = problem.goal
    if any(s.decl.sort in ("index", "bound", "boundreal") for s in free_symbols(call)):
        return
    if any(key(call) in {key(t) for t in subterms(b)} for b in subterms(goal) if not isinstance(b, Rel) and binders(b)):
        return
    q, c = call.args
    if (q in (ZERO, ONE) and (q == ONE) == (call.name == "kl_upper")) or c == ZERO:
        yield f"{call} = {q}", ((_put(goal, call, q), ()),)
        return
    taken = {s.name for s in problem.symbols}
    b = Sym(Decl(next(n for k in range(1, 99) if (n := f"b{k}") not in taken), "real"))
    low, high = (q, b) if call.name == "kl_upper" else (b, q)
    known = (Rel(low, "<", high), Rel(ZERO, "<", b), Rel(b, "<", ONE), Rel(_kl(q, b), "=", c))
    yield f"{b} = {call}", (*_at_ends(goal, call, store), (_put(goal, call, b), (*known, *_inside(call))))


def _kl(q: Expr, p: Expr) -> Expr:
    """Return relative entropy for 0 < p < 1; at q in {0, 1} its definition has no value, since 0 log 0 = 0."""
    if q in (ZERO, ONE):
        return Neg(Call("log", (p if q == ONE else ONE + Neg(p),)))
    return Call("kl_bernoulli", (q, p))


def _at_ends(goal: Rel, call: Call, store: Store) -> tuple[Part, ...]:
    """Return the goals at the ends that hypotheses do not exclude."""
    (q, c), end = call.args, ONE if call.name == "kl_upper" else ZERO
    ends = (_put(goal, call, end), (Rel(q, "=", end),)), (_put(goal, call, q), (Rel(c, "=", ZERO),))
    return tuple(part for part, away in zip(ends, _inside(call), strict=True) if not store.follows(away))


def _inside(call: Call) -> tuple[Rel, ...]:
    q, c = call.args
    return (Rel(q, "<", ONE) if call.name == "kl_upper" else Rel(ZERO, "<", q)), Rel(ZERO, "<", c)


def _put(node: Rel, old: Expr, new: Expr) -> Rel:
    def swap(e: Expr | Rel) -> Expr | Rel:
        if not isinstance(e, Rel) and key(e) == key(old):
            return new
        kids = children(e)
        return rebuild(e, tuple(swap(c) for c in kids)) if kids else e  # type: ignore[arg-type, return-value]

    return swap(node)  # type: ignore[return-value]
