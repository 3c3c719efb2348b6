"""From a case as it is written to the problems that it poses: declarations, abbreviations, hypotheses, claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from dltsym.cases.domains import declare
from dltsym.cases.read import Case, Text, head
from dltsym.errors import DltsymError, NotationError
from dltsym.notation.macros import Language, Macro
from dltsym.notation.matrices import MatrixNode
from dltsym.notation.parse import RESERVED, parse_expr, parse_relations
from dltsym.notation.scope import Scope
from dltsym.notation.source import pointed
from dltsym.notation.tree import Diff, Expr, Index, Integral, Limit, Rel, Sum, Sym, bound_symbol
from dltsym.notation.walk import T, binders, children, free_symbols, key, rebuild, substitute, subterms

_HEAD = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*(?:\(([^()]*)\)\s*)?")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class CaseError(DltsymError):
    """A part of one case cannot be read.

    Parameters
    ----------
    where : str
        Which part.
    line : int
        Line of the file on which the part begins.
    why : str
        What is wrong with it.
    text : str
        The part.
    column : int, optional
        Characters of the part before the place.
    """

    def __init__(self, where: str, line: int, why: str, text: str = "", column: int | None = None) -> None:
        self.where, self.line, self.why, self.text, self.column = where, line, why, text, column
        place = where if column is None else f"{where}, column {column + 1}"
        shown = "" if column is None else "\n" + pointed("".join(" " if c.isspace() else c for c in text), column)
        super().__init__(f"{place}: {why}{shown}")


@contextmanager
def reading(where: str, part: Text) -> Iterator[None]:
    """Say of what goes wrong inside which part of the case it is about.

    Parameters
    ----------
    where : str
        Name of the part.
    part : Text
        The part.

    Yields
    ------
    None

    Raises
    ------
    CaseError
        For any error that dltsym raises on purpose.
    """
    try:
        yield
    except CaseError:
        raise
    except NotationError as err:
        raise CaseError(where, part.line, err.message or str(err), part.text, err.column) from None
    except DltsymError as err:
        raise CaseError(where, part.line, str(err)) from None


@dataclass
class Abbreviations(Mapping[str, Macro]):
    """Macros of a case; each is read when it is used first, so that one file may serve many cases."""

    texts: Mapping[str, tuple[str, Text]]  # name to left side and meaning
    scope: Scope
    done: dict[str, Macro] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Macro:
        if name not in self.done:
            self.done[name] = self._read(name)
        return self.done[name]

    def __contains__(self, name: object) -> bool:
        return name in self.texts

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)

    def _read(self, name: str) -> Macro:
        left, meaning = self.texts[name]
        where = f'"let", {left[:40]!r}'
        if name in self.open:
            loop = " -> ".join([*self.open[self.open.index(name) :], name])
            raise CaseError(where, meaning.line, f"the abbreviations go in a circle: {loop}")
        found = _HEAD.fullmatch(left)
        words = [p.strip() for p in found[2].split(",")] if found and found[2] is not None else []
        if not all(_PARAMETER.fullmatch(p) and p not in RESERVED for p in words) or len({*words}) < len(words):
            raise CaseError(where, meaning.line, "write the parameters as different names: f(u, v)")
        params = {p: bound_symbol(p) for p in words}
        self.open.append(name)
        with reading(where, meaning):
            body = parse_expr(meaning.text, {**self.scope.symbols, **params}, Language(self, decimals=False))
            for part in subterms(body):
                if isinstance(part, Diff) and free_symbols(part.var) & {*params.values()}:
                    raise NotationError("a derivative with respect to a parameter: take it where it is used")
        self.open.pop()
        return Macro(tuple(params.values()), body)


@dataclass(frozen=True)
class Statement:
    """A case that has been read: what is declared, assumed and claimed."""

    scope: Scope
    given: tuple[Rel, ...]
    claim: tuple[Rel, ...]


def state(case: Case) -> Statement:
    """Read a case.

    Parameters
    ----------
    case : Case
        Case as it is written.

    Returns
    -------
    Statement

    Raises
    ------
    CaseError
        Naming the part, with a caret where there is a place to point at.
    """
    scope = Scope()
    macros = Abbreviations(_heads(case), scope)
    language = Language(macros, decimals=False)
    for name, domain in case.symbols:
        if name in macros:
            raise CaseError(f"symbol {name!r}", domain.line, 'it is an abbreviation in "let" too')
    _declare(case, scope, language)
    parts = [(f'"given", item {k}', part) for k, part in enumerate(case.given, 1)] + [("claim", case.claim)]
    read: list[tuple[Rel, ...]] = []
    for where, part in parts:
        with reading(where, part):
            rels = parse_relations(part.text, scope.symbols, language)
            _numbers(rels)
            read.append(tuple(_faithful(r, scope) for r in rels) if macros.done else rels)
    return Statement(scope, tuple(r for rels in read[:-1] for r in rels), read[-1])


def _declare(case: Case, scope: Scope, language: Language) -> None:
    """Declare the symbols, each after those that its domain names."""
    waiting = list(case.symbols)
    while waiting:
        later: list[tuple[tuple[str, Text], CaseError]] = []
        for name, domain in waiting:
            try:
                with reading(f"symbol {name[:60]!r}", domain):
                    declare(scope, name, domain.text, language)
            except CaseError as err:
                later.append(((name, domain), err))
        if len(later) == len(waiting):
            raise later[0][1]
        waiting = [item for item, _ in later]


def _heads(case: Case) -> dict[str, tuple[str, Text]]:
    out: dict[str, tuple[str, Text]] = {}
    for left, meaning in case.let:
        found, name = _HEAD.fullmatch(left), head(left)
        if found is None or name in RESERVED or name in out:
            why = "is taken" if found else "is no name; write f or f(u, v)"
            raise CaseError('"let"', meaning.line, f"{left[:40]!r} {why}")
        out[name] = left, meaning
    return out


def _numbers(rels: tuple[Rel, ...]) -> None:
    """Refuse an array where a number should stand."""
    for node in (part for rel in rels for part in subterms(rel)):
        for child in children(node):
            if isinstance(child, Sym) and child.decl.sort == "array" and not isinstance(node, Index | MatrixNode):
                raise NotationError(f"{child.name} is an array; an entry of it is written {child.name}[i]")


def _faithful(rel: Rel, scope: Scope) -> Rel:
    """Give bound variables of expanded abbreviations names that do not hide others; the text must say the same."""
    rel = _apart(rel)
    again = parse_relations(str(rel), scope.symbols)
    if len(again) != 1 or key(again[0]) != key(rel):
        raise NotationError("the expanded text would mean something else")
    return rel


def _apart(node: T) -> T:
    """Rename every bound variable that has the name of a symbol free in its own scope."""
    new = rebuild(node, tuple(_apart(c) for c in children(node)))
    for var in binders(new):
        names = {s.name for s in free_symbols(new)} | {s.name for s in binders(new) if s is not var}
        if var.name in names:
            new = _renamed(new, var, _free_name(var.name, names | _inside(new)))
    return new


def _inside(node: Expr | Rel) -> set[str]:
    return {s.name for part in subterms(node) for s in (*binders(part), *free_symbols(part))}


def _free_name(name: str, taken: set[str]) -> str:
    return next(f"{name}_{k}" for k in range(1, len(taken) + 2) if f"{name}_{k}" not in taken)


def _renamed(node: T, var: Sym, name: str) -> T:
    fresh = bound_symbol(name, var.decl.sort)
    match node:
        case Sum(body, limits):
            at = next(k for k, (v, _, _) in enumerate(limits) if v == var)
            swap = {var: fresh}
            inner = tuple((v, substitute(lo, swap), substitute(hi, swap)) for v, lo, hi in limits[:at])
            return Sum(substitute(body, swap), (*inner, (fresh, *limits[at][1:]), *limits[at + 1 :]))  # type: ignore[arg-type]
        case Integral(body, _, lo, hi):
            return Integral(substitute(body, {var: fresh}), fresh, lo, hi)  # type: ignore[return-value]
        case Limit(body, _, point, side):
            return Limit(substitute(body, {var: fresh}), fresh, point, side)  # type: ignore[return-value]
    return node
