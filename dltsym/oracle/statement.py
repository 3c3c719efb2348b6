"""Statements: what a callable is held against, as trees per mode, and the programs that evaluate them.

A statement comes from the operator or the outputs of a record, a compiled kernel, or a user's own expressions. Rounding
errors are charged to the statement as written, or to the form (`Operator.forms`) that a kernel claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from dltsym.errors import DomainError, UnknownKey, suggest
from dltsym.lower.compiler import build, finish
from dltsym.lower.front.reading import Question, question
from dltsym.lower.kernel import Kernel
from dltsym.notation.tree import Decl, Expr, Index, Rel, Sym
from dltsym.notation.walk import free_symbols, substitute
from dltsym.operators import Root
from dltsym.oracle.spec import Spec, SpecInput, SpecOutput
from dltsym.record import Theorem

Trees = Mapping[str, Expr | Root]
Modes = tuple[tuple[str, Any], ...]
STABLE = "stable"
"""The form that every statement has: itself after the rewriting of what cancels (1 + erf(x) to erfc(-x))."""


@dataclass(frozen=True, eq=False)
class Statement(Spec):
    """A specification with its trees.

    Attributes
    ----------
    trees : callable
        From modes and the name of a form to the outputs by name.
    order : mapping of str to str
        Order of the axes of each output; empty for the order of occurrence.
    given : tuple of Rel
        Hypotheses.
    symbols : tuple of str
        Names in the order in which the record declares them.
    """

    trees: Callable[[Modes, str], Trees] = field(default=lambda _modes, _form: {})
    order: Mapping[str, Any] = field(default_factory=dict)
    given: tuple[Rel, ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RootKernels:
    """The programs of an output that is defined implicitly: residual and bracket, with the unknown as an input."""

    name: str
    unknown: str
    residual: Kernel
    written: Kernel
    bracket: Kernel


def spec_of(what: Any, modes: Mapping[str, Any] | None = None, names: Any = None) -> Statement:
    """Return the specification of a theorem, of a kernel, or of expressions.

    Parameters
    ----------
    what : str, Theorem, Kernel, Expr or mapping of str to Expr
        Key of a record, or what `dltsym.compile` takes. A record with an operator stands for it, any other for its
        outputs.
    modes : mapping, optional
        Static choices to fix.
    names : Scope or mapping of str to Sym, optional
        Names for text.

    Returns
    -------
    Statement
    """
    if isinstance(what, Spec):
        return _fixed(_statement(what), modes or {})
    if isinstance(what, str):
        what = _record(what) or what
    if isinstance(what, Theorem) and what.operator is not None:
        return _fixed(_of_operator(_Same(what)), modes or {})
    return _fixed(_plain(what, names), modes or {})


def kernel_of(spec: Spec, modes: Mapping[str, Any], form: str = "", accuracy: str = "as_written") -> Kernel | None:
    """Return the compiled outputs of a statement, without those that are defined implicitly.

    Parameters
    ----------
    spec : Spec
        From `spec_of`.
    modes : mapping
        Static choices; the others take their default.
    form : str
        Which form of the statement; ``"stable"`` is the statement with its differences that cancel rewritten.
    accuracy : {"as_written", "safe"}
        Whether differences that cancel are rewritten.

    Returns
    -------
    Kernel or None
        None when every output is defined implicitly.
    """
    return _compiled(_statement(spec), chosen(spec, modes), form, accuracy)


def roots_of(spec: Spec, modes: Mapping[str, Any], form: str = "") -> tuple[RootKernels, ...]:
    """Return the programs of the outputs that are defined implicitly.

    Parameters
    ----------
    spec : Spec
        From `spec_of`.
    modes : mapping
        Static choices.
    form : str
        Which form of the statement.

    Returns
    -------
    tuple of RootKernels
    """
    return _roots(_statement(spec), chosen(spec, modes), form)


def chosen(spec: Spec, modes: Mapping[str, Any]) -> Modes:
    """Return all modes of a statement with their values.

    Parameters
    ----------
    spec : Spec
        Statement.
    modes : mapping
        Static choices; the others take their default.

    Returns
    -------
    tuple of (str, value)

    Raises
    ------
    UnknownKey
        For a mode or a value that the statement does not have.
    """
    for name, value in modes.items():
        if name not in spec.modes:
            raise UnknownKey(f"{spec.key} has no mode {name!r}{suggest(name, spec.modes)}")
        if not any(type(value) is type(v) and value == v for v in spec.modes[name]):
            allowed = ", ".join(map(repr, spec.modes[name]))
            raise UnknownKey(f"{spec.key}: {name} = {value!r} is not among {allowed}")
    return tuple((name, modes.get(name, values[0])) for name, values in sorted(spec.modes.items()))


def _statement(spec: Spec) -> Statement:
    if not isinstance(spec, Statement):
        raise DomainError(f"{spec.key}: build a specification with spec_of, it has to know its expressions")
    return spec


def _record(key: str) -> Theorem | None:
    from dltsym.catalogue import get

    try:
        found = get(key)
    except UnknownKey:
        if "." in key and key.replace(".", "").replace("_", "").isalnum() and not key[0].isdigit():
            raise
        return None
    return found if isinstance(found, Theorem) else None


def _fixed(spec: Statement, modes: Mapping[str, Any]) -> Statement:
    known = dict(chosen(spec, modes))
    fixed = {n: (known[n],) if n in modes else values for n, values in spec.modes.items()}
    return replace(spec, modes=fixed) if modes else spec


# Sources of statements


@dataclass(frozen=True)
class _Same:
    """A record that is equal to itself alone, for the cache: records have no hash."""

    record: Theorem

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.record is other.record

    def __hash__(self) -> int:
        return id(self.record)


@lru_cache(maxsize=256)
def _of_operator(same: _Same) -> Statement:
    record, operator = same.record, same.record.operator
    assert operator is not None

    def trees(modes: Modes, form: str) -> Trees:
        if form not in ("", STABLE, *operator.forms):
            raise UnknownKey(f"{record.key} has no form {form!r}{suggest(form, [STABLE, *operator.forms])}")
        return operator.forms.get(form, operator.statement)(**dict(modes))

    bare = Statement(
        record.key or record.title, record.title, (), (), {},
        modes={k: tuple(v) for k, v in operator.modes.items()}, grads=operator.grads, relations=operator.relations,
        trees=trees, order=dict(operator.axes), given=tuple(r for r in record.given if isinstance(r, Rel)),
        symbols=tuple(record.symbols), weights=operator.weights,
    )  # fmt: skip
    return _described(bare, operator.absent, operator.exact)


def _plain(what: Any, names: Any) -> Statement:
    if isinstance(what, Kernel):
        asked, order = what.asked, {n: tuple(s.name for s in own) for n, own in what.axes.items()}
        title = asked.title or what.name
    else:
        asked, order = question(what, names), {}
        title = asked.title or "statement"
    reals = tuple(i.name for i in build(asked, order, "as_written")[1].inputs if i.entries == "real")

    def trees(_modes: Modes, form: str) -> Trees:
        if form not in ("", STABLE):
            raise UnknownKey(f"{title} has no form {form!r}{suggest(form, [STABLE])}")
        return asked.outputs

    bare = Statement(
        title, title, (), (), {}, grads=reals, trees=trees, order=order,
        given=asked.given, symbols=tuple(s.name for s in asked.symbols),
    )  # fmt: skip
    return _described(bare, {}, ())


def _described(bare: Statement, absent: Mapping[str, float], exact: tuple[str, ...]) -> Statement:
    """Read inputs, outputs and sizes off the trees of every mode."""
    inputs: dict[str, SpecInput] = {}
    outputs: dict[str, SpecOutput] = {}
    sizes: dict[str, int] = {}
    for modes in _variations(bare):
        trees = bare.trees(modes, "")
        asked = _asked(bare, _explicit(trees))
        program, arguments = build(asked, _order(bare, asked.outputs), "as_written")
        unknown = {t.unknown.name for t in trees.values() if isinstance(t, Root)}
        for i in arguments.inputs:
            if i.name not in unknown:
                inputs.setdefault(i.name, _input(i, absent.get(i.name)))
        for o in program.outputs:
            if "$" not in o.name:
                axes = tuple(a.size for a in o.axes)
                outputs.setdefault(o.name, SpecOutput(o.name, axes, o.name in exact))
        for name, least in arguments.floors.items():
            sizes[name] = max(least, sizes.get(name, least))
    place = {name: k for k, name in enumerate(bare.symbols)}
    ordered = sorted(inputs.values(), key=lambda i: place.get(i.name, len(place)))
    missing = [n for n in (*exact, *bare.grads, *bare.weights) if n not in outputs and n not in inputs]
    if missing:
        raise DomainError(f"{bare.key}: the operator names {missing[0]}, which is neither input nor output")
    return replace(bare, inputs=tuple(ordered), outputs=tuple(outputs.values()), sizes=sizes)


def _variations(spec: Statement) -> Iterator[Modes]:
    """Yield the default modes, then each value of each mode alone."""
    default = dict(chosen(spec, {}))
    yield chosen(spec, {})
    for name, values in spec.modes.items():
        for value in values[1:]:
            yield chosen(spec, default | {name: value})


def _explicit(trees: Trees) -> dict[str, Expr]:
    """Return expressions that mention all that the outputs mention; those of a bracket have a $ in their names."""
    out: dict[str, Expr] = {}
    for name, tree in trees.items():
        if isinstance(tree, Root):
            out |= {name: tree.residual, f"{name}$lo": tree.lo, f"{name}$hi": tree.hi}
        else:
            out[name] = tree
    return out


def _input(i: Any, absent: float | None) -> SpecInput:
    lo, hi = (None if x is None else float(x) for x in (i.lo, i.hi))
    return SpecInput(i.name, tuple(i.shape), i.entries, lo, hi, bool(i.lo_open), bool(i.hi_open), absent)


# Programs


def _asked(spec: Statement, trees: Mapping[str, Expr]) -> Question:
    asked = question(trees)
    place = {name: k for k, name in enumerate(spec.symbols)}
    symbols = tuple(sorted(asked.symbols, key=lambda s: place.get(s.name, len(place))))
    names = {s.name for s in symbols}
    given = tuple(r for r in spec.given if {s.name for s in free_symbols(r) if s.decl.sort == "array"} <= names)
    return replace(asked, title=spec.key, symbols=symbols, given=given, free=frozenset(names))


def _order(spec: Statement, outputs: Mapping[str, Expr]) -> dict[str, Any]:
    return {
        name: spec.order[name.split("$")[0]] for name in outputs if name.split("$")[0] in spec.order and "$" not in name
    }


@lru_cache(maxsize=256)
def _compiled(spec: Statement, modes: Modes, form: str, accuracy: str) -> Kernel | None:
    trees = {n: t for n, t in spec.trees(modes, form).items() if not isinstance(t, Root)}
    return compiled_from(spec, trees, _accuracy(form, accuracy)) if trees else None


def _accuracy(form: str, wanted: str) -> str:
    return "safe" if form == STABLE else wanted


def compiled_from(
    spec: Statement, trees: Mapping[str, Expr], accuracy: str, order: Mapping[str, Any] | None = None
) -> Kernel:
    """Compile trees in the symbols of a statement.

    Parameters
    ----------
    spec : Statement
        Statement.
    trees : mapping of str to Expr
        Results by name.
    accuracy : {"as_written", "safe"}
        Whether differences that cancel are rewritten.
    order : mapping, optional
        Order of the axes; by default that of the statement.

    Returns
    -------
    Kernel
    """
    asked = _asked(spec, trees)
    normal, arguments = build(asked, _order(spec, trees) if order is None else order, accuracy)
    options = {
        "compiled": False, "acc": "native", "name": "statement", "cells": (), "typical": None, "accuracy": accuracy,
    }  # fmt: skip
    return finish(asked, "numpy", arguments, normal, options)


@lru_cache(maxsize=256)
def _roots(spec: Statement, modes: Modes, form: str) -> tuple[RootKernels, ...]:
    trees, written = spec.trees(modes, form), _accuracy(form, "as_written")
    return tuple(_root(spec, name, tree, written) for name, tree in trees.items() if isinstance(tree, Root))


def _root(spec: Statement, name: str, root: Root, accuracy: str) -> RootKernels:
    """Compile a residual; where it has axes, the unknown becomes an array over them."""
    shape = output_indices(spec, name, root)
    residual, unknown, order = root.residual, root.unknown, dict[str, Any]()
    if shape:
        ranges = tuple((s.decl.lo, s.decl.hi) for s in shape)
        array = Sym(Decl(unknown.name, "array", shape=ranges))  # type: ignore[arg-type]
        residual = substitute(residual, {unknown: Index(array, shape)})
        order = {"residual": tuple(s.name for s in shape)}
    exact, written = (compiled_from(spec, {"residual": residual}, a, order) for a in ("safe", accuracy))
    ends = {n: e for n, e in (("lo", root.lo), ("hi", root.hi))}
    own = set(map(str, shape))
    along = {n: order["residual"] for n, e in ends.items() if order and own <= {s.name for s in _indices(e)}}
    return RootKernels(name, unknown.name, exact, written, compiled_from(spec, ends, "safe", along))


def _indices(tree: Expr) -> tuple[Sym, ...]:
    from dltsym.lower.front.reading import indices

    return indices(tree)


def output_indices(spec: Statement, name: str, root: Root) -> tuple[Sym, ...]:
    """Return the free indices of an implicit output in the order of its axes.

    Parameters
    ----------
    spec : Statement
        Statement.
    name : str
        Output.
    root : Root
        Its definition.

    Returns
    -------
    tuple of Sym
    """
    from dltsym.lower.front.reading import output_axes

    order = {"residual": spec.order[name]} if spec.order.get(name) else {}
    return output_axes({"residual": root.residual}, order)["residual"]


__all__ = ["Statement", "chosen", "compiled_from", "kernel_of", "roots_of", "spec_of"]
