"""`solve_for`: from which value of a name on a relation holds, in closed form or as a certified number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError, RecordError, StepOpen
from dltsym.notation.calculus import derivative
from dltsym.notation.evaluate import compile_expr, holds
from dltsym.notation.tree import Add, Decl, Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols, key, substitute, subterms
from dltsym.prove.problem import Problem, declared_bounds, prepare
from dltsym.prove.shapes import rational
from dltsym.prove.verdict import PROVED, Row, Verdict
from dltsym.session.finding import Finding, Text, joint
from dltsym.session.given_values import at_values, inside, numbers
from dltsym.session.messages import demand
from dltsym.session.powers import minus, over, plus, terms, to_power
from dltsym.session.settle import settle
from dltsym.session.state import SESSION, Assumption, in_force
from dltsym.session.undo import FLIP, Layer, undone

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
FARTHEST, ALL_BELOW = 2**200, 2000


@dataclass(frozen=True, repr=False)
class Threshold:
    """From where on a relation holds.

    `condition` is a relation ``n op bound`` that is proved equivalent to `relation` (None when only numbers were
    found); `least` is the least integer for which it holds, when everything else is a number, and `scope` says in
    words what is proved about it.
    """

    relation: Rel
    condition: Rel | None
    finding: Finding
    least: int | None = None
    scope: str = ""

    @property
    def bound(self) -> Expr | None:
        """Closed form of the threshold."""
        return None if self.condition is None else self.condition.rhs

    @property
    def claim(self) -> Rel:
        """What a later step may use: the relation, wherever the condition holds."""
        return self.finding.claim

    @property
    def grade(self) -> str:
        """Weakest grade of what was proved."""
        return self.finding.grade

    def report(self) -> Text:
        """Return what was proved, one line each."""
        return Text("\n".join([repr(self), *(f"  {r.text}   {r.grade}   {r.why}" for r in self.finding.rows)]))

    def __repr__(self) -> str:
        parts = [] if self.condition is None else [f"{self.relation}  if and only if  {self.condition}   {self.grade}"]
        if self.least is not None:
            parts.append(f"least value {self.least}   {self.scope}" + ("" if parts else f"   {self.grade}"))
        return "\n".join(parts)

    def _repr_latex_(self) -> str:
        from dltsym.notation.latex import to_latex

        if self.condition is None:
            return repr(self)
        return rf"$\displaystyle {to_latex(self.relation)} \iff {to_latex(self.condition)}$"


def solve_for(name: Any, relation: Any, *, at: Mapping[str, Any] | None = None) -> Threshold:
    """Solve a relation for a name: the sample size that a bound needs, for example.

    The relation is undone layer by layer, and every layer is proved in both directions under the hypotheses in force.
    When that cannot be done, and all other names have values, the least integer is certified by numbers.

    Parameters
    ----------
    name : str or Sym
        What to solve for.
    relation : str or Rel
        One relation.
    at : mapping, optional
        Values of all other names, as exact text or numbers.

    Returns
    -------
    Threshold

    Raises
    ------
    StepOpen
        When neither way succeeds.
    RecordError
        When there is not one relation that mentions the name, or a value lies outside its domain.

    Examples
    --------
    >>> from dltsym import counts, given, positives, solve_for
    >>> eps, delta = positives("eps delta")
    >>> n = counts("n")
    >>> with given("delta < 1"):
    ...     solve_for("n", "sqrt(log(2/delta)/(2*n)) <= eps")
    sqrt(log(2/delta)/(2*n)) <= eps  if and only if  n >= log(2/delta)/(2*eps**2)   exact
    """
    n = SESSION.expression(name)
    if not isinstance(n, Sym) or n.decl.sort not in ("real", "integer"):
        raise RecordError(f"solve_for takes the name of a number, not {name}")
    rel, *more = SESSION.chain(relation)
    if more or n not in free_symbols(expand_lets(rel)):
        raise RecordError(f"solve_for takes one relation that mentions {n}")
    values = numbers(at or {})
    inside(rel, n, values)
    exact, why = _tried(rel, n)
    if exact is None and not _fixed(rel, n, values):
        more = "with values of all other names, at={...}, the least integer can be certified"
        raise StepOpen(f"{rel} is not solved for {n}\n  {why}\n  {more}")
    if exact is None:
        return _least(at_values(rel, n, values), n, rel, values)
    if not _fixed(rel, n, values) or n.decl.sort != "integer" or exact.condition is None:
        return exact
    return replace(exact, **_integer(exact.condition, n, values))


def _fixed(rel: Rel, n: Sym, values: Mapping[str, Any]) -> bool:
    return {s.name for s in free_symbols(expand_lets(rel))} - {n.name} <= set(values)


# Closed form


def _tried(rel: Rel, n: Sym) -> tuple[Threshold | None, str]:
    try:
        return _exact(rel, n), ""
    except DltsymError as error:
        return None, str(error)


def _exact(rel: Rel, n: Sym) -> Threshold:
    problem = prepare(Rel(n, "=", n), [a.rel for a in in_force() if not a.cite])
    proofs: list[Finding] = []
    here = _collected(rel, n)
    if here is not rel:
        proofs += both_ways(rel, here)
    tidy = here.rhs
    while here.lhs != n:
        layer = undone(here, n, tidy, problem)
        if layer is None:
            raise StepOpen(f"{here} could not be undone")
        proofs += layer.proofs
        here, tidy = layer.to, layer.tidy
    if key(tidy) != key(here.rhs):
        short = Rel(n, here.op, tidy)
        proofs += both_ways(here, short, by=(Rel(here.rhs, "=", tidy),))
        here = short
    if not proofs:
        proofs = [demand(settle(rel, extra=(rel,)))]
    finding = joint(rel, proofs, "equivalences")
    return Threshold(rel, here, replace(finding, given=(*in_force(), Assumption(here))))


def both_ways(a: Rel, b: Rel, by: Any = ()) -> list[Finding]:
    """Prove that two relations are equivalent under the hypotheses in force.

    Parameters
    ----------
    a, b : Rel
        Relations.
    by : object or sequence
        Facts.

    Returns
    -------
    list of Finding
        Both directions, proved.
    """
    return [demand(settle(b, by, extra=(a,)), doing=str(a)), demand(settle(a, by, extra=(b,)), doing=str(b))]


def _collected(rel: Rel, n: Sym) -> Rel:
    """Return the relation with the name on the left and only there, once."""
    sides = [sum(t == n for t in _all(e)) for e in (rel.lhs, rel.rhs)]
    if sides == [1, 0]:
        return rel
    if sides == [0, 1]:
        return Rel(rel.rhs, FLIP[rel.op], rel.lhs)
    left, right = ([*(terms(expand_lets(e), n) or [])] for e in (rel.lhs, rel.rhs))
    if len(left) == len(right) == 1 and sides[0] and sides[1]:
        ((c, k), (d, m)) = (left[0], right[0]) if _raises(left[0][1], right[0][1]) else (right[0], left[0])
        op = rel.op if (c, k) == left[0] else FLIP[rel.op]
        return Rel(to_power(n, plus(k, minus(m))), op, over(d, c))
    parts = terms(expand_lets(Add((rel.lhs, Neg(rel.rhs)))), n) or ()
    if parts and all(k in (ZERO, ONE) for _, k in parts):
        slope, rest = ZERO, ZERO
        for c, k in parts:
            slope, rest = (plus(slope, c), rest) if k == ONE else (slope, plus(rest, c))
        if slope == ZERO:
            raise StepOpen(f"{n} drops out of {rel}")
        rising = settle(Rel(slope, ">", ZERO)).status == PROVED
        return Rel(n, rel.op if rising else FLIP[rel.op], over(minus(rest), slope))
    raise StepOpen(f"{n} occurs more than once in {rel}")


def _raises(k: Expr, m: Expr) -> bool:
    """Whether one exponent is larger than another, when both are numbers."""
    gap = rational(plus(k, minus(m)))
    return gap is None or gap > 0


def _all(e: Expr) -> Iterator[Any]:
    return subterms(expand_lets(e))


def _integer(condition: Rel, n: Sym, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the least integer that meets a condition ``n >= number``, from a ball around the number."""
    if condition.op not in (">=", ">"):
        return {}
    edge = at_values(condition.rhs, n, values)
    exact = compile_expr(edge).exact({})
    if exact is not None:
        q = Fraction(int(exact.p), int(exact.q))
        least = -(-q.numerator // q.denominator)
        least += condition.op == ">" and least == q
        found = {"least": max(least, _start(n)), "scope": "exact"}
        return found if _allowed(n, found["least"], values) else {}
    for prec in (64, 128, 333, 1000):
        ball = compile_expr(edge).ball({}, prec)
        if ball.is_finite() and (whole := ball.ceil().unique_fmpz()) is not None:
            found = {"least": max(int(whole), _start(n)), "scope": "certified by balls"}
            return found if _allowed(n, found["least"], values) else {}
    return {}


def _start(n: Sym) -> int:
    """Return the smallest integer that the declaration and the hypotheses of the form ``number <= n`` leave."""
    known = [*declared_bounds(n), *(a.rel.flipped() for a in in_force() if not a.cite)]
    bounds = [(b.lhs.value, b.op) for b in known if b.rhs == n and isinstance(b.lhs, Num) and b.op in ("<", "<=")]
    ends = (b.numerator // b.denominator + 1 if op == "<" else -(-b.numerator // b.denominator) for b, op in bounds)
    return max(ends, default=-FARTHEST)


def _allowed(n: Sym, at: int, values: Mapping[str, Any]) -> bool:
    """Whether an integer certainly meets the hypotheses: a condition is the relation under these only."""
    there = (at_values(a.rel, None, {**values, n.name: Num(Fraction(at))}) for a in in_force() if not a.cite)
    return all(bool(free_symbols(rel)) or holds(rel, {}) is True for rel in there)


# Numbers


def _least(rel: Rel, n: Sym, asked: Rel, values: Mapping[str, Any]) -> Threshold:
    """Certify the least integer: the relation at it, its negation just below, and a proof or a count for the rest."""
    first = _start(n)
    if n.decl.sort != "integer" or first == -FARTHEST:
        raise StepOpen(f"numbers need a lower bound of an integer {n}: declare it with counts")
    low, high = None, first
    while not _true(rel, n, high):
        low, high = high, max(2 * high, high + 1)
        if high > FARTHEST:
            raise StepOpen(f"{rel} was not certified for any {n} up to 2**200")
    while low is not None and high - low > 1:
        mid = (low + high) // 2
        low, high = (low, mid) if _true(rel, n, mid) else (mid, high)
    if not _allowed(n, high, values):
        raise StepOpen(f"{n} = {high} is not certified to meet the hypotheses")
    rows = [Row(substitute_text(rel, n, high), "ball", "ball arithmetic")]
    rows += [Row(f"not {substitute_text(rel, n, low)}", "ball", "ball arithmetic")] if low is not None else []
    whole = _monotone(rel, n, first)
    above = _monotone(rel, n, high) if whole is None else whole
    below = low is None or whole is not None
    if not below and high - first <= ALL_BELOW:
        below = all(not _true(rel, n, k) for k in range(first, high))
    words = [f"certified at {high}" + (f", false at {low}" if low is not None else "")]
    words += ["nothing is proved about larger ones" if above is None else "holds for every larger one"]
    words += [] if below else ["nothing is proved about smaller ones"]
    if above is not None:
        rows += [*above.rows, Row(str(above.claim), above.grade, "monotone in a real variable")]
    verdict = Verdict(PROVED, "ball", "balls", 0.0, {}, None, tuple({r.text: r for r in rows}.values()))
    claim = Rel(n, ">=", Num(Fraction(high))) if above is not None else Rel(n, "=", Num(Fraction(high)))
    finding = Finding(rel, verdict, (*in_force(), Assumption(claim)), (), (), "ball", "ball")
    return Threshold(asked, None, finding, high, "; ".join(words))


def substitute_text(rel: Rel, n: Sym, at: int) -> str:
    """Return the text of a relation at an integer.

    Parameters
    ----------
    rel : Rel
        Relation.
    n : Sym
        Name.
    at : int
        Value.

    Returns
    -------
    str
    """
    return f"{rel} at {n} = {at}"


def _true(rel: Rel, n: Sym, at: int) -> bool:
    truth = holds(rel, {n.name: at}, (64, 128, 333, 1000))
    if truth is None:
        raise StepOpen(f"{rel} is not decided at {n} = {at}")
    return truth


def _monotone(rel: Rel, n: Sym, first: int) -> Finding | None:
    """Prove that once the relation holds at a value from `first` on, it holds at every larger one."""
    name = f"{n.name}_real"
    while name in SESSION.symbols:
        name += "_"
    x = Sym(Decl(name, "real", lo=Num(Fraction(first))))
    here: Rel | None = rel if n in free_symbols(rel.lhs) else Rel(rel.rhs, FLIP[rel.op], rel.lhs)
    problem = prepare(Rel(n, "=", n))
    proofs: list[Finding] = []
    while here is not None and here.op not in ("=", "!="):
        found = _falling(substitute(here, {n: x}), x)
        if found is not None:
            return joint(found.claim, [found, *proofs], found.engine) if proofs else found
        layer = None if n in free_symbols(here.rhs) else _layer(here, n, problem)
        here = None if layer is None else layer.to
        proofs += () if layer is None else layer.proofs
    return None


def _layer(rel: Rel, n: Sym, problem: Problem) -> Layer | None:
    try:
        return undone(rel, n, rel.rhs, problem)
    except DltsymError:
        return None


def _falling(rel: Rel, x: Sym) -> Finding | None:
    """Prove that ``lhs - rhs`` of ``lhs <= rhs`` never rises on the whole domain of `x`."""
    flat = rel.flipped()
    gap = Add((flat.lhs, Neg(flat.rhs)))
    try:
        settle(Rel(gap, "=", gap))  # raises unless it is defined everywhere
        found = settle(Rel(derivative(gap, x), "<=", ZERO))
    except DltsymError:
        return None
    return found if found.status == PROVED else None
