"""The little language of mappings: arithmetic on arrays with named axes, read with `ast`, on a white list.

A value knows how many of its axes belong to the statement; all axes in front of them are batches. Arithmetic lines up
own axes with own axes and batches with batches, so ``lp[None] - slope * dist`` means what it says whether `slope` is a
number or one number per head. Nothing is executed: every node that is not listed here is refused.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dltsym.errors import KernelMapError, suggest

if TYPE_CHECKING:
    import torch

LIMIT = 2000
"""Longest expression, in characters."""

CONSTANTS = {
    "pi": math.pi, "e": math.e, "ln2": math.log(2), "log2e": 1 / math.log(2), "inf": math.inf, "nan": math.nan,
}  # fmt: skip
BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
POINTWISE = ("sqrt", "exp", "exp2", "expm1", "log", "log2", "log1p", "abs", "sigmoid", "tanh")
CASTS = {"f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64", "i32": "int32", "i64": "int64"}
MAKERS = ("arange", "eye", "ones", "zeros")
FUNCTIONS = (
    *POINTWISE, *CASTS, *MAKERS, "io", "float", "int", "bool", "tensor", "where", "maximum", "minimum", "sum", "mean",
    "str",
)  # fmt: skip


@dataclass(frozen=True)
class Axed:
    """An array whose last `rank` axes belong to the statement; `made` if it was computed here."""

    value: torch.Tensor
    rank: int
    made: bool = False


@dataclass(frozen=True)
class Expression:
    """A parsed expression, the text it came from, and the names in it."""

    text: str
    tree: ast.expr
    names: frozenset[str]

    @property
    def symbol(self) -> str:
        """The name, if the expression is nothing but a name; empty otherwise."""
        return self.tree.id if isinstance(self.tree, ast.Name) else ""


def parsed(text: str) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
        Such as ``"lp[None] - slope*dist"``.

    Returns
    -------
    Expression

    Raises
    ------
    KernelMapError
        For anything that is not on the white list.
    """
    if len(text) > LIMIT:
        raise KernelMapError(f"an expression of {len(text)} characters is longer than {LIMIT}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise KernelMapError(f"cannot read {text!r}: {getattr(error, 'msg', error)}") from None
    for node in ast.walk(tree):
        _allowed(node, text)
    called = {id(x.func) for x in ast.walk(tree) if isinstance(x, ast.Call)}
    names = {x.id for x in ast.walk(tree) if isinstance(x, ast.Name) and id(x) not in called}
    return Expression(text.strip(), tree, frozenset(names))


PLAIN = (
    ast.Constant, ast.Name, ast.Load, ast.Tuple, ast.List, ast.Slice, ast.Subscript, ast.BinOp, ast.Compare,
    ast.IfExp, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.operator, ast.cmpop,
)  # fmt: skip


def _allowed(node: ast.AST, text: str) -> None:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS:
            known = f"{suggest(name, FUNCTIONS)}; there are {', '.join(sorted(FUNCTIONS))}"
            raise KernelMapError(f"{text!r}: no function {name!r} in mappings{known}")
        if node.keywords:
            raise KernelMapError(f"{text!r}: functions in mappings take no named arguments")
        return
    wrong_attribute = isinstance(node, ast.Attribute) and node.attr != "T"
    odd = isinstance(node, ast.operator) and type(node) not in BINARY
    odd = odd or (isinstance(node, ast.cmpop) and type(node) not in COMPARE)
    if wrong_attribute or odd or not isinstance(node, (*PLAIN, ast.Attribute)):
        raise KernelMapError(f"{text!r}: {ast.unparse(node) or type(node).__name__} is not allowed in a mapping")


def aligned(*values: Axed) -> list[torch.Tensor]:
    """Give arrays the same number of own axes, by axes of length 1 between batches and own axes.

    Parameters
    ----------
    *values : Axed
        Arrays.

    Returns
    -------
    list of Tensor
    """
    rank = max(v.rank for v in values)
    out = []
    for v in values:
        batch = v.value.ndim - v.rank
        out.append(v.value.reshape(v.value.shape[:batch] + (1,) * (rank - v.rank) + v.value.shape[batch:]))
    return out


class Evaluator:
    """Evaluates expressions over the inputs of one call.

    Parameters
    ----------
    names : mapping
        What the names stand for: `Axed` arrays, numbers, texts, truths.
    dtype : torch.dtype
        Type of the inputs.
    device : str
        Where arrays are made.
    """

    def __init__(self, names: Mapping[str, Any], dtype: Any, device: Any = "cpu") -> None:
        self.names, self.dtype, self.device = names, dtype, device

    def evaluate(self, expression: Expression) -> Any:
        """Return the value of an expression.

        Parameters
        ----------
        expression : Expression
            Expression.

        Returns
        -------
        Axed, number, text, truth or tuple

        Raises
        ------
        KernelMapError
            When an operation does not fit its operands.
        """
        try:
            return self(expression.tree)
        except (TypeError, ValueError, IndexError, AttributeError, ArithmeticError, RuntimeError) as error:
            raise KernelMapError(f"cannot evaluate {expression.text!r} in the mapping: {error}") from None

    def __call__(self, node: ast.expr) -> Any:
        """Evaluate a node."""
        method = getattr(self, f"_{type(node).__name__}")
        return method(node)

    def _Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _Name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        return CONSTANTS[node.id]

    def _Tuple(self, node: ast.Tuple) -> Any:
        return tuple(self(x) for x in node.elts)

    def _List(self, node: ast.List) -> Any:
        return [self(x) for x in node.elts]

    def _UnaryOp(self, node: ast.UnaryOp) -> Any:
        x = self(node.operand)
        if isinstance(node.op, ast.Not):
            return not x
        x = self._double(x)
        sign = -1 if isinstance(node.op, ast.USub) else 1
        return Axed(sign * x.value, x.rank, True) if isinstance(x, Axed) else sign * x

    def _BoolOp(self, node: ast.BoolOp) -> Any:
        values = (self(x) for x in node.values)
        return all(values) if isinstance(node.op, ast.And) else any(values)

    def _IfExp(self, node: ast.IfExp) -> Any:
        return self(node.body) if self(node.test) else self(node.orelse)

    def _BinOp(self, node: ast.BinOp) -> Any:
        a, b = self(node.left), self(node.right)
        if isinstance(node.op, ast.Pow) and isinstance(a, int) and isinstance(b, int) and abs(b) > 64:
            a = float(a)  # 9**9**9 must not hang
        return self._apply(BINARY[type(node.op)], a, b)

    def _Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) > 1:
            raise KernelMapError(f"{ast.unparse(node)!r}: write one comparison at a time")
        return self._apply(COMPARE[type(node.ops[0])], self(node.left), self(node.comparators[0]))

    def _Attribute(self, node: ast.Attribute) -> Any:
        x = self(node.value)
        if not isinstance(x, Axed) or x.rank < 2:
            raise KernelMapError(f"{ast.unparse(node)!r}: .T needs two axes")
        return Axed(x.value.transpose(-1, -2), x.rank, x.made)

    def _Slice(self, node: ast.Slice) -> Any:
        return slice(*(None if part is None else self(part) for part in (node.lower, node.upper, node.step)))

    def _Subscript(self, node: ast.Subscript) -> Any:
        x, at = self(node.value), self(node.slice)
        if not isinstance(x, Axed):
            return x[at]
        at = at if isinstance(at, tuple) else (at,)
        batch = x.value.ndim - x.rank
        if Ellipsis in at:
            raise KernelMapError(f"{ast.unparse(node)!r}: an index counts the own axes only, and needs no ...")
        taken = x.value[(slice(None),) * batch + at]
        return Axed(taken, taken.ndim - batch, x.made)

    def _Call(self, node: ast.Call) -> Any:
        return self._function(ast.unparse(node.func), [self(x) for x in node.args])

    def _function(self, name: str, given: list[Any]) -> Any:
        import torch

        x = given[0] if given else None
        if name in MAKERS:
            made = getattr(torch, name)(*given, dtype=torch.float64, device=self.device)
            return Axed(made, made.ndim, True)
        if name in CASTS or name == "io":
            dtype = self.dtype if name == "io" else getattr(torch, CASTS[name])
            x = x if isinstance(x, Axed) else _number(x, self.device)
            return Axed(x.value.to(dtype), x.rank)
        if name in ("float", "int", "bool", "str"):
            plain = x.value.item() if isinstance(x, Axed) else x
            return {"float": float, "int": int, "bool": bool, "str": str}[name](plain)  # type: ignore[arg-type]
        if name == "tensor":
            return x if isinstance(x, Axed) else Axed(torch.tensor(x, dtype=self.dtype), 0)
        if name in ("where", "maximum", "minimum"):
            arrays = [v if isinstance(v, Axed) else _number(v) for v in map(self._double, given)]
            rank = max(v.rank for v in arrays)
            return Axed(getattr(torch, name)(*aligned(*arrays)), rank, True)
        if name in ("sum", "mean"):
            if not isinstance(x, Axed):
                raise TypeError(f"{name} needs an array")
            own = given[1] if len(given) > 1 else tuple(range(-x.rank, 0))
            kept = x.rank - (len(own) if isinstance(own, tuple) else 1)
            return Axed(getattr(torch, name)(x.value.double(), own), kept, True)
        if isinstance(x, Axed):
            return Axed(getattr(torch, name)(self._double(x).value), x.rank, True)
        return getattr(torch, name)(torch.tensor(float(x), dtype=torch.float64)).item()  # type: ignore[arg-type]

    def _apply(self, do: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:

        if not isinstance(a, Axed) and not isinstance(b, Axed):
            return do(a, b)
        a, b = (v if isinstance(v, Axed) else _number(v) for v in (a, b))
        left, right = aligned(self._double(a), self._double(b))
        return Axed(do(left, right), max(a.rank, b.rank), True)

    def _double(self, x: Any) -> Any:
        if isinstance(x, Axed) and x.value.is_floating_point():
            return Axed(x.value.double(), x.rank, x.made)
        return x


def _number(x: Any, device: Any = None) -> Axed:
    """Make an array of a number; torch makes float32 of a Python float, which would round a double-precision mask."""
    import torch

    return Axed(torch.as_tensor(x, dtype=torch.float64 if isinstance(x, float) else None, device=device), 0)
