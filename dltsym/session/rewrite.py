"""`relax`, `substitute` and `simplify`: new statements from old ones, each proved again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dltsym.errors import RecordError, Undefined, suggest
from dltsym.form import replace_symbols
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.notation.walk import free_symbols, key, transform
from dltsym.prove.facts import instance_of, lemma_claim
from dltsym.prove.problem import prepare
from dltsym.prove.verdict import PROVED
from dltsym.record import Lemma
from dltsym.session.chains import Chain, Derivation, one_step
from dltsym.session.finding import Finding
from dltsym.session.ideas import forms
from dltsym.session.lemmas import Instance, instances, known_of, library
from dltsym.session.messages import demand
from dltsym.session.settle import settle
from dltsym.session.state import RELATION, SESSION, in_force

TRIES = 4


# Looser bounds


def relax(what: Any, by: Any, why: str = "", *, op: str = "") -> Derivation:
    """Replace a term of an expression by the bound that a lemma gives, and prove the step.

    Parameters
    ----------
    what : Expr, str or Derivation
        Expression, or derivation whose last expression is bounded further.
    by : Lemma, derivation, finding or str
        What bounds the term, for example ``thm.pinsker`` or the name of a hypothesis.
    why : str
        Reason for the reader.
    op : str
        ``<=`` or ``>=``; by default whichever is true.

    Returns
    -------
    Derivation

    Examples
    --------
    >>> from dltsym import positives, relax, thm
    >>> x = positives("x")
    >>> relax("2*log(x)", by=thm.log_bound)
    2*log(x) <= 2*(x - 1)   exact
    """
    if isinstance(what, Chain | Derivation):
        return Chain(what.start, what.steps, what.label).relax(by, why, op=op).close()
    start = SESSION.expression(what)
    op, to, finding = relaxed(start, by, op)
    return one_step(start, op, to, finding, why)


def relaxed(start: Expr, by: Any, op: str) -> tuple[str, Expr, Finding]:
    """Return relation, new expression and proof of one use of a lemma.

    Parameters
    ----------
    start : Expr
        Expression.
    by : Lemma, derivation or finding
        Lemma.
    op : str
        ``<=``, ``>=`` or empty for either.

    Returns
    -------
    tuple of str, Expr and Finding

    Raises
    ------
    RecordError
        When no term fits the lemma.
    """
    failed: list[Finding] = []
    for use, claim in _claims(start, by):
        for old, new in ((claim.lhs, claim.rhs), (claim.rhs, claim.lhs)):
            to = _replaced(start, old, new)
            if key(to) == key(start):
                continue
            for way in (op,) if op else ("<=", ">="):
                found = settle(Rel(start, way, to), use)
                if found.status == PROVED:
                    return way, to, found
                failed.append(found)
    if not failed:
        raise RecordError(f"no term of {start} fits {by}")
    return op, start, demand(next((f for f in failed if f.status == "open"), failed[0]))  # raises


def _claims(start: Expr, by: Any) -> Iterator[tuple[Any, Rel]]:
    """Yield uses of a lemma and what each of them says, with ``<`` or ``<=``."""
    if not isinstance(by, Lemma | str):
        yield by, prepare(known_of(by).theorem.claims[0]).goal  # pyright: ignore[reportArgumentType]
        return
    stated = [a.rel for a in in_force() if a.name == by]
    if stated:
        yield from ((by, prepare(rel).goal) for rel in stated)
        return
    lemma = by if isinstance(by, Lemma) else Lemma(by)
    lemma = replace(lemma, key=library(lemma.key))
    theorem = library.doors({})[0](lemma.key)
    step = prepare(Rel(start, "=", start))
    for one in instances(lemma, theorem, step, ()):
        try:
            at = instance_of(one, theorem, SESSION.symbols, step.goal)
        except RecordError:  # no term of the expression gives its symbols a value
            continue
        yield one, replace_symbols(prepare(lemma_claim(one, theorem)).goal, at)


def _replaced(start: Expr, old: Expr, new: Expr) -> Expr:
    wanted = key(old)
    return transform(start, lambda e: new if key(e) == wanted else e)


# Instances


def substitute(what: Any, values: Mapping[Any, Any]) -> Any:
    """Put values for names; what was proved is proved again for the values, with its hypotheses.

    Parameters
    ----------
    what : Derivation, Finding, Expr, Rel or str
        A derivation or finding gives an instance, whose hypotheses and domains must hold here; an expression gives an
        expression, about which nothing is claimed.
    values : mapping of str or Sym to Expr, str or number
        Values by name.

    Returns
    -------
    Derivation, Finding, Expr or Rel

    Examples
    --------
    >>> from dltsym import calc, reals, substitute
    >>> x, y = reals("x y")
    >>> square = calc("2*x*y").le("x**2 + y**2").close()
    >>> substitute(square, {"y": "x + 1"})
    2*x*(x + 1) <= x**2 + (x + 1)**2   exact
    """
    named = {(s.name if isinstance(s, Sym) else s): SESSION.expression(e) for s, e in values.items()}
    if isinstance(what, Derivation):
        _occur(named, known_of(what).theorem.symbols, what)
        start, *rest = (_put(e, named) for e in (what.start, *(s.to for s in what.steps)))
        steps, here = [], start
        for k, (step, to) in enumerate(zip(what.steps, rest, strict=True), 1):
            steps.append(replace(step, to=to, finding=_instance(step.finding, Rel(here, step.op, to), named, k)))
            here = to
        return Derivation(start, tuple(steps), what.label)
    found = getattr(what, "finding", what)
    if isinstance(found, Finding):
        _occur(named, known_of(found).theorem.symbols, found.claim)
        return _instance(found, _put(found.claim, named), named, 0)
    is_relation = isinstance(what, Rel) or (isinstance(what, str) and RELATION.search(what))
    tree: Any = SESSION.chain(what)[0] if is_relation else SESSION.expression(what)
    _occur(named, {s.name: s for s in free_symbols(tree)}, tree)
    return _put(tree, named)


def _occur(named: Mapping[str, Expr], symbols: Mapping[str, Sym], where: Any) -> None:
    for name in named:
        if name not in symbols:
            raise RecordError(f"{name} does not occur in {where}{suggest(name, symbols)}")


def _put(node: Any, named: Mapping[str, Expr]) -> Any:
    return replace_symbols(node, {s: named[s.name] for s in free_symbols(node) if s.name in named})


def _instance(found: Finding, claim: Rel, named: Mapping[str, Expr], index: int) -> Finding:
    known = known_of(found)
    at = tuple((name, e) for name, e in sorted(named.items()) if name in known.theorem.symbols)
    return demand(settle(claim, Instance(known, at)), index, "the instance")


# Simpler forms


def simplify(what: Any) -> Derivation:
    """Find a shorter form of an expression and prove that it is equal under the hypotheses in force.

    Suggestions come from the normal form of the exact engine and from SymPy; none of them is believed.

    Parameters
    ----------
    what : Expr or str
        Expression.

    Returns
    -------
    Derivation
        ``what = shorter``, or ``what = what`` when no shorter form was proved.

    An expression that may have no value raises `Undefined`: ``x/x`` is 1 only where ``x != 0``.

    Examples
    --------
    >>> from dltsym import given, reals, simplify
    >>> x = reals("x")
    >>> with given("x != 0"):
    ...     simplify("x/x + (x**2 - 1)/x + 1/x")
    x/x + (x**2 - 1)/x + 1/x = 1 + x   exact
    """
    start = SESSION.expression(what)
    to, finding = shorter(start)
    return one_step(start, "=", to, finding, "simplified" if to is not start else "")


def shorter(start: Expr, extra: tuple[Rel, ...] = ()) -> tuple[Expr, Finding]:
    """Return the shortest form of an expression that is proved equal to it, and the proof.

    Parameters
    ----------
    start : Expr
        Expression.
    extra : tuple of Rel
        Further hypotheses.

    Returns
    -------
    tuple of Expr and Finding
    """
    same = demand(settle(Rel(start, "=", start), extra=extra))
    for k, form in enumerate(forms(start, extra)):
        if k == TRIES:
            break
        try:
            found = settle(Rel(start, "=", form), extra=extra)
        except Undefined:  # the other form has poles of its own
            continue
        if found.status == PROVED:
            return form, found
    return start, same
