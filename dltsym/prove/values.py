"""Published values against certified ones, and points outside the hypotheses where a claim must fail."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError, RecordError
from dltsym.notation.balls import working
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import evaluate, evaluate_exact, holds
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.prove.problem import declared_bounds, prepare
from dltsym.prove.report import StepReport, ValueReport
from dltsym.record import Break, Premise, PublishedValue, Theorem

PRECISIONS = (128, 256, 512, 1024)


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
    shown = {k: str(v) if not isinstance(v, list | tuple) else repr(v) for k, v in item.inputs.items()}
    try:
        inputs = {**environment(item.inputs), **(env or {})}
        tree = expand_lets(outputs[name])
        rational = evaluate_exact(evaluate_derivatives(tree), inputs) if env is None else None
        ball = certified(outputs[name], inputs, item.digits)
        target = Fraction(item.expected)
    except (DltsymError, ValueError, ZeroDivisionError) as err:
        return ValueReport(shown, item.expected, f"error: {err}", 0, item.digits, False, name, item.source)
    agree = 40 if rational is not None and rational == target else digits_agree(ball, target)
    got = ball.mid().str(max(item.digits + 4, 12), radius=False)
    return ValueReport(shown, item.expected, got, min(agree, 40), item.digits, agree >= item.digits, name, item.source)


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
    env = environment(item.inputs)
    rels = [g for g in theorem.given if not isinstance(g, Premise)]
    rels += [b for s in theorem.symbols.values() if s.name in env for b in declared_bounds(s)]
    problem = prepare(Rel(next(iter(theorem.outputs.values())), "=", next(iter(theorem.outputs.values()))), rels)
    return [str(r) for r in problem.given if _names(r) <= set(env) and holds(r, env) is False]


def _names(rel: Rel) -> set[str]:
    return {s.name for s in free_symbols(rel) if not s.decl.uid}


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
    claim = theorem.claims[item.part]
    env = environment(item.at)
    fails = isinstance(claim, Rel) and holds(prepare(claim).goal, env) is False
    free: set[Sym] = set(free_symbols(claim)) if isinstance(claim, Rel) else set()
    reason = f"fails outside the hypotheses: {item.why}"
    witness = {k: str(v) for k, v in item.at.items()}
    evidence = {"certified": fails, "symbols": sorted(s.name for s in free)}
    return StepReport(str(claim), reason, "ball" if fails else "open", "balls", 0.0, evidence, witness, role="break")
