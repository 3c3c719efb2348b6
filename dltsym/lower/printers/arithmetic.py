"""Sums with their signs, products with their denominators, powers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.lower.nodes import Node
from dltsym.lower.printers.fuse import axpy, cut, held, mean_divisor
from dltsym.lower.printers.pointwise import infix, joined, read, union
from dltsym.lower.printers.reduce import mean
from dltsym.lower.printers.value import ATOM, PLUS, POWER, TIMES, UNARY, Value

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer


def signed(printer: Printer, node: Node, real: bool) -> tuple[bool, Value]:
    """Print a term of a sum without its sign.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Term.
    real : bool
        Whether integers are to be converted.

    Returns
    -------
    tuple of bool and Value
        Whether the term is subtracted, and its text.
    """
    if node.op == "num" and node.data[0] < 0:
        return True, printer.value(printer.table.num(-node.data[0]))
    if node.op == "mul" and node.args[0].op == "num" and node.args[0].data[0] < 0:
        factor, rest = -node.args[0].data[0], node.args[1:]
        if len(rest) == 1 and factor == 1:
            return True, read(printer, rest[0], real)
        args = rest if factor == 1 else (printer.table.num(factor), *rest)
        return True, read(printer, printer.table.make("mul", args), real)
    return False, read(printer, node, real)


def added(printer: Printer, node: Node) -> Value:
    """Print a sum; terms with a negative factor are subtracted.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        An ``add``.

    Returns
    -------
    Value
    """
    kind = printer.kind(node)
    fused = axpy(printer, node) if printer.target.axpy and kind == "real" else None
    if fused is not None:
        return fused
    terms = [signed(printer, a, kind == "real") for a in node.args]
    if terms[0][0] and not terms[1][0]:
        terms[0], terms[1] = terms[1], terms[0]
    signs = [" - " if negative else " + " for negative, _ in terms]
    values = joined(printer, [v for _, v in terms])[1]
    if terms[0][0]:
        values[0] = replace(values[0], code=f"-{values[0].inside(TIMES)}", level=TIMES)
    return infix(printer, values, signs, PLUS, PLUS, kind)


def multiplied(printer: Printer, node: Node) -> Value:
    """Print a product; factors with negative exponents go below one bar.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        A ``mul``.

    Returns
    -------
    Value
    """
    done = cut(printer, node)
    if done is not None:
        return done
    kind = printer.kind(node)
    args, negative = list(node.args), False
    if args[0].op == "num" and args[0].data[0] < 0:
        negative, first = True, -args[0].data[0]
        args = args[1:] if first == 1 else [printer.table.num(first), *args[1:]]
    below = [a for a in args if _below(a)]
    values, above = held(printer, [a for a in args if not _below(a)])
    for a in above:
        count = mean_divisor(printer, a, below)
        if count is not None:
            below.remove(count)
        values.append(mean(printer, a) if count is not None else read(printer, a, kind == "real"))
    under = [power(printer, read(printer, a.args[0]), -a.data[0]) for a in below]
    out = _divided(printer, *_numbers(printer, values, under), kind)
    if negative:
        out = replace(out, code=f"-{out.inside(TIMES)}", level=TIMES if out.level == TIMES else UNARY)
    return out


def _numbers(printer: Printer, values: list[Value], under: list[Value]) -> tuple[list[Value], list[Value]]:
    """Divide numbers by numbers first, not arrays by them."""
    numbers = [v for v in under if v.pure]
    if not values or not values[0].pure or not numbers or len(values) + len(under) == 1 + len(numbers):
        return values, under
    code = f"{values[0].inside(TIMES)} / {_product(printer, numbers, 'real').inside(UNARY)}"
    return [Value(code, pure=True, level=TIMES), *values[1:]], [v for v in under if not v.pure]


def _divided(printer: Printer, values: list[Value], under: list[Value], kind: str) -> Value:
    out = _product(printer, values, kind)
    if not under:
        return out
    divisor = _product(printer, under, "real")
    order, (top, bottom) = joined(printer, [out, divisor])
    code = f"{top.inside(TIMES)} / {bottom.inside(UNARY)}"
    host = not order and (out.host or divisor.host) and all(v.host or v.pure for v in (out, divisor))
    return Value(code, order, "real", out.pure and divisor.pure, TIMES, *union([out, divisor]), host)


def _below(node: Node) -> bool:
    return node.op == "pow" and node.data[0] < 0 and node.data[0].denominator in (1, 2)


def _product(printer: Printer, values: list[Value], kind: str) -> Value:
    if not values:
        return Value("1", kind="integer", pure=True)
    return values[0] if len(values) == 1 else infix(printer, values, [" * "] * len(values), TIMES, TIMES, kind)


def power(printer: Printer, base: Value, exponent: Fraction) -> Value:
    """Print a power with a constant exponent.

    Parameters
    ----------
    printer : Printer
        Printer.
    base : Value
        Base.
    exponent : Fraction
        Exponent.

    Returns
    -------
    Value
    """
    if exponent == 1:
        return base
    if exponent.denominator != 1:
        base = printer.lift(base) if base.host else base
    if exponent < 0 and not (exponent == Fraction(-1, 2) and not base.pure):
        under = power(printer, base, -exponent)
        return replace(under, code=f"1 / {under.inside(UNARY)}", level=TIMES, kind="real")
    target = printer.target
    if base.host:
        if exponent == 2 and base.code.isidentifier():
            # Unlike a power, the product of two Python numbers overflows to infinity.
            return replace(base, code=f"{base.code} * {base.code}", level=TIMES)
        base = printer.lift(base)
    if base.pure:
        if exponent == Fraction(1, 2):
            return replace(base, code=f"math.sqrt({base.code})", level=ATOM, kind="real")
        kind = base.kind if exponent.denominator == 1 else "real"
        return replace(base, code=f"{base.inside(ATOM)} ** {_exponent(exponent)}", level=POWER, kind=kind)
    known = {2: target.square, Fraction(1, 2): target.sqrt, Fraction(-1, 2): target.rsqrt}
    if exponent in known:
        code = base.filled(known[exponent])
        return replace(base, code=code, level=TIMES if code.startswith("1 /") else ATOM)
    return replace(base, code=f"{base.inside(ATOM)} ** {_exponent(exponent)}", level=POWER)


def _exponent(exponent: Fraction) -> str:
    return str(exponent) if exponent.denominator == 1 else f"({exponent.numerator} / {exponent.denominator})"
