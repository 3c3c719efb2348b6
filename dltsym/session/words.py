"""Words for a verdict: what the engine did, read off its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dltsym.prove.verdict import Verdict
from dltsym.session.finding import WORDS

Data = Mapping[str, Any]
MOST = 400


def told(verdict: Verdict) -> Iterator[str]:
    """Yield sentences about how a verdict was reached.

    Parameters
    ----------
    verdict : Verdict
        Verdict.

    Yields
    ------
    str
    """
    data = verdict.evidence
    found = data.get("certificate")
    certificate: Data = found if isinstance(found, Mapping) else {}
    kind = str(certificate.get("kind") or verdict.engine)
    try:
        lines = [*_KINDS[kind](data, certificate)] if kind in _KINDS else [*_plain(data)]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):  # an engine may word its evidence anew
        lines = [*_plain(data)]
    yield from (line if len(line) <= MOST else f"{line[:MOST]} ..." for line in lines)
    if kind == "none":
        yield f"  the independent checker cannot follow this proof: {certificate.get('why', '')}"
    elif certificate:
        yield f"  the certificate ({kind}) is in .verdict.evidence, and replays without search"


def _ladder(data: Data, _: Data) -> Iterator[str]:
    yield f"  with f = {data['function']} and the contact {data['variable']} = {data['contact']}:"
    yield "  no level is negative at the contact, each is the derivative of the one before, and the last has a sign"
    for side, levels in data["chain"].items():
        steps = levels if isinstance(levels, list | tuple) else str(levels).split(", last: ")
        yield f"    {side}: {steps[0]}"
        yield from (f"      then {level}" for level in steps[1:])


def _sos(_: Data, certificate: Data) -> Iterator[str]:
    yield "  the difference of the sides is a sum of products of squares with what is not negative by hypothesis:"
    for term in certificate["terms"]:
        of = ", ".join(map(str, term["of"])) if term.get("of") else ""
        squares = " + ".join(f"{w}*({p})**2" for w, p in term["squares"])
        yield f"    {f'factor {of} of the certificate times ' if of else ''}{squares}"


def _tower(data: Data, _: Data) -> Iterator[str]:
    over = ", ".join(map(str, data.get("generators", ())))
    yield f"  the numerator of lhs - rhs is the zero polynomial{f' in {over}' if over else ''}"


def _z3(data: Data, _: Data) -> Iterator[str]:
    yield f"  z3 {data.get('z3', '')}: no values of the terms satisfy all of these and the negated claim:"
    yield from (f"    {fact}" for fact in data.get("core", ()))


def _parts(data: Data, _: Data) -> Iterator[str]:
    for part in data["parts"]:
        engine = WORDS.get(part["engine"], part["engine"])
        yield f"  {part['lo']} <= {data['variable']} <= {part['hi']}: {engine}, {part['grade']}"


def _boxes(data: Data, certificate: Data) -> Iterator[str]:
    count = certificate.get("boxes", data.get("boxes", "?"))
    yield f"  the domain is covered by {count} box(es), and on each of them ball arithmetic decides"


def _given(_: Data, __: Data) -> Iterator[str]:
    yield "  it is stated: a hypothesis, a fact or a declared bound says it"


def _plain(data: Data, depth: int = 1) -> Iterator[str]:
    """Write other evidence as indented lines."""
    for name, value in data.items():
        head = f"{'  ' * depth}{name.replace('_', ' ')}:"
        if name == "certificate" and isinstance(value, Mapping):
            continue
        if isinstance(value, Mapping):
            yield head
            yield from _plain(value, depth + 1)
        elif isinstance(value, list | tuple) and any(isinstance(v, Mapping) for v in value):
            yield head
            for k, item in enumerate(value, 1):
                yield from _plain(item if isinstance(item, Mapping) else {str(k): item}, depth + 1)
        elif isinstance(value, list | tuple):
            yield f"{head} {', '.join(map(str, value))}" if value else f"{head} none"
        elif value not in ("", None):
            yield f"{head} {value}"


_KINDS: dict[str, Callable[[Data, Data], Iterator[str]]] = {
    "boxes": _boxes,
    "given": _given,
    "ladder": _ladder,
    "sos": _sos,
    "tail": _parts,
    "tower": _tower,
    "z3": _z3,
}
