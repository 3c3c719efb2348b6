"""Certificates of the derivative ladder, and their replay.

Form (all expressions are text in the grammar, over the names of the problem and the cells of ``names``)::

    {"kind": "ladder",
     "names": {cell: term}, "instances": ..., "known": ...,         # only where needed, see `setting`
     "before": [LEMMA, ...],     # facts for the reduction
     "reduction": {"how": "difference"}                             # f = rhs - lhs
                | {"how": "product", "factor": SIGN}                # rhs - lhs = factor * f, factor > 0
                | {"how": "logs", "lhs": SIGN, "rhs": SIGN},        # f = log(rhs) - log(lhs), both sides > 0
     "function": f, "variable": x, "contact": c,
     "domain": [relation, ...],  # bounds of x by terms free of x: an interval D with every admissible x, and with c in
                                 # it (a bound that equals c is not strict)
     "inside": [LEMMA, ...],     # facts free of x, for the contact
     "at": VALUE,                # f(c) >= 0
     "lemmas": [LEMMA, ...],     # facts on all of D
     "sides": [{"side": "right" | "left",
                "closed": [LEMMA, ...], "open": [LEMMA, ...],       # facts on this side with and without the contact
                "levels": [{"factor": SIGN, "rest": h, "value": VALUE, "isolated": [ISOLATED, ...]}, ...],
                "leaf": SIGN, "isolated": [ISOLATED, ...]           # or, in place of a leaf:
                "concave": {"near": VALUE, "far": VALUE, "bend": SIGN, "lemmas": [LEMMA, ...]}}]}

Lists of lemmas and `isolated` are left out when empty. Level 0 has ``g = f``. On each level ``g = factor * rest``
identically with ``factor >= 0``, ``rest(c) >= 0`` is `value`, and the next ``g`` is ``d rest/dx`` on the right side and
``-d rest/dx`` on the left, as `dltsym.notation.calculus.derivative` writes it; it is not stored. The last ``g`` is the
product of `leaf`, and ``>= 0`` (content 0: the derivative vanishes). With `concave` the ``rest`` of the last level is
concave up to the only other end e of D on that side: `bend` is the product that equals ``-d2 rest/dx2`` and `far` shows
``rest(e) >= 0``; that level has no `value` but `near`. A strict claim needs strict signs, or above level 0 signs that
vanish at isolated points only: ISOLATED is ``{"factor": k, "term": t, "power": n, "sign": SIGN}``, where factor k is a
polynomial in the one-to-one function t of x, whose coefficient of t**n has a strict sign and is free of x.

SIGN is the product ``content * prod poly**power`` with proofs of its factors' signs, see `dltsym.prove.replay.signs`
(`signs.product` gives its tree). VALUE is ``"zero"`` (an identity), ``"ball"`` (a closed constant) or a SIGN. LEMMA is
``{"rel": relation, "sign": SIGN}``: the SIGN of rhs - lhs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.notation.calculus import derivative
from dltsym.notation.evaluate import evaluate
from dltsym.notation.tree import Call, Expr, Neg, Rel, Sym
from dltsym.notation.walk import free_symbols, substitute
from dltsym.prove.problem import Problem
from dltsym.prove.replay import plain
from dltsym.prove.replay.place import Place, need, need_defined, need_zero, only
from dltsym.prove.replay.series import need_slope
from dltsym.prove.replay.setting import FIELDS, setting
from dltsym.prove.replay.side import Store, with_facts
from dltsym.prove.replay.signs import check_each, combined, lemmas, product, prove, signed_poly
from dltsym.prove.replay.substitution import Signed

KIND = "ladder"
PARTS = ("contact", "domain", "inside", "at", "lemmas", "sides")
Json = Mapping[str, Any]
PRECISIONS, MAX_LEVELS = (64, 256), 10


@dataclass(frozen=True)
class _Limit:
    """A bound of the variable: lower for side 1, upper for -1; `end` is free of the variable."""

    side: int
    end: plain.Poly
    strict: bool


@dataclass(frozen=True)
class _Ladder:
    """What all parts of one certificate share: `base` holds at the contact, `whole` on the interval."""

    var: Sym
    contact: Expr
    limits: tuple[_Limit, ...]
    rels: tuple[Rel, ...]
    base: Place
    whole: Place
    strict: bool


def check(problem: Problem, certificate: Json) -> None:
    """Replay a ladder.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, *FIELDS, "before", "reduction", "function", "variable", *PARTS)
    here = setting(problem, certificate)
    goal, place = here.goal, here.place
    need(goal.op in ("<", "<="), "a ladder proves an inequality")
    var = place.names[certificate["variable"]]
    need(isinstance(var, Sym) and var.decl.sort == "real", "the variable is no real scalar")
    assert isinstance(var, Sym)
    f = place.read(certificate["function"])
    _reduction(goal, f, certificate["reduction"], lemmas(certificate.get("before", []), place))
    ladder = _ladder(var, certificate, place, goal.op == "<")
    need_defined(f, ladder.whole)
    at = _value(f, certificate["at"], ladder.contact, ladder)
    need(at.strict or not ladder.strict or _excluded(ladder, place.store), "equality at the contact is not excluded")
    sides = {s["side"]: s for s in certificate["sides"]}
    need(len(sides) == len(certificate["sides"]) and set(sides) <= {"right", "left"}, "sides are right and left")
    for name, way in (("right", 1), ("left", -1)):
        need(name in sides or _at_end(ladder, way), f"the {name} side is missing")
        if name in sides:
            _side(f, sides[name], way, ladder)


