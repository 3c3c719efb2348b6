"""Python source from a tree: one readable function of arrays, with the stable forms chosen by pattern and by range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.functions.table import FUNCTIONS
from dltsym.lower.closed.names import HELPERS, MODULES, lets, python_names, repeated, shareable
from dltsym.lower.closed.ranges import Ranges
from dltsym.lower.closed.rewrite import rewritten
from dltsym.lower.closed.terms import ONE, coefficients, exponential_sum, exponents, factors, product
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
)  # fmt: skip
from dltsym.notation.walk import expand_lets, free_symbols, key, subterms

NAMES = {"max": "maximum", "min": "minimum"}
WIDE_CALLS = {"exp": "wide_exp", "expm1": "wide_expm1", "phi1": "wide_phi1"}
ATOM, POWER, TIMES, PLUS = 4, 3, 2, 1


@dataclass(frozen=True)
class Code:
    """Text of an expression, how tightly its outermost operator binds, and whether its value is `Wide`."""

    text: str
    level: int = ATOM
    wide: bool = False

    def inside(self, level: int) -> str:
        """Return the text, in parentheses unless it binds at least as tightly as `level`.

        Parameters
        ----------
        level : int
            Needed level.

        Returns
        -------
        str
        """
        return self.text if self.level >= level else f"({self.text})"


@dataclass(frozen=True)
class Source:
    """A generated function, and how many axes for bound indices its shapes end with."""

    text: str
    rank: int


def source(outputs: Mapping[str, Expr], inputs: Iterable[Sym], title: str, over: tuple[Sym, ...] = ()) -> Source:
    """Return the source of a function of the inputs, after an array `like` that sets the type, to a dict of outputs.

    Parameters
    ----------
    outputs : mapping of str to Expr
        What to compute.
    inputs : iterable of Sym
        Arguments in order.
    title : str
        Docstring of the function.
    over : tuple of Sym
        Index symbols that take all their values, each along an axis of its own.

    Returns
    -------
    Source

    A node that has no elementwise form (an integral, a limit) raises `UnknownNode`.
    """
    trees = {name: rewritten(evaluate_derivatives(expand_lets(e))) for name, e in outputs.items()}
    named = {s.name: s for e in outputs.values() for s in lets(e)}
    inputs = tuple(inputs)
    names = python_names([*(s.name for s in inputs), *named])
    printer = _Printer(trees.values(), names, list(named.values()), over)
    body = [f"        {name!r}: {printer.show(tree).text}," for name, tree in trees.items()]
    args = ", ".join(["like", *(names[s.name] for s in inputs)])
    used = sorted(printer.used)
    imports = [f"from dltsym.lower.closed.{module} import {', '.join(n for n in used if HELPERS[n] == module)}"
               for module in MODULES if any(HELPERS[n] == module for n in used)]  # fmt: skip
    pi = ["from math import pi"] if any(isinstance(t, Const) for e in trees.values() for t in subterms(e)) else []
    head = [*pi, *imports, "", "", f"def kernel({args}):", f"    {' '.join(title.split())!r}"]
    lines = [*head, *printer.lines, "    return {", *body, "    }"]
    return Source("\n".join(lines).lstrip() + "\n", printer.rank)


def _depth(e: Expr) -> int:
    match e:
        case Sum(body, limits):
            return len(limits) + max([_depth(body), *(_depth(x) for _, lo, hi in limits for x in (lo, hi))])
    below = [t for t in subterms(e) if isinstance(t, Sum)]
    return max((_depth(t) for t in below), default=0)


class _Printer:
    """State of one function body: shared subexpressions and the lines that assign them."""

    def __init__(self, trees: Iterable[Expr], names: dict[str, str], named: list[Sym], over: tuple[Sym, ...]) -> None:
        trees = tuple(trees)
        self.repeated = repeated(trees)
        self.meaning = {key(rewritten(evaluate_derivatives(expand_lets(s)))): names[s.name] for s in reversed(named)}
        self.names = names
        self.ranges = Ranges()
        self.rank = max(map(_depth, trees), default=0) + len(over)
        self.known: dict[str, Code] = {}
        self.bound: dict[Sym, str] = {}
        self.ranges_of: dict[str, str] = {}
        self.lines: list[str] = []
        self.used: set[str] = set()
        self.temporaries = 0
        for s in over:
            assert s.decl.lo is not None
            assert s.decl.hi is not None
            self.enter(s, s.decl.lo, s.decl.hi)

    def enter(self, v: Sym, lo: Expr, hi: Expr) -> tuple[str, str, str]:
        """Assign the values of an index; return its name and its range."""
        low, high = self.show(lo).text, self.show(hi).text
        text = self.use("index", low, high, str(len(self.bound)), "like")
        if text not in self.ranges_of:  # a line may be evaluated after the next one: no index is ever reassigned
            self.ranges_of[text] = self.assign(f"_i{len(self.ranges_of)}", text)
        self.bound[v] = self.ranges_of[text]
        return self.bound[v], low, high

    def use(self, name: str, *args: str) -> str:
        """Return a call of a helper, which is then imported."""
        self.used.add(name)
        return f"{name}({', '.join(args)})"

    def assign(self, name: str, text: str) -> str:
        self.lines.append(f"    {name} = {text}")
        return name

    def show(self, e: Expr) -> Code:
        """Return code of plain numbers."""
        code = self.code(e)
        return Code(self.use("value", code.text)) if code.wide else code

    def code(self, e: Expr, want: bool = False) -> Code:
        """Return code, of `Wide` numbers if wanted or needed by what is inside."""
        k = key(e) if shareable(e) else ""
        name = self.meaning.get(k) or ("" if k not in self.repeated else None)
        if name == "":
            code = self.fresh(e, want)
            return Code(self.use("value", code.text)) if code.wide and not want else code
        if k not in self.known:
            wide = want or self.ranges(e).outside
            code = self.fresh(e, wide)
            wide = code.wide and wide
            if name is None:
                name, self.temporaries = f"_t{self.temporaries}", self.temporaries + 1
            text = self.use("value", code.text) if code.wide and not wide else code.text
            self.known[k] = Code(self.assign(name, text), ATOM, wide)
        known = self.known[k]
        return Code(self.use("value", known.text)) if known.wide and not want else known

    def fresh(self, e: Expr, want: bool) -> Code:
        match e:
            case Num(value):
                return self.number(value, want)
            case Const("pi"):
                return Code("pi")
            case Sym():
                return Code(self.bound.get(e) or self.names[e.name])
            case Index(array, idx):
                return Code(self.use("take", self.names[array.name], str(self.rank), *(self.show(i).text for i in idx)))
            case Neg(arg):
                code = self.piece(arg, want)
                return Code(f"-{code.inside(POWER)}", TIMES, code.wide)
            case Add(args):
                return self.add(args, want)
            case Mul() | Div():
                return self.product(e, want)
            case Pow(base, exponent):
                return self.power(base, exponent, want)
            case Sum():
                return self.sum(e, want)
            case Call():
                return self.call(e, want)
        raise UnknownNode(f"{type(e).__name__} has no elementwise form: {e}")

    def piece(self, e: Expr, lift: bool = False) -> Code:
        """Return code of an operand, wide if its range asks for it or its parent does."""
        code = self.code(e, self.ranges(e).outside)
        if lift and not code.wide:
            return Code(self.use("wide", code.text, "like"), ATOM, True)
        return code

    def number(self, q: Fraction, want: bool) -> Code:
        if not -400 < q.numerator.bit_length() - q.denominator.bit_length() < 400:
            if not want:
                raise UnknownNode("a constant is too large or too small for floating point")
            shift = q.numerator.bit_length() - q.denominator.bit_length()
            m = float(q / Fraction(2) ** shift)
            self.used.add("wide")
            return Code(f"wide({m!r}, like) * wide(2.0, like) ** {shift}.0", TIMES, True)
        if q.denominator == 1:
            text = str(q.numerator) if abs(q.numerator) < 2**53 else repr(float(q.numerator))
        elif set(_primes(q.denominator)) <= {2, 5} and len(repr(float(q))) < 8:
            text = repr(float(q))
        else:
            a, b = (str(k) if abs(k) < 2**53 else repr(float(k)) for k in (q.numerator, q.denominator))
            return Code(f"{a} / {b}", TIMES)
        return Code(text, ATOM if q >= 0 else TIMES)

    def add(self, args: tuple[Expr, ...], want: bool) -> Code:
        codes = [self.piece(a.arg if isinstance(a, Neg) else a) for a in args]
        wide = want or any(c.wide for c in codes)
        if want and not any(c.wide for c in codes):
            codes[0] = Code(self.use("wide", codes[0].text, "like"), ATOM, True)
        text = f"-{codes[0].inside(POWER)}" if isinstance(args[0], Neg) else codes[0].inside(PLUS)
        for a, c in zip(args[1:], codes[1:], strict=True):
            text += f" - {c.inside(TIMES)}" if isinstance(a, Neg) else f" + {c.inside(TIMES)}"
        return Code(text, PLUS, wide)

    def product(self, e: Expr, want: bool) -> Code:
        assert isinstance(e, Div | Mul)
        args = (e.num, e.den) if isinstance(e, Div) else e.args
        # a small constant factor brings nothing back into range, so it asks for nothing
        mild = sum(not _small(a) for a in args) == 1 and not (isinstance(e, Div) and _small(e.num))
        codes = [self.code(a, want) if mild else self.piece(a) for a in args]
        wide = any(c.wide for c in codes)
        # a partial product may leave the range although factors and result do not
        wide = wide or want or (isinstance(e, Mul) and self.risky(e))
        if wide and not any(c.wide for c in codes):
            codes[0] = Code(self.use("wide", codes[0].text, "like"), ATOM, True)
        if isinstance(e, Div):
            return Code(f"{codes[0].inside(TIMES)} / {codes[1].inside(POWER)}", TIMES, wide)
        if wide:  # a wide factor first, so that every partial product is wide
            codes.sort(key=lambda c: not c.wide)
        return Code(" * ".join([codes[0].inside(TIMES), *(c.inside(POWER) for c in codes[1:])]), TIMES, wide)

    def risky(self, e: Mul) -> bool:
        return len(e.args) > 2 and any(self.ranges(Mul(e.args[:k])).outside for k in range(2, len(e.args)))

    def power(self, base: Expr, exponent: Expr, want: bool) -> Code:
        a = self.code(base, want or self.ranges(base).outside)
        if isinstance(exponent, Num) and exponent.value == Fraction(1, 2):
            return self.call(Call("sqrt", (base,)), want)
        b = self.show(exponent)
        if want and not a.wide:
            a = Code(self.use("wide", a.text, "like"), ATOM, True)
        return Code(f"{a.inside(ATOM)} ** {b.inside(ATOM)}", POWER, a.wide)

    def loops(self, e: Sum) -> tuple[list[str], list[tuple[str, str, str]]]:
        """Assign the indices of a sum, outermost first; return their names, and the ranges that need a mask."""
        names, masks = [], []
        for v, lo, hi in reversed(e.limits):
            place = self.enter(v, lo, hi)
            if not (isinstance(lo, Num) and isinstance(hi, Num)):
                masks.append(place)
            names.append(place[0])
        return names, masks

    def body(self, e: Sum, plain: bool = False) -> tuple[Code, list[str]]:
        names, masks = self.loops(e)
        code = self.show(e.body) if plain else self.piece(e.body)
        for j, lo, hi in masks if self.varying(e) else []:
            code = Code(self.use("within", code.text, j, lo, hi), ATOM, code.wide)
        return code, names

    def varying(self, e: Sum) -> bool:
        """Tell whether a limit may differ from entry to entry: anything but a number or the size of an array."""
        sizes = {hi for t in subterms(e) if isinstance(t, Index) for _, hi in t.array.decl.shape}
        return any(not isinstance(x, Num) and x not in sizes for _, lo, hi in e.limits for x in (lo, hi))

    def sum(self, e: Sum, want: bool) -> Code:
        code, names = self.body(e)
        for v in reversed(names):  # innermost first
            code = Code(self.use("total", code.text, v), ATOM, code.wide)
        for v, _, _ in e.limits:
            del self.bound[v]
        return Code(self.use("wide", code.text, "like"), ATOM, True) if want and not code.wide else code

    def over(self, e: Expr, plain: bool = False) -> str:
        """Return code of a term of `log_sum`: a sum is left to it."""
        if not isinstance(e, Sum):
            return self.piece(e).text
        code, names = self.body(e, plain)
        text = self.use("Over", code.text, *reversed(names))
        for v, _, _ in e.limits:
            del self.bound[v]
        return text

    def call(self, e: Call, want: bool) -> Code:
        match e:
            case Call("log", (u,)):
                return self.log(u)
            case Call("log1p", (t, whole)):
                return self.log1p(t, whole)
            case Call("complement", (flag, Call("exp", (x,)), den)):
                parts = [self.exponents(a) for a in (den.args if isinstance(den, Add) else (den,))]
                return Code(self.use("complement", self.show(flag).text, self.show(x).text, *parts), ATOM, True)
            case Call("sqrt" | "log1pmx", (u,)):
                code = self.piece(u)
                return Code(self.use(e.name, code.text), ATOM, code.wide)
        args = [self.show(a).text for a in e.args]
        if e.name in WIDE_CALLS and not free_symbols(e):
            args[0] = f"{args[0]} + like"
        if e.name in WIDE_CALLS and (want or (e.name == "phi1" and self.ranges(e).outside)):
            return Code(self.use(WIDE_CALLS[e.name], *args), ATOM, True)
        name = NAMES.get(e.name, e.name)
        if name == "abs":
            return Code(f"abs({args[0]})")
        if name in HELPERS:
            return Code(self.use(name, *args))
        definition = FUNCTIONS[e.name].definition
        if definition is None:
            raise UnknownNode(f"{e.name} has no elementwise form")
        expanded = row_text(e, definition)
        assert isinstance(expanded, Expr)
        return self.code(rewritten(expanded), want)

    def exponents(self, e: Expr) -> str:
        """Return code of the logarithm of a term, or of all terms of a sum, with one exponential factor."""
        if isinstance(e, Sum) and isinstance(e.body, Sum):
            return self.exponents(Sum(e.body.body, (*e.body.limits, *e.limits)))
        (power,), (scale,) = exponents(e), coefficients(e)
        tree = power if scale == ONE else Add((power, rewritten(Call("log", (scale,)))))
        return self.over(Sum(tree, e.limits), plain=True) if isinstance(e, Sum) else self.show(tree).text

    def log1p(self, tail: Expr, whole: Expr) -> Code:
        r = self.ranges(tail)
        if r.hi > 120:
            terms = tail.args if isinstance(tail, Add) else (tail,)
            return Code(self.use("log_sum", "1", *map(self.over, terms)))
        args = [self.show(tail).text]
        if r.least < -0.5:
            args.append(self.show(whole).text)
        return Code(self.use("log1p", *args))

    def log(self, u: Expr) -> Code:
        if exponential_sum(u) and all(self.ranges(c).least >= 0 for c in coefficients(u)):
            parts = [self.exponents(a) for a in (u.args if isinstance(u, Add) else (u,))]
            return Code(self.use("log_sum_exp", *parts))
        if isinstance(u, Add | Sum):
            return Code(self.use("log_sum", *(self.over(a) for a in (u.args if isinstance(u, Add) else (u,)))))
        if isinstance(u, Div | Mul):
            up, down = factors(u)
            a, b = product(up), product(down)
            lossy = any(isinstance(x, Mul) and (self.ranges(x).lossy or self.risky(x)) for x in (a, b))
            if lossy and down:
                top, bottom = self.code(a, want=True), self.code(b, want=True)
                return Code(self.use("log", f"{top.inside(TIMES)} / {bottom.inside(POWER)}"))
            if lossy:
                return Code(self.use("log", self.code(a, want=True).text))
            if not any(self.ranges(x).outside for x in (a, b)):
                if not up:
                    return Code(f"-{self.log(b).inside(POWER)}", TIMES)
                if down:
                    return Code(self.use("log_ratio", self.show(a).text, self.show(b).text))
        return Code(self.use("log", self.piece(u).text))


def _small(e: Expr) -> bool:
    return isinstance(e, Num) and 0.001 < abs(e.value) < 1000


def _primes(n: int) -> list[int]:
    out = [p for p in (2, 5) if n % p == 0]
    for p in out:
        while n % p == 0:
            n //= p
    return out if n == 1 else [*out, n]
