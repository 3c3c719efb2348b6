"""`entails`: does a relation follow from declarations, hypotheses and facts? Cheap rules first, then z3.

The answer is a `Row` (grade ``exact`` for the rules of `dltsym.prove.linear`, ``smt`` for z3) or None: unknown. A
proved relation holds wherever its two sides are defined; that they are is a matter for `dltsym.prove.definedness`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from dltsym.errors import UnknownNode
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.tree import Add, Call, Expr, Rel, Sum, Sym
from dltsym.notation.walk import digest, expand_lets, key, substitute
from dltsym.prove.atoms import Atoms, Known, Store, text
from dltsym.prove.axioms import about, monotone, ranges_of, stands, terms
from dltsym.prove.linear import QUICK, Scene, at_least, nonzero, refresh, sign_of
from dltsym.prove.polynomials import Mono, Poly, Ratio, add, constant, names, ratio_add, variable
from dltsym.prove.problem import Problem
from dltsym.prove.shapes import BASE, FULL, INTEGERS, ZERO, is_integer, usable
from dltsym.prove.signs_store import domains, extended, make_store, store_of
from dltsym.prove.verdict import Row, weakest

MAX_ATOMS = 60


@dataclass(frozen=True)
class Query:
    """One nested question; compared by its texts, so that answers can be remembered."""

    key: str
    store: Store
    level: int
    blocked: frozenset[str]
    deep: bool
    rel: Rel = field(compare=False)


def entails(rel: Rel, problem: Problem, local: tuple[Rel, ...] = (), *, deep: bool = True) -> Row | None:
    """Prove a relation from the declarations, hypotheses and facts of a problem.

    Parameters
    ----------
    rel : Rel
        Relation; let-names and derivatives are expanded.
    problem : Problem
        Where it has to follow from; its goal is not used, except that an index of the goal is one fixed index.
    local : tuple of Rel
        Further hypotheses, for example the range of a bound variable.
    deep : bool
        Whether z3 may be asked when the cheap rules do not decide.

    Returns
    -------
    Row or None
        The proof, or None: unknown (never "false").
    """
    return _entails(rel, store_of(problem), local, deep)


@lru_cache(maxsize=16384)
def _entails(rel: Rel, store: Store, local: tuple[Rel, ...], deep: bool) -> Row | None:
    try:
        rel = _normal(rel)
        store = extended(store, rel, tuple(map(_normal, local)))
        levels = [INTEGERS] if is_integer(rel.lhs) and is_integer(rel.rhs) else []
        grade = None
        for level in (*levels, BASE, FULL):  # the fewer facts, the faster
            grade = grade or ask(rel, store, level)
        grade = grade or (ask(rel, store, deep=True) if deep else None)
    except (UnknownNode, RecursionError):  # too deep a tree is as good as an unknown one
        return None
    if grade is None:
        return None
    return Row(str(rel), grade, "signs and bounds" if grade == "exact" else "z3")


def _normal(rel: Rel) -> Rel:
    return evaluate_derivatives(expand_lets(rel)).flipped()


def ask(
    rel: Rel, store: Store, level: int = FULL, blocked: frozenset[str] = frozenset(), deep: bool = False
) -> str | None:
    """Answer a question with a grade or None; answers are remembered.

    Parameters
    ----------
    rel : Rel
        Question, expanded.
    store : Store
        What is known.
    level : int
        Which relations may be used.
    blocked : frozenset of str
        Atoms whose axioms may not be used.
    deep : bool
        Whether z3 may be asked.

    Returns
    -------
    str or None
    """
    rel = rel.flipped()
    return _answer(Query(digest(key(rel), *domains([rel])), _narrowed(store, level), level, blocked, deep, rel))


@lru_cache(maxsize=4096)
def _narrowed(store: Store, level: int) -> Store:
    """Drop what a level may not use, so that its answers are shared by problems that differ in the rest only."""
    kept = [(name, r) for name, r in store.rels if usable(r, level)]
    return store if len(kept) == len(store.rels) else make_store(kept, store.fixed)


@lru_cache(maxsize=16384)
def _answer(query: Query) -> str | None:
    try:
        scene = build(query)
        poly = target(scene, query.rel)
        if decide(scene, poly, query.rel.op) or (compare(scene) and decide(scene, poly, query.rel.op)):
            return weakest(["exact", *scene.atoms.grades])
        if query.deep and query.level == FULL:
            from dltsym.prove.glue import follows

            return follows(query)
    except UnknownNode:
        return None
    return None


def build(query: Query) -> Scene:
    """Collect facts and ranges for a question.

    Parameters
    ----------
    query : Query
        Question.

    Returns
    -------
    Scene
    """
    scene = _known(query.store, query.level, query.blocked, query.deep).copy()
    atoms = scene.atoms
    atoms.ratio(Add((query.rel.lhs, query.rel.rhs)))
    if len(atoms.exprs) > len(atoms.gathered):
        gather(atoms)
        refresh(scene)
    return scene


@lru_cache(maxsize=2048)
def _known(store: Store, level: int, blocked: frozenset[str], deep: bool) -> Scene:
    """Collect what the relations of a store say, and what is known about their atoms: the same for many questions."""

    def prove(rel: Rel, local: tuple[Rel, ...], level: int, blocked: frozenset[str], z3: bool) -> str | None:
        return ask(rel, extended(store, rel, local), level, blocked, z3)

    atoms = Atoms(store, level, blocked, prove, deep and level == FULL)
    for name, rel in store.rels:
        if usable(rel, level) and stands(atoms, rel):
            assume(atoms, rel, name)
    gather(atoms)
    scene = Scene(atoms)
    refresh(scene)
    return scene


def assume(atoms: Atoms, rel: Rel, name: str, guard: frozenset[str] = frozenset()) -> None:
    """Add a relation to the facts; one that cannot be represented is left out (fewer facts prove less).

    Parameters
    ----------
    atoms : Atoms
        Context.
    rel : Rel
        Relation that holds.
    name : str
        Its name.
    guard : frozenset of str
        A symbol whose bound this is: a denominator in there may not rest on that bound, else the question would
        come back to itself for ever.
    """
    before = atoms.blocked
    atoms.blocked = before if usable(rel, BASE) else before | guard
    try:
        fact = atoms.known(rel, name)
    except UnknownNode:
        return
    finally:
        atoms.blocked = before
    if fact.op == ">" and atoms.integral(fact.poly):
        fact = Known(add(fact.poly, constant(1), -1), ">=", name)
    if fact.poly or fact.op in (">", "!="):
        atoms.facts.append(fact)


def gather(atoms: Atoms) -> None:
    """Add what is known about every atom that is new, and about the atoms that this brings in.

    Parameters
    ----------
    atoms : Atoms
        Context.
    """
    while todo := [n for n in atoms.exprs if n not in atoms.gathered][: MAX_ATOMS - len(atoms.gathered)]:
        for name in todo:
            atoms.gathered.add(name)
            for rel in about(atoms, name):
                declared = isinstance(atoms.exprs[name], Sym)
                kind = "declared" if declared else f"law of {atoms.exprs[name]}"
                assume(atoms, rel, f"{kind}: {rel}", frozenset((name,)) if declared else frozenset())
        for rel, e in terms(atoms):
            assume(atoms, rel, f"law of {e}: {rel}")


def compare(scene: Scene) -> bool:
    """Add order facts of increasing functions, and bounds of exp and log against 1 and 0, from what is known so far.

    Parameters
    ----------
    scene : Scene
        Context; its facts and ranges are updated.

    Returns
    -------
    bool
        Whether anything was added.
    """
    atoms = scene.atoms
    new: list[Known] = []
    for a, b in monotone(atoms):
        step = ratio_add(atoms.args[b][0], atoms.args[a][0], -1)
        new += _mirrored(scene, step, add(variable(b), variable(a), -1), "an increasing function")
    for name, e in atoms.exprs.items():
        if isinstance(e, Call) and e.name in ("exp", "log", "sqrt") and _may(atoms, name, e):
            shift = Ratio(constant(-1 if e.name == "log" else 0))
            value = add(variable(name), constant(1 if e.name == "exp" else 0), -1)
            new += _mirrored(scene, ratio_add(atoms.args[name][0], shift), value, f"{e} by its argument")
    if new:
        atoms.facts += new
        refresh(scene)
    return bool(new)


def _may(atoms: Atoms, name: str, e: Call) -> bool:
    """Whether laws of a partial function may be used for an atom: its domain is proved."""
    if e.name == "exp" or name in atoms.blocked:
        return name not in atoms.blocked
    return atoms.sub(Rel(ZERO, "<" if e.name == "log" else "<=", e.args[0]), name)


def _mirrored(scene: Scene, step: Ratio, value: Poly, name: str) -> list[Known]:
    """Return that `value` has the sign of `step` (both ways), if that sign is known."""
    poly = scene.atoms.cleared(step, "<=")
    for sign in (1, -1):
        signed = add({}, poly, sign)
        if at_least(scene, signed, False, QUICK):
            strict = at_least(scene, signed, True, QUICK)
            return [Known(add({}, value, sign), ">" if strict else ">=", name)]
    return []


def target(scene: Scene, rel: Rel) -> Poly:
    """Return ``rhs - lhs`` with denominators cleared.

    Parameters
    ----------
    scene : Scene
        Context; atoms that the difference brings in are added.
    rel : Rel
        Question.

    Returns
    -------
    Poly
    """
    atoms = scene.atoms
    poly = atoms.cleared(ratio_add(atoms.ratio(rel.rhs), atoms.ratio(rel.lhs), -1), rel.op)
    if any(n not in scene.bounds for n in names(poly)):
        gather(atoms)
        refresh(scene)
    return poly


def decide(scene: Scene, poly: Poly, op: str) -> bool:
    """Whether ``poly op 0`` is proved, where `op` reads as in ``rhs - lhs``: ``<=`` means ``poly >= 0``.

    Parameters
    ----------
    scene : Scene
        Facts and ranges.
    poly : Poly
        Difference of the two sides.
    op : str
        Relation.

    Returns
    -------
    bool
    """
    if op == "=":
        return not poly or (at_least(scene, poly, False) and at_least(scene, add({}, poly, -1), False))
    if op == "!=":
        return nonzero(scene, poly)
    return sign_of(scene, poly, op == "<") == 1 or _termwise(scene, poly, op == "<")


def _termwise(scene: Scene, poly: Poly, strict: bool) -> bool:
    """Whether sums over one range combine to a sum of terms of one sign, and the rest has that sign too."""
    atoms = scene.atoms
    groups: dict[tuple[str, str], list[tuple[Mono, Sum]]] = {}
    for mono in poly:
        sums = [(n, k, e) for n, k in mono if isinstance(e := atoms.exprs[n], Sum)]
        if len(sums) == 1 and sums[0][1] == 1 and len(sums[0][2].limits) == 1:
            ((_, lo, hi),) = sums[0][2].limits
            groups.setdefault((text(atoms.ratio(lo)), text(atoms.ratio(hi))), []).append((mono, sums[0][2]))
    for ends, group in groups.items():
        if len(group) > 1 and f"termwise {ends}" not in atoms.blocked:
            rest = {m: c for m, c in poly.items() if m not in dict(group)}
            body, local = _joint(scene, poly, group)
            if at_least(scene, rest, strict) and atoms.sub(Rel(ZERO, "<=", body), f"termwise {ends}", local):
                return True
    return False


def _joint(scene: Scene, poly: Poly, group: list[tuple[Mono, Sum]]) -> tuple[Expr, tuple[Rel, ...]]:
    """Write a combination of sums over one range as one body over the index of the first sum."""
    first = group[0][1]
    index = first.limits[0][0]
    terms: list[Expr] = []
    for mono, e in group:
        ((v, _, _),) = e.limits
        rest = tuple((n, k) for n, k in mono if scene.atoms.exprs[n] is not e)
        terms.append(scene.atoms.expr(((rest, poly[mono]),)) * substitute(e.body, {v: index}))
    return Add(tuple(terms)), ranges_of(first)