def _reduction(goal: Rel, f: Expr, how: Json, place: Place) -> None:
    """Check that the goal holds wherever ``f >= 0`` (``> 0``) does."""
    gap = goal.rhs + Neg(goal.lhs)
    need_defined(gap, place)
    if how["how"] == "difference":
        only(how, "how")
        need_zero(gap + Neg(f), place, "the function is not the difference of the sides")
    elif how["how"] == "product":
        only(how, "how", "factor")
        got = combined(how["factor"], check_each(how["factor"], place))
        need(got.positive and got.strict, "the factor is not shown to be positive")
        need_defined(f, place)
        times = f * product(how["factor"], place.names)
        need_zero(gap + Neg(times), place, "the function times the factor is not the difference of the sides")
    else:
        only(how, "how", "lhs", "rhs")
        need(how["how"] == "logs", "an unknown reduction")
        for side, sign in ((goal.lhs, how["lhs"]), (goal.rhs, how["rhs"])):
            got = prove(side, sign, place)
            need(got.positive and got.strict, f"{side} is not shown to be positive")
        logs = Call("log", (goal.rhs,)) + Neg(Call("log", (goal.lhs,)))
        need_defined(f, place)
        need_zero(logs + Neg(f), place, "the function is not the difference of the logarithms")


# ---- the interval ----


def without(var: Sym, place: Place) -> Store:
    """Return the facts that hold with the variable left out: those free of it, and ``l < u`` from ``l < x < u``.

    Parameters
    ----------
    var : Sym
        Variable.
    place : Place
        Where.

    Returns
    -------
    Store
    """
    free = [r for r in place.store.facts if var not in free_symbols(r)]
    known = [limit for r in place.store.facts for limit in _limits(r, var, place)]
    low, high = ([k for k in known if k.side == s] for s in (1, -1))
    for a in low:  # an admissible value lies between all its limits
        for b in high:
            ends = (plain.tree(e.end, place.store.atoms) for e in (a, b))
            free.append(Rel(next(ends), "<" if a.strict or b.strict else "<=", next(ends)))
    return Store(tuple(free))


def _ladder(var: Sym, certificate: Json, place: Place, strict: bool) -> _Ladder:
    """Read the interval: every limit is a fact about the variable, perhaps made closed, and holds at the contact."""
    base = lemmas(certificate.get("inside", []), Place(place.names, without(var, place)))
    contact = base.expr(certificate["contact"])
    need(var not in free_symbols(contact), "the contact moves with the variable")
    known = [limit for r in place.store.facts for limit in _limits(r, var, place)]
    rels = [place.rel(text) for text in certificate["domain"]]
    limits: list[_Limit] = []
    for rel in rels:
        found = _limits(rel, var, place)
        need(len(found) == 1 and any(_implies(k, found[0]) for k in known), f"{rel} is not known")
        need(base.store.follows(substitute(rel, {var: contact})), f"the contact is not shown to satisfy {rel}")
        limits += found
    whole = lemmas(certificate.get("lemmas", []), Place(place.names, with_facts(base.store, *rels)))
    return _Ladder(var, contact, tuple(limits), tuple(rels), base, whole, strict)


