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
    Mul,
    Neg,
    Num,
    Pow,
    Sym,
)  # fmt: skip
from dltsym.notation.walk import expand_lets, free_symbols, key, subterms

NAMES = {"max": "maximum", "min": "minimum"}
WIDE_CALLS = {name: f"wide_{name}" for name in ("exp", "expm1", "expm1mx", "log_cosh", "phi1")}
FROM_WIDE = ("expm1mx", "log_cosh", "xlogx_step")  # these look at arguments outside the range of their type
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


def source(outputs: Mapping[str, Expr], inputs: Iterable[Sym], title: str) -> str:
    """Return the source of a function of the inputs, after an array `like` that sets the type, to a dict of outputs.

    Parameters
    ----------
    outputs : mapping of str to Expr
        What to compute.
    inputs : iterable of Sym
        Arguments in order.
    title : str
        Docstring of the function.

    Returns
    -------
    str

    A node that has no elementwise form (an integral, a sum, an entry of an array) raises `UnknownNode`.
    """
    trees = {name: rewritten(evaluate_derivatives(expand_lets(e))) for name, e in outputs.items()}
    named = {s.name: s for e in outputs.values() for s in lets(e)}
    inputs = tuple(inputs)
    names = python_names([*(s.name for s in inputs), *named])
    printer = _Printer(trees.values(), names, list(named.values()))
    body = [f"        {name!r}: {printer.show(tree).text}," for name, tree in trees.items()]
    args = ", ".join(["like", *(names[s.name] for s in inputs)])
    used = sorted(printer.used)
    imports = [f"from dltsym.lower.closed.{module} import {', '.join(n for n in used if HELPERS[n] == module)}"
               for module in MODULES if any(HELPERS[n] == module for n in used)]  # fmt: skip
    pi = ["from math import pi"] if any(isinstance(t, Const) for e in trees.values() for t in subterms(e)) else []
    head = [*pi, *imports, "", "", f"def kernel({args}):", f"    {' '.join(title.split())!r}"]
    lines = [*head, *printer.lines, "    return {", *body, "    }"]
    return "\n".join(lines).lstrip() + "\n"


class _Printer:
    """State of one function body: shared subexpressions and the lines that assign them."""

    def __init__(self, trees: Iterable[Expr], names: dict[str, str], named: list[Sym]) -> None:
        trees = tuple(trees)
        self.repeated = repeated(trees)
        self.meaning = {key(rewritten(evaluate_derivatives(expand_lets(s)))): names[s.name] for s in reversed(named)}
        self.names = names
        self.ranges = Ranges()
        self.known: dict[str, Code] = {}
        self.lines: list[str] = []
        self.used: set[str] = set()
        self.temporaries = 0

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
                return Code(self.names[e.name])
            case Neg(arg):
                code = self.piece(arg, want)
                return Code(f"-{code.inside(POWER)}", TIMES, code.wide)
            case Add(args):
                return self.add(args, want)
            case Mul() | Div():
                return self.product(e, want)
            case Pow(base, exponent):
                return self.power(base, exponent, want)
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
        if isinstance(e, Div) and self.fading(e.den):
            codes[1] = self.code(e.den, want=True)
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

    def fading(self, e: Expr) -> bool:
        """Tell whether a product of several factors may be too small for all of its digits."""
        return isinstance(e, Mul) and sum(not _small(a) for a in e.args) > 1 and self.ranges(e).lossy

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
            case Call("power1p", (t, c, whole)):
                parts = (self.show(t), self.show(c), self.piece(whole))
                return Code(self.use("power1p", *(x.text for x in parts)), ATOM, True)
            case Call("dot", args):
                return Code(self.use("dot", *(self.pair(a) for a in args)))
        lifts = e.name in WIDE_CALLS and (want or (e.name not in ("exp", "expm1") and self.ranges(e).outside))
        reads = e.name in FROM_WIDE and (lifts or e.name not in WIDE_CALLS)
        args = [(self.piece(a) if reads else self.show(a)).text for a in e.args]
        if e.name in WIDE_CALLS and not free_symbols(e):
            args[0] = f"{args[0]} + like"
        if lifts:
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

    def pair(self, e: Expr) -> str:
        """Return code of a term of `dot`."""
        texts = [self.show(f).text for f in (e.args if isinstance(e, Mul) else (e,))]
        return f"({', '.join(texts)})" if len(texts) == 2 else texts[0]

    def exponents(self, e: Expr) -> str:
        """Return code of the logarithm of a term, with one exponential factor."""
        (power,), (scale,) = exponents(e), coefficients(e)
        tree = power if scale == ONE else Add((power, rewritten(Call("log", (scale,)))))
        return self.show(tree).text

    def log1p(self, tail: Expr, whole: Expr) -> Code:
        r = self.ranges(tail)
        if r.hi > 120:
            terms = tail.args if isinstance(tail, Add) else (tail,)
            return Code(self.use("log_sum", "1", *(self.piece(t).text for t in terms)))
        args = [self.show(tail).text]
        if r.least < -0.5:
            args.append(self.show(whole).text)
        return Code(self.use("log1p", *args))

    def log(self, u: Expr) -> Code:
        if exponential_sum(u) and all(self.ranges(c).least >= 0 for c in coefficients(u)):
            parts = [self.exponents(a) for a in (u.args if isinstance(u, Add) else (u,))]
            return Code(self.use("log_sum_exp", *parts))
        if isinstance(u, Add):
            return Code(self.use("log_sum", *(self.piece(a).text for a in u.args)))
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
