"""A small grammar for statements, read with Python's own parser and never evaluated.

Numbers, names, ``+ - * / **``, calls of named functions, ``X[i]``, ``Sum(body, (i, 1, n))``, ``diff(e, x)``,
``Integral(e, (x, lo, hi))``, ``limit(e, x, point)`` and chains of ``= <= < >= > !=``. Size, depth and number length are
limited, so hostile text is refused quickly.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from dltsym.errors import NotationError, UndeclaredSymbol, suggest
from dltsym.functions.table import FUNCTIONS, lookup
from dltsym.notation.tree import (
    Call,
    Const,
    Decl,
    Diff,
    Div,
    Expr,
    Integral,
    Limit,
    Neg,
    Num,
    Pow,
    Rel,
    Sum,
    Sym,
    bound_symbol,
)
from dltsym.notation.walk import substitute

MAX_CHARS, MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT = 20_000, 120, 200, 10_000
_EQUAL = re.compile(r"(?<![<>=!])=(?!=)")
_OPS: dict[type, str] = {ast.Eq: "=", ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.NotEq: "!="}
_CONSTANTS = {"pi": Const("pi"), "oo": Const("oo")}
_BINDERS = ("Sum", "Integral", "limit", "diff", "Rational")


def _where(text: str, node: ast.AST | None, offset: int | None = None) -> str:
    col = offset if offset is not None else getattr(node, "col_offset", 0)
    return f"\n  {text}\n  {' ' * col}^"


class _Reader:
    def __init__(self, text: str, names: Mapping[str, Expr]) -> None:
        self.text = text
        self.names = dict(names)

    def fail(self, message: str, node: ast.AST) -> NotationError:
        return NotationError(f"{message}{_where(self.text, node)}")

    def expr(self, node: ast.AST) -> Expr:
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name(id=name):
                return self.name(name, node)
            case ast.UnaryOp(op=ast.USub(), operand=arg):
                return Neg(self.expr(arg))
            case ast.UnaryOp(op=ast.UAdd(), operand=arg):
                return self.expr(arg)
            case ast.BinOp():
                return self.binary(node)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                parts = index.elts if isinstance(index, ast.Tuple) else [index]
                array = self.name(name, node)
                if not isinstance(array, Sym):
                    raise self.fail(f"{name} cannot be indexed", node)
                return array[tuple(self.expr(p) for p in parts)]
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self.call(name, node)
        raise self.fail(f"{type(node).__name__} is not part of the grammar", node)

    def number(self, node: ast.Constant) -> Num:
        text = ast.get_source_segment(self.text, node) or ""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.fail(f"{text} is not a number", node)
        exponent = re.search(r"[eE]([+-]?\d+)", text)
        if len(text) > MAX_DIGITS or (exponent and abs(int(exponent[1])) > MAX_EXPONENT):
            raise self.fail("the number is too long", node)
        plain = text.replace("_", "")
        value = Fraction(plain) if isinstance(node.value, float) else Fraction(node.value)
        return Num(value, None if plain.isdigit() else plain)

    def name(self, name: str, node: ast.AST) -> Expr:
        if name in self.names:
            return self.names[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        raise UndeclaredSymbol(f"{name} is not declared{suggest(name, self.names)}{_where(self.text, node)}")

    def binary(self, node: ast.BinOp) -> Expr:
        left, right = self.expr(node.left), self.expr(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return Div(left, right)
            case ast.Pow():
                return self.power(left, right, node)
        raise self.fail(f"operator {type(node.op).__name__} is not part of the grammar (powers are **)", node)

    def power(self, base: Expr, exponent: Expr, node: ast.AST) -> Expr:
        if isinstance(exponent, Num) and abs(exponent.value) > MAX_EXPONENT:
            raise self.fail("the exponent is too large", node)
        return Pow(base, exponent)

    def call(self, name: str, node: ast.Call) -> Expr:
        special: Callable[[ast.Call], Expr] | None = getattr(self, f"read_{name}", None) if name in _BINDERS else None
        if special is not None:
            return special(node)
        row = lookup(name)
        if row is None:
            raise self.fail(f"unknown function {name}{suggest(name, [*FUNCTIONS, *_BINDERS])}", node)
        if len(node.args) != len(row.args):
            raise self.fail(f"{name} takes {len(row.args)} argument(s), got {len(node.args)}", node)
        return Call(row.name, tuple(self.expr(a) for a in node.args))

    def bound(self, node: ast.AST, sort: str) -> tuple[str, Sym]:
        if not isinstance(node, ast.Name):
            raise self.fail("a bound variable must be a name", node)
        return node.id, bound_symbol(node.id, sort)

    def triple(self, node: ast.AST, sort: str) -> tuple[str, Sym, ast.AST, ast.AST]:
        if not (isinstance(node, ast.Tuple) and len(node.elts) == 3):
            raise self.fail("limits are written (i, lo, hi)", node)
        return (*self.bound(node.elts[0], sort), node.elts[1], node.elts[2])

    def read_Sum(self, node: ast.Call) -> Expr:
        if len(node.args) < 2:
            raise self.fail("write Sum(body, (i, lo, hi))", node)
        triples = [self.triple(t, "bound") for t in node.args[1:]]
        outer, limits = dict(self.names), []
        for name, var, lo, hi in reversed(triples):
            limits.append((var, self.expr(lo), self.expr(hi)))
            self.names[name] = var
        body = self.expr(node.args[0])
        self.names = outer
        return Sum(body, tuple(reversed(limits)))

    def read_Integral(self, node: ast.Call) -> Expr:
        if len(node.args) != 2:
            raise self.fail("write Integral(body, (x, lo, hi))", node)
        name, var, lo, hi = self.triple(node.args[1], "boundreal")
        ends = self.expr(lo), self.expr(hi)
        outer, self.names = self.names, {**self.names, name: var}
        body = self.expr(node.args[0])
        self.names = outer
        return Integral(body, var, *ends)

    def read_limit(self, node: ast.Call) -> Expr:
        if len(node.args) not in (3, 4):
            raise self.fail('write limit(body, x, point) or limit(body, x, point, "+")', node)
        name, var = self.bound(node.args[1], "boundreal")
        point = self.expr(node.args[2])
        side = ast.literal_eval(node.args[3]) if len(node.args) == 4 else "+-"
        if side not in ("+", "-", "+-"):
            raise self.fail('the side of a limit is "+", "-" or "+-"', node)
        outer, self.names = self.names, {**self.names, name: var}
        body = self.expr(node.args[0])
        self.names = outer
        return Limit(body, var, point, side)

    def read_diff(self, node: ast.Call) -> Expr:
        if len(node.args) not in (2, 3):
            raise self.fail("write diff(body, x) or diff(body, x, order)", node)
        order = node.args[2].value if len(node.args) == 3 and isinstance(node.args[2], ast.Constant) else 1
        if not isinstance(order, int) or not 1 <= order <= 8:
            raise self.fail("the order of a derivative is a whole number from 1 to 8", node)
        return Diff(self.expr(node.args[0]), self.expr(node.args[1]), order)

    def read_Rational(self, node: ast.Call) -> Expr:
        values = [self.expr(a) for a in node.args]
        if len(values) != 2 or not all(isinstance(v, Num | Neg) for v in values):
            raise self.fail("write Rational(p, q) with whole numbers", node)
        return Div(*values)


def _tree(text: str) -> ast.expr:
    if len(text) > MAX_CHARS:
        raise NotationError(f"the text has {len(text)} characters, at most {MAX_CHARS} are read")
    depth = deepest = 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        deepest = max(deepest, depth)
    runs = max((len(r) for r in re.findall(r"[-+~ ]{2,}|(?:\*\*\s*\w+\s*)+", text)), default=0)
    if deepest > MAX_DEPTH or runs > 20 * MAX_DEPTH:
        raise NotationError(f"the text is nested deeper than {MAX_DEPTH} levels")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as err:
        offset = (getattr(err, "offset", None) or 1) - 1
        raise NotationError(f"cannot read the text: {err.args[0]}{_where(text, None, offset)}") from None


def parse_expr(text: str, names: Mapping[str, Expr]) -> Expr:
    """Read one expression.

    Parameters
    ----------
    text : str
        Source in the grammar of this module.
    names : dict of str to Expr
        Declared names.

    Returns
    -------
    Expr

    Raises
    ------
    NotationError
        With a caret, when the text is not in the grammar; `UndeclaredSymbol` when a name is not declared.
    """
    text = " ".join(text.split())
    try:
        return _Reader(text, names).expr(_tree(text))
    except RecursionError:
        raise NotationError(f"the text is nested deeper than {MAX_DEPTH} levels") from None


def parse_relations(text: str, names: Mapping[str, Expr]) -> tuple[Rel, ...]:
    """Read a chain such as ``0 < q < p <= 1`` as its links.

    Parameters
    ----------
    text : str
        Source in the grammar of this module.
    names : dict of str to Expr
        Declared names.

    Returns
    -------
    tuple of Rel

    Raises
    ------
    NotationError
        When the text is not a relation.
    """
    text = _EQUAL.sub("==", " ".join(text.split()))
    node = _tree(text)
    if not isinstance(node, ast.Compare):
        raise NotationError(f"expected a relation (=, <=, <, >=, >, !=){_where(text, node)}")
    reader = _Reader(text, names)
    sides = [reader.expr(s) for s in (node.left, *node.comparators)]
    ops = []
    for op in node.ops:
        if type(op) not in _OPS:
            raise reader.fail(f"{type(op).__name__} is not a relation", node)
        ops.append(_OPS[type(op)])
    return tuple(Rel(a, op, b) for (a, b), op in zip(pairwise(sides), ops, strict=True))


@lru_cache(maxsize=4096)
def _row(args: tuple[str, ...], text: str) -> tuple[tuple[Sym, ...], Expr | Rel]:
    syms = tuple(Sym(Decl(a, "real", uid=-1 - k)) for k, a in enumerate((*args, "value")))
    names = {s.name: s for s in syms}
    is_rel = any(c in text for c in "<>=")
    return syms, parse_relations(text, names)[0] if is_rel else parse_expr(text, names)


def row_text(call: Call, text: str) -> Expr | Rel:
    """Instantiate a text of a function row (definition, derivative, domain, fact) at the arguments of a call.

    Parameters
    ----------
    call : Call
        The call; ``value`` in the text stands for it.
    text : str
        Text in the argument names of the row.

    Returns
    -------
    Expr or Rel
    """
    syms, tree = _row(FUNCTIONS[call.name].args, text)
    return substitute(tree, dict(zip(syms, (*call.args, call), strict=True)))
