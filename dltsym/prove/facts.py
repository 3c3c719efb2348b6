"""Facts that a step may use: other theorems at an instance, cited premises, earlier chains of the same record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.errors import RecordError
from dltsym.form import check_owned, replace_symbols
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Add, Call, Decl, Expr, Index, Mul, Neg, Num, Rel, Sym, as_expr
from dltsym.notation.walk import expand_lets, free_symbols, key, substitute, subterms
from dltsym.prove.definedness import conditions
from dltsym.prove.definedness import prove as condition_row
from dltsym.prove.problem import Fact, Problem, bounds_of, declared_bounds, prepare
from dltsym.prove.report import Report
from dltsym.prove.signs import entails
from dltsym.prove.verdict import Row, weakest
from dltsym.record import Lemma, Optimum, Premise, Theorem

Resolve = Callable[[str], Theorem]
ReportOf = Callable[[str], Report]


@dataclass(frozen=True)
class Used:
    """A fact with what it rests on: rows of its hypotheses, premises it cites, theorems it comes from.

    `without` is the grade of the fact when its cited premises are left out.
    """

    fact: Fact
    without: str = "exact"
    rows: tuple[Row, ...] = ()
    cited: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def is_integer(expr: Expr) -> bool:
    """Whether an expression is built from integers by ``+ - *`` only.

    Parameters
    ----------
    expr : Expr
        Tree.

    Returns
    -------
    bool
    """
    match expr:
        case Num(value):
            return value.denominator == 1
        case Sym(decl):
            return decl.sort in ("integer", "index", "bound")
        case Neg(arg):
            return is_integer(arg)
        case Add(args) | Mul(args):
            return all(map(is_integer, args))
    return False


def premise_fact(item: Premise) -> Used:
    """Return a cited premise as a fact.

    Parameters
    ----------
    item : Premise
        Premise of the record.

    Returns
    -------
    Used
    """
    source = f"{item.source.key} {item.source.where}".strip()
    return Used(Fact(item.name, item.rel, "cited"), cited=(source,))


def lemma_claim(lemma: Lemma, theorem: Theorem) -> Rel:
    """Return the relation that a lemma offers: the chosen claim, or for an optimum ``value <= objective``.

    Parameters
    ----------
    lemma : Lemma
        Reference.
    theorem : Theorem
        What it refers to.

    Returns
    -------
    Rel

    Raises
    ------
    RecordError
        When there is no such part, or it is not a relation.
    """
    if not 0 <= lemma.part < len(theorem.claims):
        raise RecordError(f"{lemma.key} has {len(theorem.claims)} claim(s), no part {lemma.part}")
    claim = theorem.claims[lemma.part]
    if isinstance(claim, Optimum):
        return Rel(claim.value, "<=" if claim.sense == "min" else ">=", claim.objective)
    if not isinstance(claim, Rel):
        raise RecordError(f"part {lemma.part} of {lemma.key} is not a relation and cannot be used in a step")
    return claim


def instance_of(lemma: Lemma, theorem: Theorem, symbols: Mapping[str, Sym], goal: Rel) -> dict[Sym, Any]:
    """Return the values of the symbols of a lemma: those given, those matched in the goal, those of the same name.

    Parameters
    ----------
    lemma : Lemma
        Reference with explicit values.
    theorem : Theorem
        What it refers to.
    symbols : mapping of str to Sym
        Symbols of the user.
    goal : Rel
        Step in which it is used.

    Returns
    -------
    dict of Sym to Expr or callable

    Raises
    ------
    RecordError
        When a symbol of the lemma gets no value.
    """
    out: dict[Sym, Any] = {}
    for name, given in lemma.at:
        if name not in theorem.symbols:
            raise RecordError(f"{lemma.key} has no symbol {name}; it has {', '.join(theorem.symbols)}")
        sym = theorem.symbols[name]
        out[sym] = (
            given
            if callable(given) and not isinstance(given, Expr)
            else (parse_expr(given, dict(symbols)) if isinstance(given, str) else as_expr(given))
        )
        check_owned(out[sym], symbols, f"{lemma.key}, {name}", len(sym.decl.shape))
    claim = lemma_claim(lemma, theorem)
    for pattern, target in _matches(claim, goal):
        if all(isinstance(a, Sym) for a in pattern.args) and not any(a in out for a in pattern.args):
            out.update(zip(pattern.args, target.args, strict=True))  # pyright: ignore[reportArgumentType,reportCallIssue]
    for name, sym in theorem.symbols.items():
        if sym not in out and sym.decl.sort != "let" and name in symbols:
            out[sym] = symbols[name]
    needed = [s for s in theorem.symbols.values() if s.decl.sort not in ("let", "index") and _occurs(s, theorem, claim)]
    lost = [s.name for s in needed if s not in out]
    for sym in theorem.symbols.values():
        if sym.decl.sort == "index" and sym not in out and sym.decl.lo is not None and sym.decl.hi is not None:
            out[sym] = Sym(_generic(sym.decl.lo, sym.decl.hi, f"any.{sym.name}", out))
    if lost:
        shown = f"thm({lemma.key!r}, {lost[0]}=...)"
        raise RecordError(f"{lemma.key}: give a value for {', '.join(lost)}, for example {shown}")
    return out


def _occurs(sym: Sym, theorem: Theorem, claim: Rel) -> bool:
    rels = prepare(claim, [g.rel if isinstance(g, Premise) else g for g in theorem.given])
    return sym in rels.symbols


def _matches(claim: Rel, goal: Rel) -> Iterator[tuple[Call, Call]]:
    targets = [t for t in subterms(goal) if isinstance(t, Call)]
    for pattern in subterms(claim):
        if isinstance(pattern, Call) and len(pattern.args) > 1:
            hit = next((t for t in targets if t.name == pattern.name), None)
            if hit is not None:
                yield pattern, hit


def lemma_fact(lemma: Lemma, step: Problem, symbols: Mapping[str, Sym], resolve: Resolve, report_of: ReportOf) -> Used:
    """Return another theorem at an instance, after its hypotheses are proved there.

    Parameters
    ----------
    lemma : Lemma
        Reference.
    step : Problem
        The step that uses it; its hypotheses must imply those of the lemma.
    symbols : mapping of str to Sym
        Symbols of the user.
    resolve, report_of : callable
        Theorem and report of a key.

    Returns
    -------
    Used
        With `missing` naming every hypothesis that could not be proved.
    """
    theorem = resolve(lemma.key)
    whole = theorem.claims[lemma.part] if 0 <= lemma.part < len(theorem.claims) else None
    feasible = whole.subject_to if isinstance(whole, Optimum) else ()  # an optimum compares feasible points only
    given = [g.rel if isinstance(g, Premise) else g for g in theorem.given]
    claim = prepare(lemma_claim(lemma, theorem), [*given, *feasible])
    at = instance_of(lemma, theorem, symbols, step.goal)
    rows, missing = [], []
    wrong = _sorts(claim, at, lemma.key)
    if wrong:  # such an instance cannot even be written down
        return Used(Fact(lemma.key, claim.goal, "open"), "open", missing=tuple(wrong), uses=(lemma.key,))
    for need in (*_hypotheses(claim, at), *(replace_symbols(r, at).flipped() for r in _domains(claim, at))):
        row = _stated(need, step) or entails(need, step)
        if row is None:
            missing.append(f"{lemma.key} needs {need}")
        else:
            rows.append(row)
    missing += _undefined(at, step, lemma.key)
    rel = replace_symbols(claim.goal, at)  # derivatives are carried out: an instance of one is not one of the instance
    report = report_of(lemma.key)
    if not report.ok or report.grade == "open":
        missing.append(f"{lemma.key} is not proved itself ({report.grade})")
    fact = Fact(lemma.key, rel, report.grade)
    uses = (lemma.key, *report.uses)
    return Used(fact, report.grade_without_cited, tuple(rows), report.cited, uses, tuple(missing))


def _stated(need: Rel, step: Problem) -> Row | None:
    """Find a relation among hypotheses and facts as it stands, up to the name of its index: this needs no search."""
    need = prepare(need).goal
    mine = [s for s in free_symbols(need) if s.decl.sort == "index"]
    for rel in step.known:
        theirs = [s for s in free_symbols(rel) if s.decl.sort == "index"]
        if (
            len(theirs) != len(mine)
            or len(mine) > 1
            or rel.op not in ((need.op, "<") if need.op == "<=" else (need.op,))
        ):
            continue
        if [_span(s) for s in theirs] == [_span(s) for s in mine]:
            here = substitute(rel, dict(zip(theirs, mine, strict=True)))
            if (key(here.lhs), key(here.rhs)) == (key(need.lhs), key(need.rhs)):
                return Row(str(need), "exact", "stated")
    return None


def _span(index: Sym) -> tuple[str, ...]:
    return tuple("" if e is None else key(e) for e in (index.decl.lo, index.decl.hi))


def _hypotheses(claim: Problem, at: Mapping[Sym, Any]) -> Iterator[Rel]:
    """Yield the hypotheses at the instance; an index in one of them means every index, whatever `at` makes of it."""
    for rel in claim.given:
        every = dict(at)
        for s in free_symbols(rel):
            if s.decl.sort == "index" and s.decl.lo is not None and s.decl.hi is not None:
                every[s] = Sym(_generic(s.decl.lo, s.decl.hi, f"any.{s.name}", at))
        yield replace_symbols(rel, every).flipped()


def _undefined(at: Mapping[Sym, Any], step: Problem, name: str) -> list[str]:
    """Name the side conditions of the values given to the symbols of a lemma that do not follow from the step."""
    out = []
    for sym, image in at.items():
        local: tuple[Rel, ...] = ()
        if callable(image) and not isinstance(image, Expr):
            free = tuple(Sym(_generic(lo, hi, k, at)) for k, (lo, hi) in enumerate(sym.decl.shape))
            image, local = as_expr(image(*free)), tuple(b for s in free for b in declared_bounds(s))
        lost = [c for c in conditions(expand_lets(image)) if condition_row(c, step, local) is None]
        out += [f"{name} at {sym.name} = {image}: {c}" for c in lost]
    return out


def _domains(claim: Problem, at: Mapping[Sym, Any]) -> Iterator[Rel]:
    for sym in claim.symbols:
        if sym not in at:
            continue
        if sym.decl.sort == "array":
            free = tuple(Sym(_generic(lo, hi, k, at)) for k, (lo, hi) in enumerate(sym.decl.shape))
            yield from bounds_of(Index(sym, free), sym)
        else:
            yield from bounds_of(sym, sym)


def _generic(lo: Expr, hi: Expr, name: int | str, at: Mapping[Sym, Any]) -> Decl:
    label = name if isinstance(name, str) else f"any.{name}"  # no symbol can be declared by a name with a dot
    return Decl(label, "index", lo=replace_symbols(lo, at), hi=replace_symbols(hi, at))


def _sorts(claim: Problem, at: Mapping[Sym, Any], name: str) -> list[str]:
    out = []
    for sym in claim.symbols:
        image = at.get(sym)
        if sym.decl.sort in ("integer", "index") and isinstance(image, Expr) and not is_integer(image):
            out.append(f"{name} needs an integer for {sym.name}, got {image}")
        if sym.decl.sort != "array" and isinstance(image, Sym) and image.decl.sort == "array":
            out.append(f"{name} needs a number for {sym.name}, got the array {image.name}")
        if sym.decl.sort == "array" and isinstance(image, Expr) and not isinstance(image, Sym):
            out.append(f"{name} needs an array for {sym.name}, got {image}; write a function of its indices")
        if sym.decl.sort == "array" and isinstance(image, Sym):
            if image.decl.sort != "array" or len(image.decl.shape) != len(sym.decl.shape):
                out.append(f"{name} needs an array of the same rank for {sym.name}, got {image.name}")
                continue
            wanted = [key(replace_symbols(e, at)) for pair in sym.decl.shape for e in pair]
            if wanted != [key(e) for pair in image.decl.shape for e in pair]:
                out.append(f"{name}: the ranges of {image.name} differ from those of {sym.name}")
    return out


def inhabited(problem: Problem, about: Iterable[Rel], given: Iterable[Rel]) -> tuple[tuple[Row, ...], list[str]]:
    """Prove that every symbol a step brings in has a value: a chain through an empty domain proves nothing.

    Parameters
    ----------
    problem : Problem
        The step with its facts.
    about : iterable of Rel
        What the step serves to conclude; its symbols are quantified in the statement.
    given : iterable of Rel
        Hypotheses of the record; their symbols too are part of the statement, index symbols excepted.

    Returns
    -------
    tuple
        Rows, and the symbols that may have no value, in words.
    """
    hypotheses = prepare(problem.goal, given).given
    stated = {s for r in about for s in prepare(r).symbols}
    stated |= {s for r in hypotheses for s in prepare(r).symbols if s.decl.sort != "index"}
    used = set(prepare(problem.goal).symbols)
    used |= {s for f in problem.facts for s in prepare(f.rel).symbols if s.decl.sort != "index"}
    rows, missing = [], []
    for sym in sorted(used - stated, key=lambda s: s.name):
        d = sym.decl
        if d.lo is None or d.hi is None:
            continue
        whole = d.sort not in ("integer", "index") or (is_integer(d.lo) and is_integer(d.hi))
        need = Rel(d.lo, "<" if d.lo_open or d.hi_open else "<=", d.hi)
        row = entails(need, Problem(need, hypotheses)) if whole else None
        if row is None:
            missing.append(f"{sym.name} may have no value: {need} is not proved")
        else:
            rows.append(row)
    return tuple(rows), missing


def grade_with(used: tuple[Used, ...], grade: str) -> tuple[str, str]:
    """Return the grade of a step with its facts, and the same without cited premises.

    Parameters
    ----------
    used : tuple of Used
        Facts of the step.
    grade : str
        Grade of the engine and its rows.

    Returns
    -------
    tuple of str
    """
    rows = [r.grade for u in used for r in u.rows]
    return weakest([grade, *rows, *(u.fact.grade for u in used)]), weakest([grade, *rows, *(u.without for u in used)])
