"""Statements of lemmas, and the context that their hypotheses make."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from dltsym.formal import points
from dltsym.formal.proof import Proof
from dltsym.formal.text import Refused, coq, coq_rel
from dltsym.notation.tree import Add, Neg, Rel, Sym
from dltsym.notation.walk import subterms

_PRODUCT = {True: "Rmult_lt_0_compat", False: "Rmult_le_pos"}


def hypothesis(p: Proof, k: int) -> None:
    """Read a hypothesis as facts about a polynomial; one that cannot be read stays a bare hypothesis.

    Parameters
    ----------
    p : Proof
        Context.
    k : int
        Its number; its name in Coq is ``H{k}``.
    """
    rel = p.given[k].flipped()
    gap = Add((rel.rhs, Neg(rel.lhs)))
    try:
        q = p.form(gap)
        found = p.positive(q.den)
    except Refused:
        return
    if q.num.is_constant() or found is None:
        return
    if rel.op == "!=":
        p.apart += [f / f.leading_coefficient() for f, _ in q.num.factor()[1]]
        return
    direction, fact = found
    for way in (1, -1) if rel.op == "=" else (1,):
        strict, poly = rel.op == "<", q.num * direction * way
        sign = "" if way == 1 else "- "
        side = f"({sign}{coq(gap)}) * {p.text(fact.poly)}"
        name = p.fresh("G")
        op = "<" if strict else "<="
        p.say(name, f"0 {op} {side}", f"apply {_PRODUCT[strict]}; [ lra | {'left; ' * (not strict)}assumption ]")
        p.note(poly, strict, f"replace {p.text(poly)} with ({side}); [ assumption | {p.equate(gap)} ]")


def begin(given: Iterable[Rel], scale: dict[str, int], symbols: Iterable[Sym] = ()) -> Proof:
    """Start a lemma whose hypotheses are ``H0``, ``H1``, ... and read them, the simple ones first.

    Parameters
    ----------
    given : iterable of Rel
        Hypotheses.
    scale : dict of str to int
        Units of exponentials found so far.
    symbols : iterable of Sym
        Everything that is quantified.

    Returns
    -------
    Proof
    """
    given = tuple(given)
    proof = Proof(given, scale, points=_points(given, tuple(symbols)))
    order = sorted(range(len(proof.given)), key=lambda k: (sum(1 for _ in subterms(proof.given[k])), k))
    for k in order:
        hypothesis(proof, k)
        proof.known = {slot: fact for slot, fact in proof.known.items() if fact is not None}
    return proof


@lru_cache(maxsize=64)
def _points(given: tuple[Rel, ...], symbols: tuple[Sym, ...]) -> tuple[points.Point, ...]:
    return points.find(given, symbols)


def statement(name: str, symbols: Iterable[Sym], given: Iterable[Rel], conclusion: str, word: str = "Lemma") -> str:
    """Return the statement of a lemma.

    Parameters
    ----------
    name : str
        Name.
    symbols : iterable of Sym
        Quantified first.
    given : iterable of Rel
        Hypotheses.
    conclusion, word : str
        Conclusion, and ``Lemma`` or ``Theorem``.

    Returns
    -------
    str
    """
    names = [coq(s) for s in symbols]
    bound = f"forall {' '.join(names)} : R, " if names else ""
    return f"{word} {name} : {bound}{''.join(f'{coq_rel(g)} -> ' for g in given)}{conclusion}."
