"""Certificates of ladders and direct signs, in the forms of `dltsym.prove.replay.ladder` and ``.direct``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.notation.calculus import derivative
from dltsym.notation.tree import Expr, Neg, Rel, Sym
from dltsym.notation.walk import substitute
from dltsym.prove.certificates import Json, Writer
from dltsym.prove.domains import Domain
from dltsym.prove.exactsign import Exact
from dltsym.prove.flatten import Flat
from dltsym.prove.ladder_core import Climb, Ends, Side, Value
from dltsym.prove.ladder_factors import Piece
from dltsym.prove.problem import Problem
from dltsym.prove.region import Sign
from dltsym.prove.replay.ladder import without
from dltsym.prove.replay.setting import Setting, setting
from dltsym.prove.replay.side import ZERO, with_facts


@dataclass(frozen=True)
class Found:
    """A ladder that has been found: what is shown at the contact, and the climbs on its sides."""

    function: Expr
    reduction: Reduction
    domain: Domain
    contact: Expr
    at: Value
    base: Exact
    whole: Exact
    sides: tuple[tuple[Side, Climb], ...]


@dataclass(frozen=True)
class Reduction:
    """How the function comes from the claim: the difference, a factor of it, or the difference of logarithms."""

    how: str
    signs: tuple[Sign, ...] = ()
    pieces: tuple[Piece, ...] = ()


DIFFERENCE = Reduction("difference")


def header(flat: Flat, known: tuple[Rel, ...] = ()) -> Json:
    """Return the fields of a certificate that say what its scalars stand for.

    Parameters
    ----------
    flat : Flat
        Flat problem.
    known : tuple of Rel
        Relations of the problem to be added to the facts.

    Returns
    -------
    dict
    """
    out: Json = {}
    if flat.cells:
        out["names"] = {name: str(e) for name, e in flat.cells.items()}
    if flat.uses:
        out["instances"] = [{"rel": str(r), "at": {n: str(e) for n, e in at.items()}} for r, at in flat.uses]
    if known:
        out["known"] = [str(r) for r in known]
    return out


def used(top: Json, proof: Json) -> Json:
    """Return a proof with what is said about its scalars, those left out that it does not mention.

    Parameters
    ----------
    top : dict
        What `header` gave.
    proof : dict
        Certificate.

    Returns
    -------
    dict
    """
    text = json.dumps(proof)
    names = {name: term for name, term in top.get("names", {}).items() if re.search(rf"\b{name}\b", text)}
    gone = set(top.get("names", {}).values()) - set(names.values())
    known = [rel for rel in top.get("known", []) if not any(rel.endswith(term) for term in gone)]
    fields = {"names": names, "instances": top.get("instances"), "known": known, "proof": proof}
    return {name: value for name, value in fields.items() if value}


def lemmas(fields: Mapping[str, Writer]) -> Json:
    """Return the lists of lemmas that are not empty.

    Parameters
    ----------
    fields : mapping of str to Writer
        Writers by the field for their lemmas.

    Returns
    -------
    dict
    """
    return {name: w.lemmas for name, w in fields.items() if w.lemmas}


def writer(here: Setting, exact: Exact) -> Writer:
    """Return a writer for the whole claim.

    Parameters
    ----------
    here : Setting
        What the checker knows.
    exact : Exact
        What the engine knows.

    Returns
    -------
    Writer
    """
    return Writer(exact, here.place.names, here.place.store)


def direct(problem: Problem, flat: Flat, sign: Sign, rule: tuple[int, Expr, Expr] | None = None) -> Json:
    """Write the certificate of a direct sign, or of the log rule.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    flat : Flat
        Its flat form.
    sign : Sign
        Sign of the difference, or of ``up - down``.
    rule : tuple, optional
        ``(unit, up, down)`` of the log rule.

    Returns
    -------
    dict
    """
    top = header(flat)
    here = setting(problem, top)
    w = writer(here, Exact(flat.problem))
    w.define(here.goal.rhs + Neg(here.goal.lhs))
    out: Json = {}
    if rule is not None:
        unit, up, down = rule
        out["log rule"] = {"unit": str(unit), "up": w.text(up), "down": w.text(down)}
        if not w.store.follows(Rel(ZERO, "<", down)):
            w.lemma(Rel(ZERO, "<", down))
    out["sign"] = w.sign(sign)
    return {"kind": "direct", **top, **lemmas({"lemmas": w}), **out}


def ladder(problem: Problem, flat: Flat, found: Found) -> Json:
    """Write the certificate of a ladder.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    flat : Flat
        Its flat form.
    found : Found
        What the engine found.

    Returns
    -------
    dict
    """
    top, dom, c = header(flat), found.domain, found.contact
    here = setting(problem, top)
    claim = writer(here, Exact(flat.problem))
    reduction = _reduction(found, here, claim)
    base = Writer(found.base, here.place.names, without(dom.var, here.place))
    base.define(c)
    for rel in dom.relations():
        at = substitute(rel, {dom.var: c})
        if not base.store.follows(at):
            base.lemma(at)
    at = _value(found.at, base)
    whole = Writer(found.whole, base.names, with_facts(base.store, *dom.relations()))
    whole.define(found.function)
    sides = [_side(found, side, got, base, whole) for side, got in found.sides]
    whole_first = {"function": str(found.function), "variable": str(dom.var), "contact": str(c)}
    shown = {**whole_first, "domain": [str(r) for r in dom.relations()], **lemmas({"inside": base}), "at": at}
    extra = lemmas({"before": claim})
    return {
        "kind": "ladder",
        **top,
        **extra,
        "reduction": reduction,
        **shown,
        **lemmas({"lemmas": whole}),
        "sides": sides,
    }


def _reduction(found: Found, here: Setting, w: Writer) -> Json:
    w.define(here.goal.rhs + Neg(here.goal.lhs))
    how = found.reduction.how
    if how == "difference":
        return {"how": how}
    if how == "product":
        w.define(found.function)
        return {"how": how, "factor": w.pieces(found.reduction.pieces)[0]}
    lhs, rhs = (w.sign(s) for s in found.reduction.signs)
    w.define(found.function)
    return {"how": "logs", "lhs": lhs, "rhs": rhs}


def _value(value: Value, w: Writer) -> Any:
    return value if isinstance(value, str) else w.sign(value)


def _side(found: Found, side: Side, got: Climb, base: Writer, whole: Writer) -> Json:
    on, off = (_beyond(found, side, op) for op in ("<=", "<"))
    closed = Writer(side.closed, base.names, with_facts(whole.store, on))
    for level in got.steps:
        closed.define(level.rest)
    opened = Writer(side.open, base.names, with_facts(closed.store, off))
    levels, last = [], isinstance(got.end, Ends)
    for k, level in enumerate(got.steps):
        factor, apart = opened.pieces(level.pieces)
        opened.define(derivative(level.rest, found.domain.var))
        shown: Json = {"factor": factor, **({"isolated": apart} if apart else {}), "rest": str(level.rest)}
        if not (last and k + 1 == len(got.steps)):
            shown["value"] = _value(level.value, base)
        levels.append(shown)
    tail: Json = _concave(found, side, got, base, opened) if isinstance(got.end, Ends) else {}
    if not isinstance(got.end, Ends):
        leaf, apart = opened.pieces(got.end) if got.end else ({"content": "0", "factors": []}, [])
        tail = {"leaf": leaf, **({"isolated": apart} if apart else {})}
    name = "right" if side.sign > 0 else "left"
    return {"side": name, **lemmas({"closed": closed, "open": opened}), "levels": levels, **tail}


def _beyond(found: Found, side: Side, op: str) -> Rel:
    var: Sym = found.domain.var
    return Rel(found.contact, op, var) if side.sign > 0 else Rel(var, op, found.contact)


def _concave(found: Found, side: Side, got: Climb, base: Writer, opened: Writer) -> Json:
    assert isinstance(got.end, Ends)
    h, var, c = got.steps[-1].rest, found.domain.var, found.contact
    (far,) = found.domain.upper if side.sign > 0 else found.domain.lower
    near = found.domain.relations()[: len(found.domain.lower)]
    near = near if side.sign > 0 else found.domain.relations()[len(found.domain.lower) :]
    ends = (c, var, far.end) if side.sign > 0 else (far.end, var, c)
    between = (*near, Rel(ends[0], "<=", ends[1]), Rel(ends[1], "<=", ends[2]))
    segment = Writer(got.end.segment, base.names, with_facts(base.store, *between))
    segment.define(h)
    slope = derivative(h, var)
    opened.define(slope, derivative(slope, var))
    values = {"near": _value(got.end.near, base), "far": _value(got.end.far, base)}
    return {"concave": {**values, "bend": opened.sign(got.end.bend), **lemmas({"lemmas": segment})}}