def _limits(rel: Rel, var: Sym, place: Place) -> list[_Limit]:
    """Read a relation as limits of the variable: linear in it with a rational coefficient; else nothing."""
    atoms: dict[str, Expr] = {}
    poly = plain.read(rel.rhs + Neg(rel.lhs), atoms)
    place.store.atoms.update(atoms)
    mono = ((plain.term(var), 1),)
    c = poly.get(mono)
    rest = {m: v for m, v in poly.items() if m != mono}
    if c is None or rel.op == "!=" or any(var in free_symbols(atoms[a]) for m in rest for a, _ in m):
        return []
    limit = _Limit(1 if c > 0 else -1, plain.scaled(rest, -1 / c), rel.op == "<")
    return [limit] if rel.op != "=" else [limit, _Limit(-limit.side, limit.end, False)]


def _implies(known: _Limit, said: _Limit) -> bool:
    return (known.side, known.end) == (said.side, said.end) and (known.strict or not said.strict)


def _at_end(ladder: _Ladder, way: int) -> bool:
    """Whether nothing lies beyond the contact, to the right for 1."""
    return any(k.side == -way and k.end == plain.read(ladder.contact) for k in ladder.limits)


def _excluded(ladder: _Ladder, store: Store) -> bool:
    """Whether a fact says that the variable is not at the contact."""
    gap = plain.read(ladder.var + Neg(ladder.contact))
    return any(
        plain.read(r.rhs + Neg(r.lhs)) in (gap, plain.scaled(gap, Fraction(-1)))
        for r in store.facts
        if r.op in ("<", "!=")
    )


def _value(h: Expr, value: Any, point: Expr, ladder: _Ladder) -> Signed:
    """Check that a function, defined at a point, is not negative there."""
    here = substitute(h, {ladder.var: point})
    if value == "zero":
        need_zero(here, ladder.base, f"{here} = 0 is not an identity")
        return Signed(True, False)
    if value == "ball":
        need(not free_symbols(here), f"{here} is no constant")
        ball = (evaluate(here, {}, bits) for bits in PRECISIONS)
        need(any(b.is_finite() and b > 0 for b in ball), f"{here} is not separated from 0")
        return Signed(True, True)
    got = prove(here, value, ladder.base)
    need(got.positive, f"{here} has the wrong sign")
    return got


# ---- one side ----


def _side(f: Expr, side: Json, way: int, ladder: _Ladder) -> None:
    """Climb one side of the contact: ``f >= 0`` there, off the contact."""
    only(side, "side", "closed", "open", "levels", "leaf", "isolated", "concave")
    need(0 < len(side["levels"]) + ("leaf" in side) <= MAX_LEVELS and ("leaf" in side) != ("concave" in side), "no end")
    on, off = (Rel(ladder.contact, op, ladder.var) for op in ("<=", "<"))
    if way < 0:
        on, off = (Rel(ladder.var, op, ladder.contact) for op in ("<=", "<"))
    closed = lemmas(side.get("closed", []), Place(ladder.whole.names, with_facts(ladder.whole.store, on)))
    opened = lemmas(side.get("open", []), Place(closed.names, with_facts(closed.store, off)))
    g, strict = f, ladder.strict
    for k, level in enumerate(side["levels"]):
        last = k + 1 == len(side["levels"]) and "concave" in side
        only(level, "factor", "rest", "isolated", *(() if last else ("value",)))
        _positive(level["factor"], level.get("isolated", []), strict, k, ladder.var, opened)
        rest = closed.expr(level["rest"])
        need_zero(g + Neg(rest * product(level["factor"], opened.names)), opened, f"level {k} is not factor * rest")
        if last:
            _concave(rest, side["concave"], way, strict, ladder, opened)
            return
        strict &= not _value(rest, level["value"], ladder.contact, ladder).strict
        slope = derivative(rest, ladder.var)
        need_defined(slope, opened)
        need_slope(rest, slope, ladder.var, opened)
        g = slope if way > 0 else Neg(slope)
    need("leaf" in side, "the ladder has no end")
    _positive(side["leaf"], side.get("isolated", []), strict, len(side["levels"]), ladder.var, opened)
    need_zero(g + Neg(product(side["leaf"], opened.names)), opened, "the leaf is not the last derivative")


