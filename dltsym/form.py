"""The form of a record: what a chain concludes, whether a relation states another, what a kernel computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from dltsym.errors import NotationError, RecordError, UndeclaredSymbol, suggest
from dltsym.notation.tree import (
    Add,
    Call,
    Div,
    Expr,
    Index,
    Limit,
    Mul,
    Neg,
    Num,
    Pow,
    Rel,
    Sym,
    as_expr,
    bound_symbol,
)
from dltsym.notation.walk import T, children, expand_lets, free_symbols, key, substitute, subterms, transform
from dltsym.record import Claim, Convex, Derivation, Ode, Optimum, Premise, Rate, conclusion

_STRONGER = {
    "=": ("=", "<=", ">="),
    "<": ("<", "<=", "!="),
    ">": (">", ">=", "!="),
    "<=": ("<=",),
    ">=": (">=",),
    "!=": ("!=",),
}


def replace_symbols(node: T, mapping: Mapping[Sym, Any]) -> T:
    """Substitute symbols; an array may be replaced by a function of its indices.

    Parameters
    ----------
    node : Expr or Rel
        Tree.
    mapping : dict of Sym to Expr or callable
        A callable gets the index expressions of an array entry and returns its value.

    Returns
    -------
    Expr or Rel
    """
    entries = {s: f for s, f in mapping.items() if callable(f) and not isinstance(f, Expr)}

    def rule(e: Expr) -> Expr:
        return as_expr(entries[e.array](*e.idx)) if isinstance(e, Index) and e.array in entries else e

    node = transform(node, rule) if entries else node
    return substitute(node, {s: e for s, e in mapping.items() if s not in entries})


def same(a: Rel, b: Rel) -> bool:
    """Whether relation `a` states `b`: same sides, and its relation is at least as strong.

    Parameters
    ----------
    a, b : Rel
        Relations.

    Returns
    -------
    bool
    """
    a, b = transform(expand_lets(a), _number), transform(expand_lets(b), _number)
    swapped = Rel(a.rhs, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(a.op, a.op), a.lhs)
    return any(key(x.lhs) == key(b.lhs) and key(x.rhs) == key(b.rhs) and b.op in _STRONGER[x.op] for x in (a, swapped))


def _number(e: Expr) -> Expr:
    """Write a number in one way: 1/4 may be a quotient of text or one fraction."""
    match e:
        case Div(Num(a), Num(b)) if b != 0:
            return Num(a / b)
        case Neg(Num(a)):
            return Num(-a)
    return e


def as_list(what: Any) -> list[Any]:
    """Return `what` as a list: a sequence as it is, None as empty, anything else as its only item.

    Parameters
    ----------
    what : object
        Anything.

    Returns
    -------
    list
    """
    return list(what) if isinstance(what, list | tuple) else [] if what is None else [what]


def default_outputs(claims: Sequence[Claim]) -> dict[str, Expr]:
    """Return what a kernel computes when the record does not say: right sides, optima, solutions.

    Parameters
    ----------
    claims : sequence of Claim
        Claims of the record.

    Returns
    -------
    dict of str to Expr
    """
    out: dict[str, Expr] = {}
    for k, claim in enumerate(claims):
        tail = str(k + 1) if k else ""
        match claim:
            case Rel():
                out[f"value{tail}"] = claim.rhs
            case Optimum():
                out |= {s.name: e for s, e in claim.at.items() if isinstance(e, Expr)} | {f"optimum{tail}": claim.value}
            case Ode():
                out[claim.unknown.name] = claim.solution
            case Rate():
                out |= {f"quantity{tail}": claim.quantity, f"exponent{tail}": claim.exponent}
    return out


def kind_of(claims: Sequence[Claim]) -> str:
    """Return the kind of a record: identity, inequality, limit, optimum, ODE or rate.

    Parameters
    ----------
    claims : sequence of Claim
        Claims of the record.

    Returns
    -------
    str
    """
    kinds = [_kind(c) for c in claims]
    return next((k for k in ("optimum", "ODE", "rate", "limit", "inequality") if k in kinds), "identity")


def _kind(claim: Claim) -> str:
    if not isinstance(claim, Rel):
        return {Optimum: "optimum", Ode: "ODE", Rate: "rate"}[type(claim)]
    if any(isinstance(t, Limit) for t in subterms(claim)):
        return "limit"
    return "identity" if claim.op == "=" else "inequality"


def check_chains(claims: Sequence[Claim], given: Sequence[Rel | Premise], chains: Sequence[Derivation]) -> None:
    """Raise unless every unnamed chain concludes a claim and names are unique.

    Parameters
    ----------
    claims, given, chains
        Parts of a record.

    Raises
    ------
    RecordError
        Naming the chain and what it proves instead.
    """
    if not claims:
        raise RecordError("the record claims nothing")
    names = [c.name for c in chains if c.name] + [g.name for g in given if isinstance(g, Premise)]
    for k, chain in enumerate(chains, 1):
        _check_terms(k, chain)
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise RecordError(f"the name {sorted(twice)[0]!r} is used twice")
    for k, chain in enumerate(chains, 1):
        for j, step in enumerate(chain.steps, 1):
            for use in step.by:
                if isinstance(use, str) and use not in names:
                    raise RecordError(f"chain {k}, step {j}: nothing is called {use!r}{suggest(use, names)}")
        if chain.name:
            continue
        ends = concluded(chain, given)
        if not any(isinstance(c, Rel) and same(ends, c) for c in claims):
            shown = "; ".join(str(c) for c in claims if isinstance(c, Rel)) or "no relation"
            raise RecordError(
                f"chain {k} does not end at its claim: it proves {ends}, the claims are {shown}; "
                f"mend its last step or name the chain"
            )


def _check_terms(number: int, chain: Derivation) -> None:
    relations = isinstance(chain.start, Rel)
    for k, step in enumerate(chain.steps, 1):
        if isinstance(step.to, Rel) != relations or (step.op == "iff") != relations:
            what = "relations, joined by iff" if relations else "expressions, joined by =, <, <=, > or >="
            raise RecordError(
                f"chain {number}, step {k} ({step.op} {step.to}): the chain starts at {chain.start}, "
                f"so it runs over {what}"
            )


def concluded(chain: Derivation, given: Sequence[Rel | Premise]) -> Rel:
    """Return what a chain concludes; an equivalence chain must start at a hypothesis and concludes its last relation.

    Parameters
    ----------
    chain : Derivation
        Chain.
    given : sequence of Rel or Premise
        Hypotheses.

    Returns
    -------
    Rel

    Raises
    ------
    RecordError
        When an equivalence chain does not start at a hypothesis.
    """
    if not isinstance(chain.start, Rel):
        return conclusion(chain)
    rels = [g.rel if isinstance(g, Premise) else g for g in given]
    if not chain.steps or not any(same(r, chain.start) for r in rels):
        raise RecordError(f"the equivalence chain from {chain.start} does not start at a hypothesis")
    return chain.steps[-1].to  # type: ignore[return-value]


def parts(claim: Claim) -> Iterator[Any]:
    """Yield every tree, and every function of indices, that a claim is written with.

    Parameters
    ----------
    claim : Claim
        Claim.

    Yields
    ------
    Expr, Rel or callable
    """
    match claim:
        case Rel():
            yield claim
        case Optimum(proof=proof):
            yield from (claim.objective, claim.value, *claim.subject_to, *claim.over, *claim.at, *claim.at.values())
            if isinstance(proof, Convex):
                yield from (proof.u, proof.inverse, *proof.param, *proof.param.values())
            else:
                yield proof.gap
        case Ode():
            yield from (claim.unknown, claim.var, claim.equation, claim.solution, claim.start, claim.initial)
        case Rate():
            yield from (claim.quantity, claim.var, claim.exponent)


def symbols_of(what: Any, rank: int = 1) -> frozenset[Sym]:
    """Return the free symbols of a tree or of a function of `rank` indices, let-names expanded.

    Parameters
    ----------
    what : Expr, Rel or callable
        Part of a record.
    rank : int
        Number of indices that a callable takes.

    Returns
    -------
    frozenset of Sym
    """
    own: tuple[Sym, ...] = ()
    if callable(what) and not isinstance(what, Expr):
        own = tuple(bound_symbol(f"i{k}") for k in range(rank))
        what = as_expr(what(*own))
    return free_symbols(expand_lets(what)) - frozenset(own)


def image_symbols(mapping: Mapping[Sym, Any]) -> frozenset[Sym]:
    """Return the free symbols of the values of a mapping of symbols.

    Parameters
    ----------
    mapping : dict of Sym to Expr or callable
        Values of symbols.

    Returns
    -------
    frozenset of Sym
    """
    return frozenset().union(*(symbols_of(e, len(s.decl.shape)) for s, e in mapping.items()))


def check_owned(what: Any, symbols: Mapping[str, Sym], where: str, rank: int = 1) -> None:
    """Raise if a tree, or a function of indices, uses a symbol that is not one of `symbols`.

    Symbols are told apart by name later on, so one of another scope would pass for its namesake.

    Parameters
    ----------
    what : Expr, Rel or callable
        Part of a record.
    symbols : mapping of str to Sym
        Declared symbols.
    where : str
        Named in the message.
    rank : int
        Number of indices that a callable takes.

    Raises
    ------
    UndeclaredSymbol
        When a free symbol is unknown or belongs to another scope.
    """
    for sym in sorted(symbols_of(what, rank), key=lambda s: s.name):
        if symbols.get(sym.name) != sym:
            why = " here (it belongs to another scope)" if sym.name in symbols else suggest(sym.name, symbols)
            raise UndeclaredSymbol(f"{where}: symbol {sym.name} is not declared{why}")


def check_entries(what: Expr | Rel, where: str) -> None:
    """Raise if an array stands where a number belongs: an inequality or a product is about entries.

    Parameters
    ----------
    what : Expr or Rel
        Part of a record.
    where : str
        Named in the message.

    Raises
    ------
    NotationError
        Naming the array, and how an entry is written.
    """
    for node in subterms(what):
        for part in children(node) if isinstance(node, Rel | Add | Mul | Div | Pow | Neg | Call) else ():
            if isinstance(part, Sym) and part.decl.sort == "array":
                idx = ", ".join("ijkl"[: len(part.decl.shape)])
                raise NotationError(
                    f"{where}: {part.name} is an array, and {node} needs a number; write the entry {part.name}[{idx}], "
                    f"with an index of v.sum(lambda ...), or one declared by v.index"
                )


def inputs_by_name(inputs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return inputs by the names of their symbols.

    Parameters
    ----------
    inputs : mapping of str or Sym to object
        As written in a record.

    Returns
    -------
    dict of str to object
    """
    return {name.name if isinstance(name, Sym) else str(name): what for name, what in inputs.items()}


