"""A file of cases: its form is checked here, as a whole and before anything is proved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dltsym.cases.jsontext import CasesError, Document, Node, Number
from dltsym.errors import suggest
from dltsym.prove.verdict import GRADES, OPEN, PROVED, REFUTED, VACUOUS

ERROR = "error"
EXPECTED = tuple(dict.fromkeys((PROVED, REFUTED, VACUOUS, OPEN, ERROR, *GRADES)))
KEYS = ("id", "symbols", "given", "claim", "hint", "by", "let", "expect")
MOST_SHOWN, MAX_ID = 10, 200


@dataclass(frozen=True)
class Text:
    """A text of the file and the line on which it begins."""

    text: str
    line: int


@dataclass(frozen=True)
class Use:
    """A theorem that a case may use, with values for some of its symbols and the number of the claim."""

    key: Text
    at: tuple[tuple[str, str], ...] = ()
    part: int = 0


@dataclass(frozen=True)
class Case:
    """One case as it is written; nothing of its mathematics is read yet."""

    id: str
    line: int
    claim: Text
    symbols: tuple[tuple[str, Text], ...] = ()
    given: tuple[Text, ...] = ()
    let: tuple[tuple[str, Text], ...] = ()
    by: tuple[Use, ...] = ()
    hint: str = ""
    expect: str = ""


def read(document: Document) -> list[Case]:
    """Read a file of cases: a JSON list, an object with ``cases``, or one object per line.

    Parameters
    ----------
    document : Document
        Text.

    Returns
    -------
    list of Case

    Raises
    ------
    CasesError
        Naming every part that is missing, unknown, repeated or of the wrong kind.
    """
    form = _Form(document)
    nodes, shared = form.cases(document.values())
    cases = [case for node in nodes if (case := form.case(node, shared)) is not None]
    lines: dict[str, int] = {}
    for case, node in zip(cases, nodes, strict=False):
        if not form.problems and case.id in lines:
            form.complain(f"the id {case.id!r} stands on line {lines[case.id]} already", node)
        lines.setdefault(case.id, case.line)
    if not form.problems and not cases:
        raise CasesError(f"{document.name}: there are no cases in it")
    if form.problems:
        more = len(form.problems) - MOST_SHOWN
        tail = [f"and {more} more problems"] if more > 0 else []
        raise CasesError("\n".join([*form.problems[:MOST_SHOWN], *tail]))
    return cases


class _Form:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[str] = []

    def complain(self, message: str, node: Node) -> None:
        self.problems.append(str(self.document.error(message, node.start)))

    def is_a(self, kind: type, node: Node, what: str, wanted: str) -> bool:
        if not isinstance(node.value, kind):
            self.complain(f"{what} is {node.kind}, not {wanted}", node)
        return isinstance(node.value, kind)

    def cases(self, values: list[Node]) -> tuple[list[Node], tuple[tuple[str, Text], ...]]:
        first = values[0]
        if len(values) > 1:
            return values, ()
        if isinstance(first.value, list):
            return first.value, ()
        if not self.is_a(dict, first, "the file", "a list of cases"):
            return [], ()
        if "claim" in first.value and "cases" not in first.value:
            return [first], ()
        self.known(first, ("cases", "let"), "the file")
        if "cases" not in first.value:
            self.complain('"cases" is missing', first)
            return [], ()
        inside = first.value["cases"]
        nodes = inside.value if self.is_a(list, inside, '"cases"', "a list") else []
        return nodes, self.let(first.value)

    def known(self, node: Node, keys: tuple[str, ...], what: str) -> None:
        for key, value in node.value.items():
            if key not in keys:
                self.complain(f"{what} has no key {key[:40]!r}{suggest(key[:40], keys)}", value)

    def case(self, node: Node, shared: tuple[tuple[str, Text], ...]) -> Case | None:
        if not self.is_a(dict, node, "a case", "an object"):
            return None
        parts: dict[str, Node] = node.value
        self.known(node, KEYS, "a case")
        for key in ("id", "claim"):
            if key not in parts:
                self.complain(f'a case without "{key}"', node)
        name = self.id(parts["id"]) if "id" in parts else ""
        claim = self.text(parts["claim"], '"claim"') if "claim" in parts else Text("", 0)
        expect = self.expect(parts.get("expect"))
        own = self.let(parts)
        return Case(
            name,
            self.document.line(node.start),
            claim,
            tuple(self.pairs(parts.get("symbols"), '"symbols"', "names with domains")),
            tuple(self.texts(parts.get("given"), '"given"', "relations")),
            (*(pair for pair in shared if head(pair[0]) not in {head(k) for k, _ in own}), *own),
            tuple(self.uses(parts.get("by"))),
            self.text(parts["hint"], '"hint"').text if "hint" in parts else "",
            expect,
        )

    def id(self, node: Node) -> str:
        if not self.is_a(str, node, '"id"', "text"):
            return ""
        if not node.value or len(node.value) > MAX_ID or not node.value.isprintable():
            self.complain(f"an id has 1 to {MAX_ID} printable characters", node)
        return node.value

    def expect(self, node: Node | None) -> str:
        if node is None or not self.is_a(str, node, '"expect"', "text"):
            return ""
        if node.value not in EXPECTED:
            hint = suggest(node.value[:40], EXPECTED)
            self.complain(f"{node.value[:40]!r} is not one of {', '.join(EXPECTED)}{hint}", node)
        return node.value

    def text(self, node: Node, what: str) -> Text:
        found = self.is_a(str, node, what, "text")
        return Text(node.value if found else "", self.document.line(node.start))

    def pairs(self, node: Node | None, what: str, wanted: str) -> Iterator[tuple[str, Text]]:
        if node is not None and self.is_a(dict, node, what, f"an object of {wanted}"):
            for key, value in node.value.items():
                yield key, self.text(value, f"{what}, {key[:40]!r},")

    def let(self, parts: dict[str, Node]) -> tuple[tuple[str, Text], ...]:
        return tuple(self.pairs(parts.get("let"), '"let"', "abbreviations with meanings"))

    def texts(self, node: Node | None, what: str, wanted: str) -> Iterator[Text]:
        if node is None:
            return
        if isinstance(node.value, str):
            yield self.text(node, what)
        elif self.is_a(list, node, what, f"a list of {wanted}"):
            for k, item in enumerate(node.value, 1):
                yield self.text(item, f"{what}, item {k},")

    def uses(self, node: Node | None) -> Iterator[Use]:
        if node is None:
            return
        for item in node.value if isinstance(node.value, list) else [node]:
            if not isinstance(item.value, dict):
                yield Use(self.text(item, 'an item of "by"'))
                continue
            self.known(item, ("theorem", "at", "part"), 'an item of "by"')
            if "theorem" not in item.value:
                self.complain('an item of "by" without "theorem"', item)
                continue
            at = self.pairs(item.value.get("at"), '"at"', "symbols of the theorem with values")
            key = self.text(item.value["theorem"], '"theorem"')
            yield Use(key, tuple((k, t.text) for k, t in at), self.part(item.value.get("part")))

    def part(self, node: Node | None) -> int:
        if node is None:
            return 0
        if not isinstance(node.value, Number) or not node.value.text.isdigit() or len(node.value.text) > 3:
            self.complain('"part" is the number of a claim, 0 for the first', node)
            return 0
        return int(node.value.text)


def head(text: str) -> str:
    """Return the name in ``"f(u, v)"`` or ``"f"``.

    Parameters
    ----------
    text : str
        Left side of an abbreviation.

    Returns
    -------
    str
    """
    return text.partition("(")[0].strip()