def _positive(sign: Json, isolated: list[Json], strict: bool, level: int, var: Sym, place: Place) -> None:
    """Check that a product is never negative; if strict also that it does not vanish, or at isolated points only."""
    each = check_each(sign, place)
    got = combined(sign, each)
    need(got.positive, "a product is negative")
    apart = {item["factor"] for item in isolated}
    need(not apart or (strict and level > 0 and len(apart) == len(isolated)), "needless isolated zeros")
    for item in isolated:
        need(not each[item["factor"]].strict, "needless isolated zeros")
        _isolated(sign["factors"][item["factor"]]["poly"], item, var, place)
    need(
        not strict or (bool(each) and all(s.strict or k in apart for k, s in enumerate(each))) or got.strict,
        "not strict",
    )


def _isolated(text: str, item: Json, var: Sym, place: Place) -> None:
    """Check that a polynomial vanishes at isolated values of the variable only, whatever the others are."""
    only(item, "factor", "term", "power", "sign")
    term = place.expr(item["term"])
    inner = term.args[0] if isinstance(term, Call) and term.name in ("exp", "log", "sqrt") else term
    linear = {m: c for m, c in plain.read(inner).items() if any(a == plain.term(var) for a, _ in m)}
    atoms: dict[str, Expr] = {}
    plain.read(inner, atoms)
    simple = list(linear) == [((plain.term(var), 1),)] and not any(
        var in free_symbols(e) for a, e in atoms.items() if a != plain.term(var)
    )
    need(simple, f"{term} is no one-to-one function of {var}")
    name, part, atoms = plain.term(term), {}, {}
    for mono, c in plain.read(place.read(text), atoms).items():
        powers = dict(mono)
        if powers.pop(name, 0) == item["power"]:
            part[tuple(sorted(powers.items()))] = c
    need(not any(var in free_symbols(e) for a, e in atoms.items() if a != name), f"{text} is not made of {term} alone")
    need(signed_poly(part, item["sign"], place).strict, "the coefficient may vanish")


def _concave(h: Expr, end: Json, way: int, strict: bool, ladder: _Ladder, opened: Place) -> None:
    """Check that a function is concave from the contact to the other end, and not negative at both."""
    only(end, "near", "far", "bend", "lemmas")
    others = [k for k in ladder.limits if k.side == -way]
    need(len(others) == 1, "there is not exactly one other end")
    far = plain.tree(others[0].end, ladder.whole.store.atoms)
    _value(h, end["near"], ladder.contact, ladder)
    ends = (ladder.contact, ladder.var, far) if way > 0 else (far, ladder.var, ladder.contact)
    near = [r for r, k in zip(ladder.rels, ladder.limits, strict=True) if k.side == way]  # they hold beyond the contact
    between = (*near, Rel(ends[0], "<=", ends[1]), Rel(ends[1], "<=", ends[2]))
    segment = Place(ladder.base.names, with_facts(ladder.base.store, *between))
    need_defined(h, lemmas(end.get("lemmas", []), segment))
    need(_value(h, end["far"], far, ladder).strict or not strict, "the value at the other end is not shown to be > 0")
    slope = derivative(h, ladder.var)
    bend = derivative(slope, ladder.var)
    for f, df in ((h, slope), (slope, bend)):
        need_defined(df, opened)
        need_slope(f, df, ladder.var, opened)
    need(prove(Neg(bend), end["bend"], opened).positive, "the function is not shown to be concave")
