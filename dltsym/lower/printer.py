"""Python source from a tree: one readable function of an array namespace, with the stable forms chosen by pattern."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.functions.table import FUNCTIONS
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.parse import row_text
from dltsym.notation.tree import (
    Add,
    Call,
    Const,
    Div,
    Expr,
    Index,
    Mul,
    Neg,
    Num,
    Pow,
    Sum,
    Sym,
)
from dltsym.notation.walk import expand_lets, free_symbols, key, subterms

STABLE = ("kl_bernoulli", "binary_entropy", "softplus", "sigmoid", "phi1", "xlogx")
PLAIN = {"exp": "exp", "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh",
         "tanh": "tanh", "acos": "arccos", "asin": "arcsin", "atan": "arctan", "abs": "abs", "max": "maximum",
         "min": "minimum"}
ONE = Num(Fraction(1))
RESERVED = {"xp", "st", "erf", "range", "int", "sum", "total", "math"}


def python_name(name: str) -> str:
    """Return a Python name for a symbol that clashes with nothing in generated code.

    Parameters
    ----------
    name : str
        Symbol name.

    Returns
    -------
    str
    """
    return f"{name}_" if keyword.iskeyword(name) or name in RESERVED or name.startswith("_t") else name


def source(outputs: dict[str, Expr], inputs: Iterable[Sym], title: str) -> str:
    """Return the source of a function of `xp` and the inputs that returns a dict of outputs.

    Parameters
    ----------
    outputs : dict of str to Expr
        What to compute.
    inputs : iterable of Sym
        Arguments in order.
    title : str
        First line of the docstring.

    Returns
    -------
    str

    Raises
    ------
    UnknownNode
        For a node that has no elementwise form (integrals, limits).
    """
    trees = {name: evaluate_derivatives(expand_lets(e)) for name, e in outputs.items()}
    printer = _Printer(trees.values())
    body = [f"        {name!r}: {printer.show(tree)}," for name, tree in trees.items()]
    args = ", ".join(["xp", "st", "erf", *(python_name(s.name) for s in inputs)])
    lines = [f"def kernel({args}):", f'    """{title}"""', *printer.lines, "    return {", *body, "    }"]
    return "\n".join(lines) + "\n"


class _Printer:
    """State of one function body: shared subexpressions and the lines that assign them."""

    def __init__(self, trees: Iterable[Expr]) -> None:
        counts = Counter(key(t) for tree in trees for t in subterms(tree) if _shareable(t))
        self.repeated = {k for k, c in counts.items() if c > 1}
        self.names: dict[str, str] = {}
        self.lines: list[str] = []

    def show(self, e: Expr) -> str:
        k = key(e) if _shareable(e) else ""
        if k not in self.repeated:
            return self.fresh(e)
        if k not in self.names:
            text = self.fresh(e)
            self.names[k] = f"_t{len(self.names)}"
            self.lines.append(f"    {self.names[k]} = {text}")
        return self.names[k]

    def fresh(self, e: Expr) -> str:
        match e:
            case Num(value):
                return str(value.numerator) if value.denominator == 1 else f"({value.numerator} / {value.denominator})"
            case Const("pi"):
                return "xp.pi"
            case Sym():
                return python_name(e.name)
            case Neg(arg):
                return f"-({self.show(arg)})"
            case Add(args):
                return self.add(args)
            case Mul(args):
                return "(" + " * ".join(self.show(a) for a in args) + ")"
            case Div(num, den):
                return self.quotient(num, den)
            case Pow(base, exponent):
                return f"({self.show(base)}) ** ({self.show(exponent)})"
            case Index(array, idx):
                return f"{python_name(array.name)}[..., {', '.join(f'int({self.show(i)}) - 1' for i in idx)}]"
            case Sum():
                return self.sum(e)
            case Call():
                return self.call(e)
        raise UnknownNode(f"{type(e).__name__} has no elementwise form: {e}")

    def add(self, args: tuple[Expr, ...]) -> str:
        exps = [a for a in args if isinstance(a, Call) and a.name == "exp"]
        if len(args) == 2 and exps and Neg(ONE) in args:
            return f"xp.expm1({self.show(exps[0].args[0])})"
        if len(args) == 2 and args[0] == ONE and isinstance(args[1], Neg) and isinstance(args[1].arg, Call) and args[1].arg.name == "exp":
            return f"-xp.expm1({self.show(args[1].arg.args[0])})"
        return "(" + " + ".join(self.show(a) for a in args) + ")"

    def quotient(self, num: Expr, den: Expr) -> str:
        factors = num.args if isinstance(num, Mul) else (num,)
        exps = [f for f in factors if isinstance(f, Call) and f.name == "exp"]
        pieces = self.exponents(den) if len(exps) == 1 else None
        if pieces is None:
            return f"({self.show(num)}) / ({self.show(den)})"
        rest = [f for f in factors if f is not exps[0]]
        core = f"xp.exp({self.show(exps[0].args[0])} - {self.lse(pieces)})"
        return " * ".join([*(f"({self.show(f)})" for f in rest), core])

    def lse(self, pieces: list[str]) -> str:
        return f"st.log_sum_exp(xp, {' + '.join(pieces)})"

    def exponents(self, e: Expr) -> list[str] | None:
        """Return list expressions of the exponents if `e` is a sum of positive multiples of exponentials, else None."""
        if isinstance(e, Sum):
            inner = self.exponents(e.body)
            if inner is None or len(inner) != 1 or not inner[0].startswith("["):
                return None
            loops = " ".join(self.loop(v, lo, hi) for v, lo, hi in reversed(e.limits))
            return [f"{inner[0][:-1]} {loops}]"]
        if isinstance(e, Add):
            parts = [self.exponents(a) for a in e.args]
            return None if any(p is None for p in parts) else [x for p in parts if p is not None for x in p]
        factors = e.args if isinstance(e, Mul) else (e,)
        exps = [f for f in factors if isinstance(f, Call) and f.name == "exp"]
        rest = [f for f in factors if f not in exps]
        if len(exps) != 1 or not all(map(_positive, rest)):
            return None
        return ["[" + " + ".join([self.show(exps[0].args[0]), *(f"xp.log({self.real(r)})" for r in rest)]) + "]"]

    def real(self, e: Expr) -> str:
        """Print a positive factor so that array functions take it, a whole number included."""
        return f"st.real(xp, {self.show(e)})"

    def loop(self, v: Sym, lo: Expr, hi: Expr) -> str:
        return f"for {python_name(v.name)} in range(int({self.show(lo)}), int({self.show(hi)}) + 1)"

    def sum(self, e: Sum) -> str:
        loops = " ".join(self.loop(v, lo, hi) for v, lo, hi in reversed(e.limits))
        return f"sum({self.show(e.body)} {loops})"

    def call(self, e: Call) -> str:
        if e.name in ("exp", "log", "sqrt") and isinstance(e.args[0], Num) and (e.args[0].value > 0 or e.name == "exp"):
            return f"math.{e.name}({self.show(e.args[0])})"
        if e.name == "log":
            return self.log(e.args[0])
        args = ", ".join(self.show(a) for a in e.args)
        if e.name in STABLE:
            return f"st.{e.name}(xp, {args})"
        if e.name == "erf":
            return f"erf({args})"
        if e.name in ("exp", "sqrt"):
            return f"xp.{e.name}(st.real(xp, {args}))"
        if e.name in PLAIN:
            return f"xp.{PLAIN[e.name]}({args})"
        row = FUNCTIONS[e.name]
        if row.definition is not None:
            expanded = row_text(e, row.definition)
            assert isinstance(expanded, Expr)
            return self.show(expanded)
        if e.name == "delta":
            return f"(({self.show(e.args[0])}) == ({self.show(e.args[1])})) * 1"
        raise UnknownNode(f"{e.name} has no elementwise form")

    def log(self, u: Expr) -> str:
        pieces = self.exponents(u)
        if pieces is not None:
            return self.lse(pieces)
        match u:
            case Add((Num(value), Call("exp", (w,)))) | Add((Call("exp", (w,)), Num(value))) if value == 1:
                return f"st.softplus(xp, {self.show(w)})"
            case Add((first, *rest)) if first == ONE:
                tail = rest[0] if len(rest) == 1 else Add(tuple(rest))
                return f"xp.log1p({self.real(tail)})"
            case Div(Call("exp", (w,)), den):
                return f"({self.show(w)} - {self.log(den)})"
            case Div(Num(value), den) if value == 1:
                return f"-({self.log(den)})"
            case Div(num, den):
                return f"st.log_ratio(xp, {self.real(num)}, {self.real(den)})"
            case Mul((a, b)) if _positive(a) and _positive(b):
                return f"st.log_product(xp, {self.real(a)}, {self.real(b)})"
        return f"xp.log({self.real(u)})"


def _positive(e: Expr) -> bool:
    match e:
        case Num(value):
            return value > 0
        case Const("pi"):
            return True
        case Index(array, _):
            return _positive(array)
        case Sym(decl):
            return isinstance(decl.lo, Num) and (decl.lo.value > 0 or (decl.lo.value == 0 and decl.lo_open))
        case Call("exp", _):
            return True
        case Mul(args) | Add(args):
            return all(map(_positive, args))
        case Div(a, b) | Pow(a, b):
            return _positive(a) and (_positive(b) or isinstance(e, Pow))
        case Call("sqrt", (a,)):
            return _positive(a)
    return False


def _shareable(e: object) -> bool:
    if isinstance(e, Num | Const | Sym | Index) or not isinstance(e, Expr):
        return False
    return not any(s.decl.uid for s in free_symbols(e))