def sizes(symbols: Mapping[str, Sym], inputs: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes that arrays among some inputs give to symbols which have no value there.

    Parameters
    ----------
    symbols : mapping of str to Sym
        Declarations.
    inputs : mapping of str to object
        Numbers and nested lists by name.

    Returns
    -------
    dict of str to int
        Of several arrays the first one counts; whether the others agree is checked with the inputs.
    """
    out: dict[str, int] = {}
    for name, level in inputs.items():
        for lo, hi in symbols[name].decl.shape if name in symbols else ():
            if not isinstance(level, list | tuple):
                break
            size, more = _shifted(hi)
            if size is not None and isinstance(lo, Num) and size.name not in inputs:
                out.setdefault(size.name, int(len(level) - 1 + lo.value - more))
            level = level[0] if level else None
    return out


def _shifted(last: Expr) -> tuple[Sym | None, Any]:
    """Split the last index of a range into a symbol and a number that is added to it."""
    terms = last.args if isinstance(last, Add) else (last,)
    syms = [t for t in terms if isinstance(t, Sym)]
    more = [t.value for t in terms if isinstance(t, Num)] + [-t.arg.value for t in terms if _less(t)]
    return (syms[0], sum(more)) if len(syms) == 1 and len(more) == len(terms) - 1 else (None, 0)


def _less(term: Expr) -> TypeGuard[Any]:
    return isinstance(term, Neg) and isinstance(term.arg, Num)
