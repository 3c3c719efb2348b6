"""Published values against certified ones, and points outside the hypotheses where a claim must fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

from dltsym.errors import DltsymError, RecordError
from dltsym.notation.balls import working
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import evaluate, evaluate_exact, holds
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Decl, Expr, Rel, Sym, as_expr
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.prove.problem import bounds_of, declared_bounds, prepare
from dltsym.prove.report import StepReport, ValueReport
from dltsym.record import Break, Premise, PublishedValue, Theorem

PRECISIONS = (128, 256, 512, 1024)
SHORT = 6  # a printed value with fewer digits must be exact, unless its record says to how many digits it is rounded


def exact(what: Any) -> Any:
    """Turn an input into a number: exact where it is rational, else a ball narrower than any precision used here.

    Parameters
    ----------
    what : int, str, Fraction or sequence
        Input of a value; text may be a constant expression such as ``"exp(6.0073404)"``. Floats are refused, because
        their decimal text is not their value.

    Returns
    -------
    Fraction, arb or nested tuple

    Raises
    ------
    RecordError
        For a float.
    """
    if isinstance(what, list | tuple):
        return tuple(exact(w) for w in what)
    if isinstance(what, bool) or not isinstance(what, int | Fraction | str):
        raise RecordError(f"the input {what!r} must be an integer, a Fraction or text such as '0.05'")
    try:
        return Fraction(what)
    except ValueError:
        tree = parse_expr(str(what), {})
        rational = evaluate_exact(tree, {})
        return evaluate(tree, {}, 2 * PRECISIONS[-1]) if rational is None else rational


def environment(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return exact inputs by name.

    Parameters
    ----------
    inputs : mapping
        As written in the record.

    Returns
    -------
    dict
    """
    return {name: exact(v) for name, v in inputs.items()}


def written(value: Any) -> str:
    """Return an input as it is shown.

    Parameters
    ----------
    value : object
        Number, text, or nested sequences of them.

    Returns
    -------
    str
    """
    return f"[{', '.join(map(written, value))}]" if isinstance(value, list | tuple) else str(value)


def digits_agree(got: Any, expected: Fraction) -> int:
    """Return how many significant decimal digits of a ball certainly agree with `expected`.

    Parameters
    ----------
    got : arb
        Certified value.
    expected : Fraction
        Printed value.

    Returns
    -------
    int
        Largest d with ``|got - expected| <= 0.5 * 10**(e + 1 - d)``, where ``10**e <= |expected| < 10**(e + 1)``.
    """
    from flint import arb, fmpq

    with working(PRECISIONS[-1]):
        worst = abs(got - arb(fmpq(expected.numerator, expected.denominator))).upper()
        if not worst.is_finite():
            return 0
        lead = _exponent(expected) if expected else 0
        units = (arb(10) ** (lead + 1 - d) * arb(fmpq(500001, 1000000)) for d in range(40, 0, -1))
        return next((d for d, unit in zip(range(40, 0, -1), units, strict=True) if bool(worst <= unit)), 0)


def _exponent(x: Fraction) -> int:
    e = len(str(abs(x.numerator))) - len(str(x.denominator))
    return e if abs(x) >= Fraction(10) ** e else e - 1


def certified(expr: Expr, env: Mapping[str, Any], digits: int) -> Any:
    """Return a ball around the value, narrow enough for `digits` significant digits.

    Parameters
    ----------
    expr : Expr
        Expression.
    env : mapping
        Exact inputs.
    digits : int
        Wanted digits.

    Returns
    -------
    arb

    Raises
    ------
    RecordError
        When the value is undefined at the inputs.
    """
    tree = evaluate_derivatives(expand_lets(expr))
    missing = sorted({s.name for s in free_symbols(tree) if not s.decl.uid} - set(env))
    if missing:
        raise RecordError(f"no input for {', '.join(missing)}")
    ball = evaluate(tree, env, PRECISIONS[0])
    for prec in PRECISIONS:
        ball = evaluate(tree, env, prec)
        small = bool(abs(ball).upper() < 10.0 ** (-digits - 3))
        if ball.is_finite() and (small or ball.rel_accuracy_bits() > 3.4 * digits + 12):
            return ball
    if not ball.is_finite():
        raise RecordError("the value is undefined at these inputs")
    return ball


