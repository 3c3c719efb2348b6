"""z3 over abstracted atoms: the facts of a question as polynomials in real variables, and the negated question.

Every question has a z3 context of its own, so nothing leaks from one into the next. Integers are relaxed to
reals, which is sound for ``unsat``. A model is only a candidate: it may give ``exp(0)`` the value 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from dltsym.notation.tree import Sym
from dltsym.prove.atoms import Known
from dltsym.prove.glue_laws import constants, expand_laws
from dltsym.prove.linear import Scene, factored
from dltsym.prove.polynomials import Poly, names, text_of
from dltsym.prove.signs import Query, build, compare, target
from dltsym.prove.verdict import weakest

STEPS = 6_000_000  # z3 resource units, about two seconds; the same on every machine, unlike a timeout
SMALL, TINY = 250_000, 60_000
SAFETY = 3000  # milliseconds, for what z3 does not count
MOST_TRIES, MOST_TERMS = 24, 80
MOST_FACTS, SECONDS = 14, 0.5  # for identities: only what a linear program finds at once
_NEGATED = {"<=": "<", "<": "<=", "=": "!=", "!=": "="}


@dataclass(frozen=True)
class Answer:
    """What z3 said: ``unsat``, ``sat`` with values of the symbols, or ``unknown``.

    `core` tells of ``unsat`` which facts it needs, and writes the question with them in SMT-LIB, for any solver to be
    asked again; that takes longer than the answer.
    """

    status: str
    model: dict[str, Fraction] = field(default_factory=dict)
    grade: str = "smt"
    needs: tuple[str, ...] = ()
    core: Callable[[], tuple[tuple[str, ...], str]] = lambda: ((), "")


def follows(query: Query) -> str | None:
    """Decide a nested question by z3 with a small budget.

    Parameters
    ----------
    query : Query
        Question.

    Returns
    -------
    str or None
        ``exact`` if an identity shows it, else ``smt`` (both or weaker, by its rows), or None for unknown.
    """
    scene, poly, facts = _prepared(query, False)
    negated = poly, _NEGATED[query.rel.op]
    encoded = _encode(facts, negated)
    if _run(encoded, range(len(facts)), SMALL)[0] != "unsat":
        return None
    return weakest(["exact" if _identity(facts, negated, encoded) else "smt", *scene.atoms.grades])


def _identity(facts: list[Known], negated: tuple[Poly, str], encoded: _Encoded) -> bool:
    """Whether a small sum of squares identity shows the contradiction that z3 has found."""
    from dltsym.prove.sos import LINEAR, of_polynomials, refutation

    needed = _core(facts, encoded, TINY)
    poly, op = negated
    parts = [f for f, _ in factored(poly)[1]] if op == "=" else [poly]  # one of the factors would vanish

    def shown(part: Poly, few: list[Known]) -> bool:
        constraints = of_polynomials([(part, op), *((f.poly, f.op) for f in few)])
        return constraints is not None and refutation(constraints, SECONDS, LINEAR) is not None

    choices = ([f for f in facts if f.name in needed], facts[:MOST_FACTS])
    return bool(parts) and all(any(shown(part, few) for few in choices) for part in parts)


def solve(query: Query, expand: bool = False) -> Answer:
    """Ask z3 whether the facts of a question force it.

    Parameters
    ----------
    query : Query
        Question.
    expand : bool
        Use the definitions of defined functions and the laws of products of exp and log.

    Returns
    -------
    Answer
    """
    scene, poly, facts = _prepared(query, expand)
    negated = poly, _NEGATED[query.rel.op]
    encoded = _encode(facts, negated)
    status, values = _run(encoded, range(len(facts)), STEPS)
    scalars = {n: e.name for n, e in scene.atoms.exprs.items() if isinstance(e, Sym)}
    model = {scalars[n]: v for n, v in values.items() if n in scalars}

    def core() -> tuple[tuple[str, ...], str]:
        needed = _core(facts, encoded, TINY)
        return needed, smtlib([f for f in facts if f.name in needed], negated, scene)

    return Answer(status, model, weakest(["smt", *scene.atoms.grades]), tuple(scene.atoms.needs), core)


def smtlib(facts: list[Known], negated: tuple[Poly, str], scene: Scene) -> str:
    """Write a question in SMT-LIB, with a comment for each atom and fact.

    Parameters
    ----------
    facts : list of Known
        Facts.
    negated : tuple of (Poly, str)
        Negated goal.
    scene : Scene
        What the atoms stand for.

    Returns
    -------
    str
    """
    import z3

    ctx, reals = z3.Context(), dict[str, Any]()
    rows = [(f.name, _relation(f.poly, f.op, reals, ctx)) for f in facts] + [
        ("the negated goal", _relation(*negated, reals, ctx))
    ]
    atoms = [f"(declare-const {x} Real) ; {scene.atoms.exprs.get(n, n)}" for n, x in reals.items()]
    asserted = [f"; {name}\n(assert {rel.sexpr()})" for name, rel in rows]
    return "\n".join(["(set-logic QF_NRA)", *atoms, *asserted, "(check-sat)"])


def model(query: Query) -> dict[str, Fraction]:
    """Return values of symbols and terms that the facts of a question allow although its relation fails there.

    Parameters
    ----------
    query : Query
        Question.

    Returns
    -------
    dict of str to Fraction
        By the text of each symbol and term; empty when z3 finds none.
    """
    scene, poly, facts = _prepared(query, False)
    status, values = check(facts, (poly, _NEGATED[query.rel.op]), STEPS)
    return {str(e): values[n] for n, e in scene.atoms.exprs.items() if status == "sat" and n in values}


def _prepared(query: Query, expand: bool) -> tuple[Scene, Poly, list[Known]]:
    scene = build(replace(query, deep=True))
    poly = target(scene, query.rel)
    compare(scene)
    if expand:
        expand_laws(scene)
    return scene, poly, relevant([*scene.atoms.facts, *constants(scene)], poly)


def contradiction(query: Query) -> tuple[str, ...]:
    """Find a contradictory set of facts, none of which can be left out; empty if there is none or z3 cannot say.

    Parameters
    ----------
    query : Query
        Its store is searched; its relation only brings in symbols.

    Returns
    -------
    tuple of str
        Names of the facts.
    """
    scene = build(replace(query, deep=True))
    compare(scene)
    facts = [*scene.atoms.facts, *constants(scene)]
    status, _ = check(facts, None, SMALL)
    return minimal(facts, None, SMALL) if status == "unsat" else ()


def minimal(facts: list[Known], negated: tuple[Poly, str] | None, steps: int) -> tuple[str, ...]:
    """Leave out facts of a contradiction one name at a time, the last ones first; return the names that are needed.

    Parameters
    ----------
    facts : list of Known
        Contradictory facts.
    negated : tuple of (Poly, str) or None
        Negated goal.
    steps : int
        z3 resource limit of each try; what is not decided within it is kept.

    Returns
    -------
    tuple of str
    """
    return _core(facts, _encode(facts, negated), steps)


def _core(facts: list[Known], encoded: _Encoded, steps: int) -> tuple[str, ...]:
    core = list(range(len(facts)))
    for name in list(dict.fromkeys(f.name for f in reversed(facts)))[:MOST_TRIES]:
        fewer = [k for k in core if facts[k].name != name]
        if _run(encoded, fewer, steps, quick=True)[0] == "unsat":
            core = fewer
    return tuple(dict.fromkeys(facts[k].name for k in core))


def relevant(facts: list[Known], poly: Poly) -> list[Known]:
    """Drop the facts that share no atom with the goal, directly or through other facts, long ones and repetitions.

    Parameters
    ----------
    facts : list of Known
        Facts.
    poly : Poly
        Goal.

    Returns
    -------
    list of Known
    """
    reached, kept = set(names(poly)), [False] * len(facts)
    grown = True
    while grown:
        grown = False
        for k, fact in enumerate(facts):
            if kept[k] or len(fact.poly) > MOST_TERMS:
                continue
            own = set(names(fact.poly))
            if not own or own & reached:
                kept[k] = grown = True
                reached |= own
    unique = {(text_of(f.poly), f.op): f for f, keep in reversed([*zip(facts, kept, strict=True)]) if keep}
    return list(reversed(unique.values()))


def check(
    facts: list[Known], negated: tuple[Poly, str] | None, steps: int, quick: bool = False
) -> tuple[str, dict[str, Fraction]]:
    """Run z3 on facts and a negated goal.

    Parameters
    ----------
    facts : list of Known
        What holds.
    negated : tuple of (Poly, str) or None
        ``poly op 0`` as it is asserted.
    steps : int
        Resource limit.
    quick : bool
        Do without the general solver.

    Returns
    -------
    status : {"unsat", "sat", "unknown"}
        Verdict of z3.
    model : dict
        Values of the atoms for ``sat``.
    """
    return _run(_encode(facts, negated), range(len(facts)), steps, quick)


@dataclass(frozen=True)
class _Encoded:
    """Facts and a negated goal as terms of one z3 context, which takes longer to build than most answers take."""

    ctx: Any
    reals: dict[str, Any]
    facts: tuple[Any, ...]
    negated: tuple[Any, ...]


def _encode(facts: list[Known], negated: tuple[Poly, str] | None) -> _Encoded:
    import z3

    ctx, reals = z3.Context(), dict[str, Any]()
    rows = tuple(_relation(f.poly, f.op, reals, ctx) for f in facts)
    return _Encoded(ctx, reals, rows, () if negated is None else (_relation(*negated, reals, ctx),))


def _run(encoded: _Encoded, chosen: Iterable[int], steps: int, quick: bool = False) -> tuple[str, dict[str, Fraction]]:
    import z3

    ctx, relations = encoded.ctx, [*(encoded.facts[k] for k in chosen), *encoded.negated]
    # nlsat first: tracked assertions would keep z3 from its preprocessing, so the core is found by leaving facts out
    for solver in (z3.Tactic("qfnra-nlsat", ctx=ctx).solver(), *(() if quick else (z3.Solver(ctx=ctx),))):
        solver.set("rlimit", steps)
        solver.set("timeout", SAFETY)
        solver.add(*relations)
        status = str(solver.check())
        if status == "sat":
            model = solver.model()
            return status, {n: _value(model.eval(x, model_completion=True)) for n, x in encoded.reals.items()}
        if status == "unsat":
            return status, {}
    return "unknown", {}


def _relation(poly: Poly, op: str, reals: dict[str, Any], ctx: Any) -> Any:
    import z3

    terms = []
    for mono, c in sorted(poly.items()):
        term = z3.RealVal(str(c), ctx)
        for name, k in mono:
            x = reals.setdefault(name, z3.Real(f"x{len(reals)}", ctx))
            for _ in range(k):
                term = term * x
        terms.append(term)
    total = z3.Sum(terms) if len(terms) > 1 else terms[0] if terms else z3.RealVal(0, ctx)
    zero = z3.RealVal(0, ctx)
    return {
        ">=": total >= zero,
        ">": total > zero,
        "<=": total <= zero,
        "<": total < zero,
        "=": total == zero,
        "!=": total != zero,
    }[op]


def _value(x: Any) -> Fraction:
    """Read a value of a model; an algebraic number is rounded to 60 bits."""
    import z3

    if z3.is_algebraic_value(x):
        x = x.approx(18)
    return Fraction(int(x.numerator_as_long()), int(x.denominator_as_long()))


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version of z3.

    Returns
    -------
    str
    """
    import z3

    return z3.get_version_string()
