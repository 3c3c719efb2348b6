"""What a step claims, as theorems: scalars only, defined functions expanded, and every condition of definedness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError
from dltsym.formal import points
from dltsym.formal.ladders import Setting, Side, climb
from dltsym.formal.lemmas import equation, gap_of, lemma, nonnegative, relation, slope
from dltsym.formal.proof import Proof, Unproved
from dltsym.formal.text import Refused, coq, coq_rel, whole
from dltsym.notation.calculus import derivative
from dltsym.notation.evaluate import holds
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Call, Diff, Expr, Integral, Limit, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, key, subterms, transform
from dltsym.prove.definedness import conditions
from dltsym.prove.domains import closed_at, domain
from dltsym.prove.engines import boundary, ladder
from dltsym.prove.engines.smt import unsatisfiable
from dltsym.prove.flatten import flatten
from dltsym.prove.problem import Problem

ZERO = Num(Fraction(0))
NEVER = (Diff, Integral, Limit, Sum)


@dataclass(frozen=True)
class Claim:
    """One theorem: for all `symbols` under `given`, `goal` holds and all `rows` (which make it meaningful) hold.

    With `var`, the goal ``f = d`` says that d is the derivative of f with respect to it.
    """

    symbols: tuple[Sym, ...]
    given: tuple[Rel, ...]
    goal: Rel
    rows: tuple[Rel, ...]
    var: Sym | None = None

    def conclusion(self) -> str:
        """Return the conclusion as Coq text.

        Returns
        -------
        str
        """
        if self.var is None:
            return coq_rel(self.goal)
        x = coq(self.var)
        return f"(is_derive (fun {x} : R => {coq(self.goal.lhs)}) {x} {coq(self.goal.rhs)})"


def claims(problem: Problem) -> tuple[Claim, ...]:
    """Return the theorems that together state a problem: one, or the cases of a symbol with closed ends.

    Parameters
    ----------
    problem : Problem
        Prepared problem.

    Returns
    -------
    tuple of Claim

    Raises
    ------
    Refused
        For a node that is not exported; the message names it.
    """
    match problem.written:
        case Rel(Diff(body, Sym() as var, 1), "=", value) if not _has(body, Diff) and not _has(value, Diff):
            return (_slope(problem, body, var, value),)
        case Rel() as written if _has(written, Diff):
            slopes = tuple(_slopes(problem, written))
            return (*slopes, *claims(replace(problem, written=None)))
    for rel in (problem.goal, *([problem.written] if problem.written is not None else [])):
        for t in subterms(rel):
            if isinstance(t, NEVER):
                raise Refused(f"the node {type(t).__name__} is not exported ({t})")
    return tuple(_claim(case) for case in _cases(problem))


def _has(node: Expr | Rel, kind: type) -> bool:
    return any(isinstance(t, kind) for t in subterms(node))


def _slope(problem: Problem, body: Expr, var: Sym, value: Expr) -> Claim:
    found = claims(replace(problem, goal=Rel(body, "=", value), written=None))
    mine = [s for s in found[0].symbols if s.name == var.name]
    if len(found) != 1 or not mine:
        raise Refused(f"the node Diff is not exported ({Diff(body, var)})")
    return replace(found[0], var=mine[0])


def _slopes(problem: Problem, written: Rel) -> Iterator[Claim]:
    # Derivatives have been carried out in the goal; here each of them is stated. A second derivative is the derivative
    # of the first, which therefore has to be known around the point: the bounds have to be strict.
    done: dict[str, Claim] = {}

    def carry_out(e: Expr) -> Expr:
        if not isinstance(e, Diff):
            return e
        if not isinstance(e.var, Sym):
            raise Refused(f"the node Diff is not exported ({e})")
        body = e.body
        for _ in range(e.order):
            value = derivative(body, e.var)
            done.setdefault(key(Diff(body, e.var)), _slope(problem, body, e.var, value))
            body = value
        return body

    if key(transform(written, carry_out).flipped()) != key(problem.goal):
        raise Refused(f"the node Diff is not exported ({written})")
    if len(done) > 1:
        for c in done.values():
            if any(g.op in ("<=", "=") and c.var in free_symbols(g) for g in c.given):
                raise Refused("the node Diff of second order is not exported on a closed domain")
    yield from done.values()


def _cases(problem: Problem) -> Iterator[Problem]:
    sym = boundary.candidate(problem)
    if sym is None:
        yield problem
        return
    for _, case in boundary.cases(problem, sym):
        yield from _cases(case)


def _claim(problem: Problem) -> Claim:
    flat = flatten(problem)
    coq_rel(flat.goal)
    given = tuple(r for r in map(Rel.flipped, flat.given) if _readable(r))
    symbols = sorted({s for r in (flat.goal, *given) for s in free_symbols(r)}, key=lambda s: s.name)
    rows = {key(r): r for rel in (flat.goal, *given) for r in needs(rel)}
    return Claim(tuple(symbols), given, flat.goal.flipped(), tuple(rows.values()))


def _readable(rel: Rel) -> bool:
    try:
        coq_rel(rel)
    except Refused:
        return False
    return True


def needs(rel: Rel) -> Iterator[Rel]:
    """Yield what makes every subterm of a relation defined; a power with a symbolic exponent needs a positive base.

    Parameters
    ----------
    rel : Rel
        Relation of whitelisted nodes.

    Yields
    ------
    Rel
    """
    for c in conditions(rel):
        yield c.rel.flipped()
    for t in subterms(rel):
        if isinstance(t, Pow) and whole(t.exponent) is None:
            yield Rel(ZERO, "<", t.base)


def prove(claim: Claim, name: str, evidence: Mapping[str, Any]) -> str:
    """Return the Coq text that proves a claim and its definedness.

    Parameters
    ----------
    claim : Claim
        What to prove.
    name : str
        Name of the theorem.
    evidence : mapping
        Evidence of the verdict; a ladder names its variable and contact there.

    Returns
    -------
    str

    Raises
    ------
    Unproved
        When the exporter finds no proof.
    """
    found = points.find(claim.given, claim.symbols)
    for point in found if claim.var is None else ():
        if holds(claim.goal, point) is False:
            raise Unproved(f"the claim {claim.goal} is false at {dict(point)}")
    if not found and unsatisfiable(Problem(claim.goal, claim.given)):  # a case that does not occur
        texts = {f"{name}_defined_{k}": coq_rel(row) for k, row in enumerate(claim.rows)}
        texts |= {name: claim.conclusion()}
        return "\n".join(lemma(n, claim.symbols, claim.given, t, lambda _p: "exfalso; lra") for n, t in texts.items())
    rows = [
        lemma(f"{name}_defined_{k}", claim.symbols, claim.given, coq_rel(row), lambda p, row=row: _defined(p, row))
        for k, row in enumerate(claim.rows)
    ]
    return "\n".join([*rows, *_theorem(claim, name, evidence)])


def _defined(p: Proof, row: Rel) -> str:
    for k, given in enumerate(p.given):
        if key(given.flipped()) == key(row):
            return f"exact H{k}"
    if row.op == "!=" and row.rhs == ZERO and not _signed_first(p, row):
        return "nonzero"
    return relation(p, row)


def _signed_first(p: Proof, row: Rel) -> bool:
    q = p.form(row.lhs)
    p.nonzero(q.num)
    return p.positive(q.num) is not None


def _theorem(claim: Claim, name: str, evidence: Mapping[str, Any]) -> list[str]:
    goal = claim.conclusion()

    def final(build: Any) -> str:
        return lemma(name, claim.symbols, claim.given, goal, build, "Theorem")

    if claim.var is not None:
        return [final(lambda p: _derivative(p, claim.goal, claim.var))]
    try:
        return [final(lambda p: relation(p, claim.goal))]
    except Unproved:
        if claim.goal.op not in ("<", "<="):
            raise
    found = _contact(claim, evidence) or _contact(claim, ladder.run(Problem(claim.goal, claim.given)).evidence)
    if found is None:
        raise Unproved("no direct proof, and no contact is known")
    return _ladder(claim, name, final, *found)


def _derivative(p: Proof, goal: Rel, var: Sym | None) -> str:
    """Prove a derivative: by the rules, and by equal forms of what they give."""
    assert var is not None
    d = derivative(goal.lhs, var)
    p.form(goal.lhs)
    equation(p, d, goal.rhs)
    return slope(p, goal.lhs, d, goal.rhs)


def _contact(claim: Claim, evidence: Mapping[str, Any]) -> tuple[Sym, Expr, Expr | None] | None:
    """Read variable, contact and function from the evidence of a ladder."""
    names = {s.name: s for s in claim.symbols}
    var = names.get(str(evidence.get("variable")))
    if var is None or "contact" not in evidence:
        return None
    try:
        contact = parse_expr(str(evidence["contact"]), names)
        stated = parse_expr(str(evidence["function"]), names) if _plain(evidence) else None
    except DltsymError:
        return None
    return var, contact, stated


def _plain(evidence: Mapping[str, Any]) -> bool:
    """Whether the function of a ladder is the difference of the sides, up to a positive factor."""
    reduction = evidence.get("reduction")
    how = reduction.get("how") if isinstance(reduction, Mapping) else reduction
    return "function" in evidence and how in ("difference", "product", "numerator over a positive denominator")


def _ladder(claim: Claim, name: str, final: Any, var: Sym, contact: Expr, stated: Expr | None) -> list[str]:
    problem = Problem(claim.goal, claim.given)
    dom = domain(problem, var)
    near = closed_at(dom, contact)
    limits, rest = tuple(r.flipped() for r in near.relations()), tuple(r.flipped() for r in dom.rest)
    limits = tuple(r for r in limits if key(r.lhs) != key(r.rhs))
    strict = claim.goal.op == "<"
    setting = Setting(claim.symbols, rest)
    last: Unproved | None = None
    for f, closing in _shapes(claim, strict, stated):
        lemmas: list[str] = []
        try:
            for sign, word in ((1, "right"), (-1, "left")):
                ends = dom.upper if sign > 0 else dom.lower
                if any(key(b.end) == key(contact) for b in ends):
                    continue
                lemmas += climb(Side(setting, var, contact, limits, sign, strict, f"{name}_{word}"), f)
            if not lemmas:
                raise Unproved("the contact is the only point")
            return [*lemmas, final(lambda p: closing(p, _meet(lemmas, name, claim.symbols, var, contact)))]  # noqa: B023
        except Unproved as error:
            last = last or error
    raise last or Unproved("no shape to climb")


def _shapes(claim: Claim, strict: bool, stated: Expr | None) -> Iterator[tuple[Expr, Any]]:
    """Yield functions to climb, and how the claim follows from their sign; the one that the evidence states first."""
    goal = claim.goal
    rule = "lt" if strict else "le"
    if stated is not None:

        def scaled(p: Proof, meet: str) -> str:
            for e in (gap_of(goal), stated):
                p.form(e)
            factor = p.quotient_tree(p.form(gap_of(goal)) * p.form(stated).inverse())
            tactic = nonnegative(p, factor, strict)
            name = p.say(
                p.fresh("E"),
                f"{coq(gap_of(goal))} = {coq(factor)} * {coq(stated)}",
                p.equate(gap_of(goal), stated, factor),
            )
            product = "Rmult_lt_0_compat" if strict else "Rmult_le_pos"
            return f"apply {rule}_of_gap; unfold Rminus; rewrite {name}; apply {product}; [ {tactic} | {meet} ]"

        yield stated, scaled
    yield gap_of(goal), lambda _p, meet: f"apply {rule}_of_gap; unfold Rminus; {meet}"

    def logs(p: Proof, meet: str) -> str:
        for e in (goal.lhs, goal.rhs):
            q = p.form(e)
            if p.positive(q.num) is None:
                raise Unproved(f"no sign of {e}")
            relation_of = Rel(ZERO, "<", e)
            p.say(p.fresh("L"), coq_rel(relation_of), relation(p, relation_of))
        return f"apply {rule}_of_ln; [ assumption | assumption | unfold Rminus; {meet} ]"

    yield gap_of(Rel(Call("log", (goal.lhs,)), goal.op, Call("log", (goal.rhs,)))), logs


def _meet(lemmas: list[str], name: str, symbols: tuple[Sym, ...], var: Sym, contact: Expr) -> str:
    text = "\n".join(lemmas)
    sides = [w for w in ("right", "left") if f" {name}_{w}0 :" in text]
    use = {w: f"apply ({' '.join([f'{name}_{w}0', *map(coq, symbols)])}); given" for w in sides}
    if len(sides) == 1:
        return use[sides[0]]
    x, c = coq(var), coq(contact)
    at = f"first [ {use['right']} | exfalso; auto ]"
    return f"destruct (Rtotal_order {x} {c}) as [L | [L | L]]; [ {use['left']} | {at} | {use['right']} ]"