def check_value(item: PublishedValue, outputs: Mapping[str, Expr], env: Mapping[str, Any] | None = None) -> ValueReport:
    """Evaluate an output at the inputs of a published value and compare the digits.

    Parameters
    ----------
    item : PublishedValue
        Value.
    outputs : mapping of str to Expr
        Outputs of the record.
    env : mapping, optional
        Further values (results of an audit's fixture).

    Returns
    -------
    ValueReport
    """
    name = item.of or next(iter(outputs))
    shown = {k: written(v) for k, v in item.inputs.items()}
    try:
        inputs = {**environment(item.inputs), **(env or {})}
        tree = expand_lets(outputs[name])
        rational = evaluate_exact(evaluate_derivatives(tree), inputs)
        ball = certified(outputs[name], inputs, item.digits)
        target = Fraction(item.expected)
    except (DltsymError, TypeError, ValueError, ZeroDivisionError) as err:  # a number where an array is due
        return ValueReport(shown, item.expected, f"error: {err}", 0, item.digits, False, name, item.source)
    return compared(item, ball, rational is not None and rational == target, shown, name)


def compared(item: PublishedValue, ball: Any, equal: bool, shown: Mapping[str, str], name: str) -> ValueReport:
    """Compare the digits of a published value with an enclosure.

    Parameters
    ----------
    item : PublishedValue
        Value.
    ball : arb
        Enclosure of what it should be.
    equal : bool
        Whether it is known to be exactly the value.
    shown : mapping of str to str
        Inputs as text.
    name : str
        Output.

    Returns
    -------
    ValueReport
    """
    agree = 40 if equal else digits_agree(ball, Fraction(item.expected))
    enough = item.rounded or item.digits >= SHORT  # "4" is a claim of equality unless its rounding is declared
    got = ball.mid().str(max(item.digits + 4, 12), radius=False)
    ok = equal or (enough and agree >= item.digits)
    return ValueReport(dict(shown), item.expected, got, min(agree, 40), item.digits, ok, name, item.source)


def strange(symbols: Mapping[str, Sym], env: Mapping[str, Any]) -> list[str]:
    """Return in words which values are of the wrong kind: a fraction for an integer, an array of the wrong shape.

    The entries of an array are held against its declared bounds too, because `declared_bounds` knows scalars only.

    Parameters
    ----------
    symbols : mapping of str to Sym
        Declarations.
    env : mapping
        Exact values by name.

    Returns
    -------
    list of str
    """
    out = []
    for name, got in env.items():
        sym = symbols.get(name)
        if sym is None:
            out.append(f"{name} is not declared")
        elif sym.decl.sort == "array":
            out += _strange_array(sym, got, env)
        elif isinstance(got, list | tuple):
            out.append(f"{name} is a number, not an array")
        elif sym.decl.sort in ("integer", "index") and not (isinstance(got, int | Fraction) and got.denominator == 1):
            out.append(f"{name} is an integer, not {got}")
    return out


def _strange_array(sym: Sym, got: Any, env: Mapping[str, Any]) -> list[str]:
    level = [got]
    for lo, hi in sym.decl.shape:
        if not all(isinstance(x, list | tuple) for x in level):
            return [f"{sym.name} has {len(sym.decl.shape)} indices"]
        size = hi - lo + 1
        if _names(size) <= set(env) and any(holds(Rel(size, "=", as_expr(len(x))), env) is False for x in level):
            there = " and ".join(str(n) for n in sorted({len(x) for x in level}))
            wanted = hi if lo == as_expr(1) else f"{lo}..{hi}"
            return [f"{sym.name} has the wrong size: {there} instead of {wanted}"]
        level = [y for x in level for y in x]
    entry = Sym(Decl(f"{sym.name}.entry", "real"))
    bounds = [b for b in bounds_of(entry, sym) if _names(b) - {entry.name} <= set(env)]
    if sym.decl.entries != "real" and any(Fraction(x).denominator != 1 for x in level):
        return [f"an entry of {sym.name} is not an integer"]
    bad = [b for x in level for b in bounds if holds(b, {**env, entry.name: x}) is False]
    return [f"an entry violates {str(b).replace(entry.name, sym.name)}" for b in dict.fromkeys(bad)]


