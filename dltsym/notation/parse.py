"""A small grammar for statements, read with Python's own parser and never evaluated.

Numbers, names, ``+ - * / **``, calls of named functions, ``X[i]``, ``Sum(body, (i, 1, n))``, ``diff(e, x)``,
``Integral(e, (x, lo, hi))``, ``limit(e, x, point)``, the verbs of `dltsym.notation.parse_folds` such as
``max_over(body, (i, 1, n))``, and chains of ``= <= < >= > !=``. Size, depth, number length and powers are limited, so
hostile text is refused quickly; an error says at which column (`dltsym.notation.source`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache, partial
from itertools import pairwise

from dltsym.errors import NotationError, UndeclaredSymbol, suggest
from dltsym.functions.table import ALIASES, FUNCTIONS, NUMERIC, lookup
from dltsym.notation.macros import PLAIN, Language, Macro, weight
from dltsym.notation.matrices import BUILDERS, check_relation
from dltsym.notation.parse_folds import OPS, VERBS
from dltsym.notation.powers import size
from dltsym.notation.source import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, MAX_NODES, Source, odd, read
from dltsym.notation.tree import (
    Call,
    Const,
    Decl,
    Diff,
    Div,
    Expr,
    Index,
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

_CONSTANTS = {"pi": Const("pi"), "oo": Const("oo")}
_BINDERS = {"Sum": "Sum", "Integral": "Integral", "integrate": "Integral", "limit": "limit", "diff": "diff",
            "Rational": "Rational"}  # fmt: skip
RESERVED = frozenset({*FUNCTIONS, *_BINDERS, *_CONSTANTS, *BUILDERS, "value"}) - NUMERIC
_NOT_HERE = {ast.Attribute: "attribute access", ast.Lambda: "lambda", ast.Compare: "a relation inside an expression",
             ast.Call: "a call of this form", ast.Constant: "this constant", ast.Tuple: "a tuple",
             ast.Subscript: "an index of this form", ast.BoolOp: "and/or", ast.UnaryOp: "this operator",
             ast.List: "a list", ast.Set: "a set", ast.Dict: "a set", ast.IfExp: "if/else",
             ast.GeneratorExp: "a loop", ast.ListComp: "a loop"}  # fmt: skip
_OPERATORS = {ast.BitXor: ("^", "; powers are **"), ast.Mod: ("%", ""), ast.FloorDiv: ("//", ""),
              ast.BitOr: ("|", "; write abs(x)"), ast.MatMult: ("@ between numbers", "; write *")}  # fmt: skip


MAX_BITS = 200_000  # of a number in the text


class _Reader:
    def __init__(self, source: Source, names: Mapping[str, Expr], language: Language) -> None:
        self.source, self.names, self.language = source, dict(names), language
        self.nodes = 0

    def fail(self, message: str, node: ast.AST, kind: type[NotationError] = NotationError) -> NotationError:
        return self.source.error(message, self.source.of(node), kind)

    def count(self, more: int, node: ast.AST) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES:
            raise self.fail(f"the text stands for more than {MAX_NODES} terms", node)

    def expr(self, node: ast.AST) -> Expr:
        self.count(1, node)
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name(id=name):
                return self.name(name, node)
            case ast.UnaryOp(op=ast.USub(), operand=arg):
                return -self.expr(arg)
            case ast.UnaryOp(op=ast.UAdd(), operand=arg):
                return self.expr(arg)
            case ast.BinOp():
                return self.binary(node)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return self.entry(name, index, node)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self.call(name, node)
        what = _NOT_HERE.get(type(node), type(node).__name__)
        raise self.fail(f"{what} is not part of the grammar", node)

    def number(self, node: ast.Constant) -> Num:
        text = ast.get_source_segment(self.source.plain, node) or ""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.fail(f"{text[:40]} is not a number", node)
        exponent = re.search(r"[eE]([+-]?\d+)", text)
        if len(text) > MAX_DIGITS or (exponent and abs(int(exponent[1])) > MAX_EXPONENT):
            raise self.fail("the number is too long", node)
        plain = text.replace("_", "")
        value = Fraction(plain) if isinstance(node.value, float) else Fraction(node.value)
        if isinstance(node.value, float) and not self.language.decimals:
            exact = f"write {value}" if len(str(value)) < 40 else "write a fraction p/q"
            raise self.fail(f"{text} is a decimal, and only exact numbers are read; {exact}", node)
        return Num(value, None if plain.isdigit() else plain)

    def name(self, name: str, node: ast.AST) -> Expr:
        if name in self.names:
            return self.names[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        macro = self.language.macros.get(name)
        if macro is not None:
            return self.expand(name, macro, (), node)
        known = [*self.names, *self.language.macros, *_CONSTANTS]
        hint = odd(name) or (f"; {name} is a function" if lookup(name) or name in _BINDERS else suggest(name, known))
        raise self.fail(f"{name} is not declared{hint}", node, UndeclaredSymbol)

    def entry(self, name: str, index: ast.AST, node: ast.AST) -> Expr:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        array = self.name(name, node)
        if not isinstance(array, Sym):
            raise self.fail(f"{name} cannot be indexed", node)
        places = tuple(self.expr(p) for p in parts)
        try:
            return array[places]
        except NotationError as err:
            raise self.fail(str(err), node) from None

    def binary(self, node: ast.BinOp) -> Expr:
        """Read operators of the same strength from left to right: a long sum is not a deep one."""
        spine: list[ast.BinOp] = []
        first: ast.AST = node
        while isinstance(first, ast.BinOp) and not isinstance(first.op, ast.Pow):
            spine.append(first)
            first = first.left
        if not spine:
            return self.power(self.expr(node.left), self.expr(node.right), node)
        out = self.expr(first)
        for part in reversed(spine):
            self.count(1, part)
            out = self.shaped(part, partial(self.join, out, self.expr(part.right), part))
        return out

    def join(self, left: Expr, right: Expr, node: ast.BinOp) -> Expr:
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.MatMult() if left.is_matrix and right.is_matrix:
                return left @ right  # type: ignore[operator]
        written, hint = _OPERATORS.get(type(node.op), ("this operator", ""))
        raise NotationError(f"{written} is not part of the grammar{hint}")

    def power(self, base: Expr, exponent: Expr, node: ast.AST) -> Expr:
        if base.is_matrix or exponent.is_matrix:
            return self.shaped(node, lambda: base**exponent)
        out, over = Pow(base, exponent), size(exponent)
        if over.bits is not None and (over.bits > MAX_DIGITS or (over.value and abs(over.value) > MAX_EXPONENT)):
            raise self.fail("the exponent is too large", node)
        whole = size(out)
        if whole.degree > MAX_EXPONENT or (whole.bits or 0) > MAX_BITS:
            raise self.fail("the power is too large", node)
        return out

    def call(self, name: str, node: ast.Call) -> Expr:
        if name in self.language.macros:
            return self.expand(name, self.language.macros[name], tuple(self.plain(a) for a in node.args), node)
        special: Callable[[ast.Call], Expr] | None = (
            getattr(self, f"read_{_BINDERS[name]}") if name in _BINDERS else None
        )
        if special is not None:
            return special(node)
        if name in VERBS:
            return VERBS[name](self, node)
        row = lookup(name)
        if row is None and name not in BUILDERS:
            known = [*FUNCTIONS, *ALIASES, *_BINDERS, *VERBS, *self.language.macros]
            hint = "; multiplication is written *" if name in self.names else odd(name) or suggest(name, known)
            raise self.fail(f"unknown function {name}{hint}", node)
        args = tuple((self.expr if name in BUILDERS else self.plain)(a) for a in node.args)
        if name in BUILDERS and len(args) == BUILDERS[name][1]:
            return self.shaped(node, partial(BUILDERS[name][0], *args))
        if row is None:
            raise self.fail(f"{name} takes {BUILDERS[name][1]} argument(s), got {len(args)}", node)
        if len(args) != len(row.args):
            raise self.fail(f"{name} takes {len(row.args)} argument(s), got {len(args)}", node)
        return Call(row.name, args)

    def shaped(self, node: ast.AST, build: Callable[[], Expr]) -> Expr:
        try:
            return build()
        except NotationError as err:
            raise self.fail(str(err), node) from None

    def plain(self, node: ast.AST) -> Expr:
        out = self.expr(node)
        if out.is_matrix:
            raise self.fail("a number is needed here, not a matrix", node)
        return out

    def expand(self, name: str, macro: Macro, args: tuple[Expr, ...], node: ast.AST) -> Expr:
        if len(args) != len(macro.params):
            raise self.fail(f"{name} takes {len(macro.params)} argument(s), got {len(args)}", node)
        if not args:
            self.count(weight(macro.body, {}), node)
            return macro.body
        given = dict(zip(macro.params, args, strict=True))
        self.count(weight(macro.body, {p: weight(a, {}) for p, a in given.items()}), node)
        return substitute(macro.body, given)

    def bound(self, node: ast.AST, sort: str) -> tuple[str, Sym]:
        if not isinstance(node, ast.Name) or node.id in _CONSTANTS or node.id.startswith("__"):
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
        body = self.plain(node.args[0])
        self.names = outer
        return Sum(body, tuple(reversed(limits)))

    def read_Integral(self, node: ast.Call) -> Expr:
        if len(node.args) != 2:
            raise self.fail("write Integral(body, (x, lo, hi))", node)
        name, var, lo, hi = self.triple(node.args[1], "boundreal")
        ends = self.expr(lo), self.expr(hi)
        outer, self.names = self.names, {**self.names, name: var}
        body = self.plain(node.args[0])
        self.names = outer
        return Integral(body, var, *ends)

    def read_limit(self, node: ast.Call) -> Expr:
        if len(node.args) not in (3, 4):
            raise self.fail('write limit(body, x, point) or limit(body, x, point, "+")', node)
        name, var = self.bound(node.args[1], "boundreal")
        point = self.expr(node.args[2])
        last = node.args[3] if len(node.args) == 4 else ast.Constant("+-")
        side = last.value if isinstance(last, ast.Constant) else ""
        if side not in ("+", "-", "+-"):
            raise self.fail('the side of a limit is "+", "-" or "+-"', node)
        outer, self.names = self.names, {**self.names, name: var}
        body = self.plain(node.args[0])
        self.names = outer
        return Limit(body, var, point, str(side))

    def read_diff(self, node: ast.Call) -> Expr:
        if len(node.args) not in (2, 3):
            raise self.fail("write diff(body, x) or diff(body, x, order)", node)
        last = node.args[2] if len(node.args) == 3 else ast.Constant(1)
        order = last.value if isinstance(last, ast.Constant) else None
        if type(order) is not int or not 1 <= order <= 8:
            raise self.fail("the order of a derivative is a whole number from 1 to 8", node)
        body, var = self.plain(node.args[0]), self.expr(node.args[1])
        if not isinstance(var, Sym | Index):
            raise self.fail("a derivative is with respect to a symbol or an array entry", node.args[1])
        return Diff(body, var, order)

    def read_Rational(self, node: ast.Call) -> Expr:
        values = [self.expr(a) for a in node.args]
        if len(values) != 2 or not all(isinstance(v, Num | Neg) for v in values):
            raise self.fail("write Rational(p, q) with whole numbers", node)
        return Div(*values)


def parse_expr(text: str, names: Mapping[str, Expr], language: Language = PLAIN) -> Expr:
    """Read one expression.

    Parameters
    ----------
    text : str
        Source in the grammar of this module.
    names : dict of str to Expr
        Declared names.
    language : Language
        Abbreviations and other options.

    Returns
    -------
    Expr

    Raises
    ------
    NotationError
        With a caret, when the text is not in the grammar; `UndeclaredSymbol` when a name is not declared.
    """
    source, node = read(text)
    try:
        return _Reader(source, names, language).expr(node)
    except RecursionError:
        raise NotationError(f"the text is nested deeper than {MAX_DEPTH} levels") from None


def parse_relations(text: str, names: Mapping[str, Expr], language: Language = PLAIN) -> tuple[Rel, ...]:
    """Read a chain such as ``0 < q < p <= 1`` as its links.

    Parameters
    ----------
    text : str
        Source in the grammar of this module.
    names : dict of str to Expr
        Declared names.
    language : Language
        Abbreviations and other options.

    Returns
    -------
    tuple of Rel

    Raises
    ------
    NotationError
        When the text is not a relation.
    """
    source, node = read(text)
    if not isinstance(node, ast.Compare):
        raise source.error("expected a relation (=, <=, <, >=, >, !=)", 0)
    reader, ops = _Reader(source, names, language), []
    for op in node.ops:
        if type(op) not in OPS:
            raise reader.fail(f"{type(op).__name__} is not a relation", node)
        ops.append(OPS[type(op)])
    try:
        sides = [reader.expr(s) for s in (node.left, *node.comparators)]
    except RecursionError:
        raise NotationError(f"the text is nested deeper than {MAX_DEPTH} levels") from None
    return tuple(check_relation(Rel(a, op, b)) for (a, b), op in zip(pairwise(sides), ops, strict=True))


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
