"""The form of a record: what a chain concludes, whether a relation states another, what a kernel computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltsym.errors import RecordError, suggest
from dltsym.notation.tree import Expr, Index, Rel, Sym
from dltsym.notation.walk import T, expand_lets, key, substitute, transform
from dltsym.record import Claim, Derivation, Ode, Optimum, Premise, Rate, conclusion

_STRONGER = {"=": ("=", "<=", ">="), "<": ("<", "<=", "!="), ">": (">", ">=", "!="), "<=": ("<=",), ">=": (">=",),
             "!=": ("!=",)}


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
        return entries[e.array](*e.idx) if isinstance(e, Index) and e.array in entries else e

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
    a, b = expand_lets(a), expand_lets(b)
    swapped = Rel(a.rhs, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(a.op, a.op), a.lhs)
    return any(key(x.lhs) == key(b.lhs) and key(x.rhs) == key(b.rhs) and b.op in _STRONGER[x.op] for x in (a, swapped))


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
    """Return the kind of a record: identity, inequality, optimum, ODE or rate.

    Parameters
    ----------
    claims : sequence of Claim
        Claims of the record.

    Returns
    -------
    str
    """
    names = {Optimum: "optimum", Ode: "ODE", Rate: "rate"}
    kinds = [names.get(type(c)) or ("identity" if isinstance(c, Rel) and c.op == "=" else "inequality") for c in claims]
    return next((k for k in ("optimum", "ODE", "rate", "inequality") if k in kinds), "identity")


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
    names = [c.name for c in chains if c.name] + [g.name for g in given if isinstance(g, Premise)]
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
