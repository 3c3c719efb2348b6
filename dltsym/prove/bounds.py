"""What a record says about its bound, held against its formulas: the ledger adds up, and no direction is refuted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from dltsym.algorithms import entry, place
from dltsym.boundform import Bound
from dltsym.errors import DltsymError
from dltsym.form import replace_symbols
from dltsym.notation.balls import working
from dltsym.notation.calculus import add
from dltsym.notation.numbers import Balls
from dltsym.notation.tree import Expr, Num, Rel, Sym, as_expr
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.prove.decide import Effort, decide
from dltsym.prove.problem import prepare
from dltsym.prove.sample import refute
from dltsym.prove.values import environment, outside_domain
from dltsym.prove.verdict import PROVED
from dltsym.record import PublishedValue, Theorem

POINTS, MOST = 12, 2
PRECISION = 96
STEP = Fraction(9, 8)
SECONDS = 0.5  # of processor time for the results of one algorithm


def bound_problems(theorem: Theorem) -> list[str]:
    """Say what is certainly wrong with the bounds that a record declares.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    list of str
        Directions are only attacked, at points and at the published values; a ledger must be proved to add up.
    """
    return [p for item in theorem.bounds for p in (*_ledger(theorem, item), *_directions(theorem, item))]


def _ledger(theorem: Theorem, item: Bound) -> Iterator[str]:
    shares = [tree for name, tree in item.trees.items() if name.startswith("event ")]
    if not shares:
        return
    total = add(*shares) if len(shares) > 1 else shares[0]
    paid = [theorem.symbols[name] for name in item.deltas if name]
    whole = add(*paid) if len(paid) > 1 else paid[0] if paid else as_expr(1)
    verdict = decide(prepare(Rel(total, "<=", whole), _given(theorem)), Effort(0.3, False, 2.0))
    if verdict.status != PROVED:
        yield f"{theorem.key}, bound {item.of}: the ledger {total} is not proved to stay within {whole}"


def _given(theorem: Theorem) -> tuple[Rel, ...]:
    return tuple(g for g in theorem.given if isinstance(g, Rel))


def _directions(theorem: Theorem, item: Bound) -> Iterator[str]:
    output = theorem.outputs.get(item.of)
    used = {s.name for s in free_symbols(expand_lets(output))} if output is not None else _taken(theorem)
    sizes = {s.name for sym in theorem.symbols.values() if sym.name in used
             for pair in sym.decl.shape for end in pair for s in free_symbols(end)}  # fmt: skip
    until = time.process_time() + SECONDS
    for name, sign in item.signs().items():
        if name not in used or name in sizes or (output is None and time.process_time() > until):
            continue  # a size moves its arrays as well
        word = "rise" if sign > 0 else "fall"
        try:
            bad = _refuted(theorem, output, name, sign) if output is not None else _at_values(theorem, item, name, sign)
        except DltsymError:
            continue  # nothing is known at these points
        if bad is not None:
            yield f"{theorem.key}, bound {item.of}: it does not {word} in {name}, at {bad}"


def _taken(theorem: Theorem) -> set[str]:
    return {s.name for s in theorem.algorithm.takes} if theorem.algorithm else set()


def _refuted(theorem: Theorem, output: Expr, name: str, sign: int) -> Any:
    """Look for a point at which a step up in one input moves the output the wrong way."""
    sym = theorem.symbols[name]
    if sym.decl.sort == "array":
        return None
    whole = sym.decl.sort == "integer"
    far = Sym(replace(sym.decl, name=f"{name}__more"))
    here = expand_lets(output)
    there = replace_symbols(here, {sym: sym + Num(Fraction(1)) if whole else far})
    order = () if whole else (Rel(sym, "<=", far),)
    left, right = (here, there) if sign > 0 else (there, here)
    found = refute(prepare(Rel(left, "<=", right), (*_given(theorem), *order)), points=POINTS)
    return None if found is None else dict(found.witness or {})


def _at_values(theorem: Theorem, item: Bound, name: str, sign: int) -> Any:
    """Compare the result of an algorithm at published inputs and a step above them."""
    seen: list[dict[str, Any]] = []
    for value in theorem.values:
        if value.of.split("[")[0] not in ("", item.of) or name not in value.inputs or value.inputs in seen:
            continue
        if len(seen) == MOST:
            return None
        seen.append(dict(value.inputs))
        moved = _moved(theorem, value, name)
        if moved is None or isinstance(value.inputs[name], list | tuple):
            continue
        low, high = (_result(theorem, item.of, inputs) for inputs in (value.inputs, moved))
        with working(PRECISION):
            wrong = bool(low > high) if sign > 0 else bool(high > low)
        if wrong:
            return {k: str(v) for k, v in value.inputs.items() if not isinstance(v, list | tuple)}
    return None


def _moved(theorem: Theorem, value: PublishedValue, name: str) -> dict[str, Any] | None:
    """Return the inputs with one of them increased, or None where that leaves the hypotheses."""
    try:
        now = Fraction(value.inputs[name])
    except (TypeError, ValueError):
        return None
    whole = theorem.symbols[name].decl.sort == "integer"
    tries = [now + max(1, now // 8)] if whole else [now * STEP if now else Fraction(1, 16), (now + 1) / 2]
    for more in tries:
        inputs = {**value.inputs, name: more}
        if more > now and not outside_domain(theorem, replace(value, inputs=inputs)):
            return inputs
    return None


def _result(theorem: Theorem, of: str, inputs: Any) -> Any:
    assert theorem.algorithm is not None
    name, at = place(of, theorem.algorithm.computes)
    return entry(theorem.algorithm(Balls(PRECISION), environment(inputs))[name], at, of)