def outside_domain(theorem: Theorem, item: PublishedValue) -> list[str]:
    """Return the hypotheses that the inputs of a value certainly violate.

    Parameters
    ----------
    theorem : Theorem
        Record.
    item : PublishedValue
        Value.

    Returns
    -------
    list of str
    """
    try:
        env = environment(item.inputs)
    except DltsymError as err:
        return [str(err)]
    wrong = strange(theorem.symbols, env)
    if wrong:
        return wrong
    rels = [g for g in theorem.given if not isinstance(g, Premise)]
    rels += [b for s in theorem.symbols.values() if s.name in env for b in declared_bounds(s)]
    given = prepare(Rel(as_expr(0), "=", as_expr(0)), rels).given
    return [f"they violate {r}" for r in given if holds_everywhere(r, env) is False]


def holds_everywhere(rel: Rel, env: Mapping[str, Any], most: int = 4096) -> bool | None:
    """Decide a hypothesis at a point, for every value of its free indices, whatever the point makes of them.

    The declared range of an index is the exception: it is held against the value that the point gives.

    Parameters
    ----------
    rel : Rel
        Prepared relation.
    env : mapping
        Exact values by name.
    most : int
        Largest number of index values tried.

    Returns
    -------
    bool or None
        None when it is not decided, or when a symbol has no value.
    """
    own = {s for s in free_symbols(rel) if s.name in env and rel in {b.flipped() for b in declared_bounds(s)}}
    open_ = sorted((s for s in free_symbols(rel) - own if s.decl.sort == "index"), key=lambda s: s.name)
    if not _names(rel) - {s.name for s in open_} <= set(env):
        return None
    points = [dict(env)]
    for sym in open_:
        ends = [None if b is None else evaluate_exact(b, env) for b in (sym.decl.lo, sym.decl.hi)]
        if any(e is None for e in ends) or (ends[1] - ends[0] + 1) * len(points) > most:  # pyright: ignore[reportOptionalOperand]
            return None
        points = [{**p, sym.name: k} for p in points for k in range(ceil(ends[0]), floor(ends[1]) + 1)]  # pyright: ignore[reportArgumentType]
    truths = [holds(rel, p) for p in points]
    return False if False in truths else None if None in truths else True


def _names(node: Expr | Rel) -> set[str]:
    return {s.name for s in free_symbols(node) if not s.decl.uid}


def check_break(theorem: Theorem, item: Break) -> StepReport:
    """Confirm with balls that a claim fails at a point outside the hypotheses.

    Parameters
    ----------
    theorem : Theorem
        Record.
    item : Break
        Point.

    Returns
    -------
    StepReport
        Grade ``ball`` when certified, else ``open``.
    """
    claim = theorem.claims[item.part] if 0 <= item.part < len(theorem.claims) else None
    witness = {k: str(v) for k, v in item.at.items()}
    try:
        env = environment(item.at)
        wrong = strange({k: replace_bounds(s) for k, s in theorem.symbols.items()}, env)
        fails = isinstance(claim, Rel) and not wrong and holds(prepare(claim).goal, env) is False
    except DltsymError as err:
        wrong, fails = [str(err)], False
    inside = not wrong and fails and not _outside(theorem, env)
    why = "the point is inside the hypotheses" if inside else "the claim does not certainly fail there"
    certified = fails and not inside
    evidence = {"certified": certified} if certified else {"certified": False, "reason": "; ".join(wrong) or why}
    reason = f"fails outside the hypotheses: {item.why}"
    grade = "ball" if certified else "open"
    return StepReport(str(claim), reason, grade, "balls", 0.0, evidence, witness, role="break")


def _outside(theorem: Theorem, env: Mapping[str, Any]) -> bool:
    """Whether a point certainly violates a hypothesis, a cited premise or a declared bound."""
    rels = [g.rel if isinstance(g, Premise) else g for g in theorem.given]
    rels += [b for s in theorem.symbols.values() if s.name in env for b in declared_bounds(s)]
    known = prepare(Rel(as_expr(0), "=", as_expr(0)), rels).given
    return bool(strange(theorem.symbols, env)) or any(holds_everywhere(r, env) is False for r in known)


def replace_bounds(sym: Sym) -> Sym:
    """Return a symbol without bounds, to ask only for the kind and the shape of its value.

    Parameters
    ----------
    sym : Sym
        Symbol.

    Returns
    -------
    Sym
    """
    return Sym(replace(sym.decl, lo=None, hi=None))
