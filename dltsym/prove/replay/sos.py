"""Certificates of sums of squares, and their replay: a refutation of hypotheses and negated goal by one identity.

Form (expressions are text over the names of the problem, numbers are text like ``3/8``)::

    {"kind": "sos",
     "sides": [{"rel": relation, "by": CERTIFICATE}, ...],  # side conditions; each may use those before it
     ...PROOF}
    PROOF = {"uses": [SOURCE, ...],                          # constraints 1, 2, ...; number 0 is the negated goal
             "terms": [{"of": [i, ...], "squares": [[weight, expression], ...]}, ...],
             "equal": [{"of": j, "by": expression}, ...]}
          | {"split": expression, "positive": PROOF, "zero": PROOF, "negative": PROOF}
    SOURCE = {"given": k} | {"fact": k} | {"given": k, "at": {index: expression}}
           | {"bound": symbol, "row": r} | {"law": name, "of": [expression, ...], "row": r} | {"case": depth}
             and "whole": true for ``a <= b - 1`` in place of ``a < b`` between integers

Every constraint is read here, from the problem or from the law that it names, as ``c >= 0``, ``c > 0`` or ``c = 0`` for
a polynomial c in the atoms (``c != 0`` as ``c**2 > 0``). The sum over the terms of ``prod c_i * sum weight*square**2``
plus ``sum c_j * by`` has to be the zero polynomial, although no term is negative and one of them is positive: a
product of constraints ``c > 0`` (or none) with a positive constant among its squares. So the constraints contradict
each other. The negated goal or a case has to take part: hypotheses that contradict each other prove nothing here. A
split proves the three cases of a sign; ``case`` is the sign assumed, counted from outside.

Partial terms (quotients, logs) must be defined: they stand in the problem, whose side conditions are proved apart from
this certificate, or their conditions follow from the hypotheses (`dltsym.prove.replay.defined`) and the `sides`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from flint import fmpq_mpoly

from dltsym.notation.parse import parse_expr, parse_relations
from dltsym.notation.tree import Expr, Neg, Rel, Sym
from dltsym.notation.walk import binders, children, key, substitute
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import Certificate, Rejected, replay
from dltsym.prove.replay.defined import gap
from dltsym.prove.replay.side import ZERO, Store, integral, with_facts
from dltsym.prove.replay.sos_laws import LAWS, at, indices, rows, whole
from dltsym.prove.replay.sos_terms import NIL, ONE, Ratio, Terms, constant

KIND = "sos"
_NEGATED = {"<=": "<", "<": "<=", "=": "!=", "!=": "="}


@dataclass(frozen=True)
class Constraint:
    """``poly op 0`` with `op` one of ``>=``, ``>``, ``=``."""

    poly: fmpq_mpoly
    op: str


@dataclass
class Context:
    """What a certificate may use: the problem, its names, facts for side conditions, and the atoms read so far."""

    problem: Problem
    store: Store
    names: Mapping[str, Sym]
    stated: frozenset[str]
    fixed: frozenset[Sym]
    terms: Terms = field(default_factory=Terms)
    cleared: dict[str, int] = field(default_factory=dict)
    open_signs: list[fmpq_mpoly] = field(default_factory=list)


def context(problem: Problem) -> Context:
    """Collect what may be used in a problem.

    Parameters
    ----------
    problem : Problem
        Prepared problem.

    Returns
    -------
    Context
    """
    goals = [problem.goal] if problem.written is None else [problem.goal, problem.written]
    fixed = indices(*goals)
    usable = [r for r in problem.known if indices(r) <= fixed]
    scalars = [s for s in problem.symbols if s.decl.sort != "index" or s in fixed]
    bounds = [b for s in scalars for b in declared_bounds(s)]
    stated = frozenset(k for r in (*goals, *usable) for k in _stated(r))
    return Context(problem, Store((*usable, *bounds)), {s.name: s for s in problem.symbols}, stated, fixed)


def _stated(node: Expr | Rel) -> Iterator[str]:
    """Yield the terms that stand in a relation outside of sums, integrals and limits."""
    if not isinstance(node, Rel):
        yield key(node)
    if not binders(node):
        for child in children(node):
            yield from _stated(child)


def source(ctx: Context, item: Mapping[str, Any]) -> Rel:
    """Return the relation that a source stands for, after its conditions are checked.

    Parameters
    ----------
    ctx : Context
        Context.
    item : mapping
        Source.

    Returns
    -------
    Rel

    Raises
    ------
    Rejected
        When the source gives no such relation.
    """
    rel = _named(ctx, item).flipped()
    if not item.get("whole"):
        return rel
    if rel.op != "<" or not integral(rel.lhs) or not integral(rel.rhs):
        raise Rejected("whole", f"{rel} is no strict relation between integers")
    return whole(rel)


def _named(ctx: Context, item: Mapping[str, Any]) -> Rel:
    kinds = [k for k in ("given", "fact", "bound", "law") if k in item]
    if len(kinds) != 1 or set(item) - {"given", "fact", "bound", "law", "row", "of", "at", "whole"}:
        raise Rejected("uses", f"no source: {dict(item)}")
    if kinds == ["bound"]:
        sym = ctx.names[item["bound"]]
        if sym.decl.sort == "index" and sym not in ctx.fixed:
            raise Rejected("uses", f"the range of {sym} may be empty")
        return declared_bounds(sym)[_row(item)]
    if kinds == ["law"]:
        if item["law"] not in LAWS:
            raise Rejected("law", f"unknown law {item['law']!r}")
        law = rows(item["law"], tuple(parse_expr(t, ctx.names) for t in item["of"]))[_row(item)]
        for rel, local in law.sides:
            if not with_facts(ctx.store, *local).follows(rel):
                raise Rejected("law", f"{law.rel} needs {rel}")
        return law.rel
    rels = ctx.problem.given if kinds == ["given"] else tuple(f.rel for f in ctx.problem.facts)
    number = item[kinds[0]]
    if type(number) is not int or not 0 <= number < len(rels):
        raise Rejected("uses", f"there is no {kinds[0]} {number!r}")
    rel = _instance(ctx, rels[number], item.get("at", {}))
    if not indices(rel) <= ctx.fixed:
        raise Rejected("uses", f"{rel} holds for every index in its range, which may be empty")
    return rel


def _row(item: Mapping[str, Any]) -> int:
    row = item.get("row", 0)
    if type(row) is not int or row < 0:
        raise Rejected("row", f"{row!r} is no row")
    return row


def _instance(ctx: Context, rel: Rel, values: Mapping[str, str]) -> Rel:
    """Put values for the indices of a hypothesis that holds for all of them."""
    images: dict[Sym, Expr] = {}
    every = indices(rel)
    for name, text in values.items():
        sym = at(rel, name)
        if sym is None:
            raise Rejected("at", f"{rel} has no index {name}")
        images[sym] = parse_expr(text, ctx.names)
    for sym, image in images.items():
        if not integral(image):
            raise Rejected("at", f"{image} is no integer by its form")
        for bound in declared_bounds(sym):
            if not ctx.store.follows(substitute(bound, images)):
                raise Rejected("at", f"{image} is not proved to be in the range of {sym}")
    if not every - set(images) <= ctx.fixed:
        raise Rejected("at", f"{rel} holds for every index in its range, which may be empty")
    return substitute(rel, images)


def polynomial(ctx: Context, rel: Rel) -> Constraint:
    """Read a relation as a constraint; denominators are cleared.

    Parameters
    ----------
    ctx : Context
        Context; atoms are added to it.
    rel : Rel
        Relation.

    Returns
    -------
    Constraint
    """
    rel = rel.flipped()
    poly = clear(ctx, ctx.terms.read(rel.rhs + Neg(rel.lhs)), rel.op in ("=", "!="))
    if rel.op == "!=":
        return Constraint(poly * poly, ">")
    return Constraint(poly, {"<": ">", "<=": ">=", "=": "="}[rel.op])


def clear(ctx: Context, r: Ratio, zeros: bool) -> fmpq_mpoly:
    """Return a polynomial with the zeros of a quotient, or with its sign.

    Parameters
    ----------
    ctx : Context
        Context.
    r : Ratio
        Quotient; its denominator does not vanish.
    zeros : bool
        Whether zeros are all that counts.

    Returns
    -------
    fmpq_mpoly
    """
    out = r.num
    for f, k in r.den if not zeros else ():
        if k % 2 and not ctx.terms.positive(f):
            name = str(f)
            if name not in ctx.cleared:
                tree = ctx.terms.tree(f)
                up, down = Rel(ZERO, "<", tree), Rel(tree, "<", ZERO)
                ctx.cleared[name] = 1 if ctx.store.follows(up) else -1 if ctx.store.follows(down) else 0
                if ctx.cleared[name] == 0:
                    ctx.open_signs.append(f)
            sign = ctx.cleared[name]
            out = out * f if sign == 0 else out * sign
    return out


def undefined(ctx: Context) -> Rel | None:
    """Return a side condition of the terms read so far that is neither stated nor follows, or None.

    Parameters
    ----------
    ctx : Context
        Context.

    Returns
    -------
    Rel or None
    """
    for name, e in ctx.terms.partial.items():
        missing = None if name in ctx.stated else gap(ctx.store, e)
        if missing is not None:
            return missing
    return None


def check(problem: Problem, certificate: Certificate) -> None:
    """Check a sum of squares certificate.

    Parameters
    ----------
    problem : Problem
        Problem; its goal is defined wherever the hypotheses hold.
    certificate : mapping
        Data of the form above.

    Raises
    ------
    Rejected
        When it is not a proof.
    """
    ctx = context(problem)
    for side in certificate.get("sides", ()):
        (rel,) = parse_relations(side["rel"], ctx.names)
        if not indices(rel) <= ctx.fixed:
            raise Rejected("sides", f"{rel} speaks about other indices than the goal")
        _readable(ctx, rel)
        nested = replace(problem, goal=rel.flipped(), written=None)
        replay(replace(nested, given=(*ctx.store.facts,)), side["by"])
        ctx.store = with_facts(ctx.store, rel)
    _prove(ctx, negation(problem.goal), certificate, ())
    missing = undefined(ctx)
    if missing is not None:
        raise Rejected("definedness", f"{missing} is not proved")


def negation(goal: Rel) -> Rel:
    """Return the relation that holds where the goal fails.

    Parameters
    ----------
    goal : Rel
        Goal with ``=``, ``!=``, ``<`` or ``<=``.

    Returns
    -------
    Rel
    """
    a, b = (goal.lhs, goal.rhs) if goal.op in ("=", "!=") else (goal.rhs, goal.lhs)
    return Rel(a, _NEGATED[goal.op], b)


def _readable(ctx: Context, rel: Rel) -> None:
    """Reject a side condition that may make no sense: its proof takes for granted that it does."""
    here = replace(ctx, terms=Terms())
    for e in (rel.lhs, rel.rhs):
        here.terms.read(e)
    missing = undefined(here)
    if missing is not None:
        raise Rejected("sides", f"{rel} needs {missing}")


def _prove(ctx: Context, negated: Rel, proof: Mapping[str, Any], cases: tuple[Constraint, ...]) -> None:
    if "split" in proof:
        poly = ctx.terms.polynomial(parse_expr(proof["split"], ctx.names))
        for name, case in (
            ("positive", Constraint(poly, ">")),
            ("zero", Constraint(poly, "=")),
            ("negative", Constraint(-poly, ">")),
        ):
            _prove(ctx, negated, proof[name], (*cases, case))
        return
    have = [polynomial(ctx, negated)]
    for item in proof["uses"]:
        if set(item) == {"case"}:
            depth = item["case"]
            if type(depth) is not int or not 0 <= depth < len(cases):
                raise Rejected("uses", f"there is no case {depth!r}")
            have.append(cases[depth])
        else:
            have.append(polynomial(ctx, source(ctx, item)))
    free = {0, *(k + 1 for k, item in enumerate(proof["uses"]) if set(item) == {"case"})}
    if not free & {k for item in (*proof["terms"], *proof["equal"]) for k in _numbers(item["of"])}:
        raise Rejected("identity", "the negated goal is not used: at best the hypotheses contradict each other")
    total, strict = NIL, False
    for term in proof["terms"]:
        part, positive = _term(ctx, have, term)
        total, strict = total + part, strict or positive
    for item in proof["equal"]:
        c = _constraint(have, item["of"])
        if c.op != "=":
            raise Rejected("equal", f"constraint {item['of']} is no equation")
        total += c.poly * ctx.terms.polynomial(parse_expr(item["by"], ctx.names))
    if not total.is_zero():
        raise Rejected("identity", "the terms do not cancel")
    if not strict:
        raise Rejected("identity", "no term is positive, so nothing is contradicted")


def _numbers(of: Any) -> tuple[Any, ...]:
    return tuple(of) if isinstance(of, list | tuple) else (of,)


def _constraint(have: list[Constraint], number: Any) -> Constraint:
    if type(number) is not int or not 0 <= number < len(have):
        raise Rejected("of", f"there is no constraint {number!r}")
    return have[number]


def _term(ctx: Context, have: list[Constraint], term: Mapping[str, Any]) -> tuple[fmpq_mpoly, bool]:
    product, strict = ONE, True
    for number in term["of"]:
        c = _constraint(have, number)
        if c.op == "=":
            raise Rejected("terms", f"constraint {number} is an equation")
        product, strict = product * c.poly, strict and c.op == ">"
    total, positive = NIL, False
    for weight, text in term["squares"]:
        w = Fraction(weight)
        if w < 0:
            raise Rejected("squares", f"the weight {weight} is negative")
        root = ctx.terms.polynomial(parse_expr(text, ctx.names))
        total += constant(w) * root * root
        positive |= w > 0 and root.is_constant() and not root.is_zero()
    return product * total, strict and positive
