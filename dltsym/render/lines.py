"""A statement line by line: domains of the symbols, hypotheses, claims, definitions of let-names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.notation.latex import symbol_latex, to_latex
from dltsym.notation.tree import Add, Expr, Neg, Num, Rel, Sym, as_expr, bound_symbol
from dltsym.notation.walk import free_symbols
from dltsym.record import Claim, Ode, Optimum, Premise, Rate, Source, Theorem

_LESS, _MORE = (r"\le", "<"), (r"\ge", ">")  # closed, open


@dataclass(frozen=True)
class Line:
    """One line of a statement: `body` is LaTeX when `math`, else mixed text with an optional source."""

    role: str
    body: str
    math: bool = False
    source: Source | None = None


def domain_latex(sym: Sym) -> str:
    r"""Return the declared domain of a symbol as a LaTeX relation, such as ``0 \le r \le 1``.

    Parameters
    ----------
    sym : Sym
        Declared symbol.

    Returns
    -------
    str
    """
    d, name = sym.decl, symbol_latex(sym)
    if d.definition is not None:
        return f"{name} = {to_latex(d.definition)}"
    if d.sort in ("array", "matrix"):
        sizes = r" \times ".join(to_latex(_extent(lo, hi)) for lo, hi in d.shape)
        return rf"{name} \in {_interval(sym)}^{{{sizes}}}"
    if d.sort == "index":
        return rf"{name} \in \{{{_end(d.lo)}, \dots, {_end(d.hi)}\}}"
    if d.sort == "integer":
        return _integers(sym)
    below, above = _LESS[d.lo_open], _LESS[d.hi_open]
    if d.lo is None and d.hi is None:
        return rf"{name} \in \mathbb{{R}}"
    if d.hi is None:
        return f"{name} {_MORE[d.lo_open]} {_end(d.lo)}"
    return (f"{_end(d.lo)} {below} " if d.lo is not None else "") + f"{name} {above} {_end(d.hi)}"


def _extent(lo: Expr, hi: Expr) -> Expr:
    """Count the places from lo to hi, in the shortest form."""
    first = lo.value if isinstance(lo, Num) else None
    if first == 1:
        return hi
    if (
        first == 0
        and isinstance(hi, Add)
        and len(hi.args) == 2
        and hi.args[1] in (Neg(Num(Fraction(1))), Num(Fraction(-1)))
    ):
        return hi.args[0]
    return hi - lo + 1


def _end(bound: Expr | None) -> str:
    return to_latex(bound) if bound is not None else ""


def _integers(sym: Sym) -> str:
    d, name = sym.decl, symbol_latex(sym)
    if d.lo is None:
        return rf"{name} \in \mathbb{{Z}}" + (rf",\ {name} \le {_end(d.hi)}" if d.hi is not None else "")
    after = str(d.lo.value + 1) if isinstance(d.lo, Num) else f"{_end(d.lo)} + 1"
    last = f", {_end(d.hi)}" if d.hi is not None else ""
    return rf"{name} \in \{{{_end(d.lo)}, {after}, \dots{last}\}}"


def _interval(sym: Sym) -> str:
    d = sym.decl
    if d.lo is None and d.hi is None:
        return r"\mathbb{R}"
    left = "(" if d.lo is None or d.lo_open else "["
    right = ")" if d.hi is None or d.hi_open else "]"
    lo = r"-\infty" if d.lo is None else _end(d.lo)
    hi = r"\infty" if d.hi is None else _end(d.hi)
    return f"{left}{lo}, {hi}{right}"


def claim_expressions(claim: Claim) -> tuple[Expr | Rel, ...]:
    """Return every tree that a claim shows.

    Parameters
    ----------
    claim : Claim
        Any kind of claim.

    Returns
    -------
    tuple of Expr or Rel
    """
    match claim:
        case Rel():
            return (claim,)
        case Optimum():
            images = tuple(e for e in claim.at.values() if isinstance(e, Expr))
            return (claim.objective, claim.value, *claim.over, *images, *claim.subject_to)
        case Ode():
            return (claim.unknown, claim.var, claim.equation, claim.solution, claim.start, claim.initial)
        case Rate():
            return (claim.quantity, claim.var, claim.exponent)


def used_symbols(theorem: Theorem, proof: bool = False) -> tuple[Sym, ...]:
    """Return the symbols of a statement in the order of declaration, those inside let-definitions included.

    Parameters
    ----------
    theorem : Theorem
        Record.
    proof : bool
        Also look at the derivation.

    Returns
    -------
    tuple of Sym
    """
    trees: list[Expr | Rel] = [t for claim in theorem.claims for t in claim_expressions(claim)]
    trees += [g.rel if isinstance(g, Premise) else g for g in theorem.given]
    if proof:
        trees += [t for chain in theorem.proof for t in (chain.start, *(s.to for s in chain.steps))]
    found: set[str] = set()
    while trees:
        for sym in free_symbols(trees.pop()):
            if sym.name not in found:
                found.add(sym.name)
                d = sym.decl
                sizes = [e for pair in d.shape for e in pair]
                trees += [e for e in (d.definition, d.lo, d.hi, *sizes) if e is not None]
    return tuple(s for name, s in theorem.symbols.items() if name in found)


def statement_lines(theorem: Theorem) -> tuple[Line, ...]:
    """Return the statement line by line: domains, hypotheses, claims, definitions of let-names.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    tuple of Line
    """
    used = used_symbols(theorem)
    domains = [f"${domain_latex(s)}$" for s in used if s.decl.definition is None]
    lines = [Line("domain", f"For all {', '.join(domains)}:")] if domains else []
    plain = [g for g in theorem.given if not isinstance(g, Premise)]
    lines += [Line("given", rf"\text{{{'and' if k else 'if'} }} {to_latex(g)}", True) for k, g in enumerate(plain)]
    for g in (g for g in theorem.given if isinstance(g, Premise)):
        wording = f": {g.wording.rstrip('.')}" if g.wording else ""
        lines += [Line("premise", rf"\text{{assume }} {to_latex(g.rel)}", True)]
        lines += [Line("wording", f"{g.name}{wording}.", source=g.source)]
    for claim in theorem.claims:
        lines += [Line("claim", body, True) for body in claim_lines(claim)]
    lets = [s for s in used if s.decl.definition is not None]
    for k, s in enumerate(lets):
        lines.append(Line("where", rf"\text{{{'and' if k else 'where'} }} {domain_latex(s)}", True))
    return tuple(lines)


def source_text(source: Source) -> str:
    """Return a source as mixed text with its bibliography key in square brackets.

    Parameters
    ----------
    source : Source
        Place in the literature.

    Returns
    -------
    str
    """
    return f"[{source.key}{', ' + source.where if source.where else ''}]"


def claim_lines(claim: Claim) -> tuple[str, ...]:
    r"""Return a claim as LaTeX lines with ``\text`` between the formulas.

    Parameters
    ----------
    claim : Claim
        Any kind of claim.

    Returns
    -------
    tuple of str
    """
    match claim:
        case Rel():
            return (to_latex(claim),)
        case Optimum():
            return _optimum_lines(claim)
        case Ode():
            begin = f"{symbol_latex(claim.unknown)}({to_latex(claim.start)}) = {to_latex(claim.initial)}"
            solution = f"{symbol_latex(claim.unknown)}({symbol_latex(claim.var)}) = {to_latex(claim.solution)}"
            return (solution, rf"\text{{solves }} {to_latex(claim.equation)}, \quad {begin}")
        case Rate():
            body = to_latex(claim.quantity)
            name = body if isinstance(claim.quantity, Sym) else rf"\left({body}\right)"
            slope = rf"\frac{{\partial \log {name}}}{{\partial \log {symbol_latex(claim.var)}}}"
            return (f"{slope} = {to_latex(claim.exponent)}",)


def _optimum_lines(claim: Optimum) -> tuple[str, ...]:
    where = r", \quad ".join(assignment(sym, image, r"^{\star}") for sym, image in claim.at.items())
    verb = "minimises" if claim.sense == "min" else "maximises"
    over = ", ".join(symbol_latex(s) for s in claim.over)
    lines = [where, rf"\text{{{verb} }} {to_latex(claim.objective)} \text{{ over }} {over}"]
    if claim.subject_to:
        lines.append(r"\text{subject to } " + r", \quad ".join(to_latex(r) for r in claim.subject_to))
    return (*lines, rf"\text{{with value }} {to_latex(claim.value)}")


def assignment(sym: Sym, image: Any, mark: str = "") -> str:
    r"""Return ``symbol = image``; an array given as a function of its indices is shown entry by entry.

    Parameters
    ----------
    sym : Sym
        Symbol.
    image : Expr or callable
        Its value; of an array, a function of its indices that returns an expression or a number.
    mark : str
        Superscript for the symbol, such as ``^{\star}``.

    Returns
    -------
    str
    """
    name = symbol_latex(sym)
    name = f"{{{name}}}{mark}" if mark and "^" in name else f"{name}{mark}"
    if isinstance(image, Expr):  # a let-name such as N_star says it already
        same = [re.sub(r"\\star|[{}\s]", lambda m: "*" if m[0] == r"\star" else "", t) for t in (name, to_latex(image))]
        return name if same[0] == same[1] else f"{name} = {to_latex(image)}"
    letters = [bound_symbol(c) for c in "ijkl"[: len(sym.decl.shape)]]
    idx = "".join(s.name for s in letters)
    entry = f"{name}_{{{idx}}}" if "_" not in name else f"({name})_{{{idx}}}"
    return f"{entry} = {to_latex(as_expr(image(*letters)))}"
