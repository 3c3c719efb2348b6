"""`Proof`: the context of one Coq lemma: hypotheses, generators, and equations that bring atoms into normal form.

Nothing here is trusted: every equation and sign becomes an ``assert`` that Coq checks. An atom (``exp``, ``ln``,
``sqrt`` of something) gets an equation to a product or sum of generators: ``ln (p / q) = ln p - ln q`` where both
signs are proved, ``exp (a + 2 * b) = exp a * exp b ^ 2``, ``sqrt (4 * a) = 2 * sqrt a``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from flint import arb

from dltsym.formal import points
from dltsym.formal.forms import (
    REAL,
    Poly,
    Quotient,
    coefficients,
    constant,
    fraction,
    quotient,
    ring,
    variables,
)
from dltsym.formal.text import Refused, as_exp, coq, whole
from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import subterms

ONE = Num(Fraction(1))
LOOSE, STRICT = 1, 2  # a symbol read as the square of its root: not negative, or positive
WANTED = "roots"  # there are roots; 1 when symbols are to be read as squares of them


class Unproved(Refused):
    """The exporter does not find a part of a proof; nothing is exported then."""


class Rescale(Exception):
    """An exponential has to be written by a smaller unit; the proof starts again with the new table of units."""


@dataclass(frozen=True)
class Gen:
    """A generator; `inside` is the argument as a tree."""

    kind: str
    expr: Expr
    inside: Expr


@dataclass(frozen=True)
class Fact:
    """``0 < poly`` or ``0 <= poly`` under a name."""

    name: str
    poly: Poly
    strict: bool


@dataclass
class Proof:
    """One lemma in the making: `lines` are tactics that have put everything found so far into the context."""

    given: tuple[Rel, ...]
    scale: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    gens: list[Gen] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)
    atoms: dict[str, tuple[Quotient, str]] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    known: dict[tuple[str, bool], Fact | None] = field(default_factory=dict)
    apart: list[Poly] = field(default_factory=list)
    roots: dict[int, Poly] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    count: int = 0
    depth: int = 0
    nodes: int = 0
    points: tuple[points.Point, ...] = ()
    values: dict[tuple[int, int], arb] = field(default_factory=dict)

    def fresh(self, letter: str) -> str:
        """Return a new name.

        Parameters
        ----------
        letter : str
            How it begins.

        Returns
        -------
        str
        """
        self.count += 1
        return f"{letter}{self.count}"

    def say(self, name: str, statement: str, tactic: str) -> str:
        """Add an assertion with its proof.

        Parameters
        ----------
        name, statement, tactic : str
            What, and how it is proved.

        Returns
        -------
        str
            The name.
        """
        self.lines.append(f"  assert ({name} : {statement}). {{ {tactic.rstrip('. ')}. }}")
        return name

    # ---- generators and trees ----

    def gen(self, kind: str, expr: Expr, inside: Expr) -> int:
        """Return the number of a generator, new if need be.

        Parameters
        ----------
        kind : str
            ``symbol``, ``exp``, ``log`` or ``sqrt``.
        expr, inside : Expr
            The generator and its argument.

        Returns
        -------
        int

        Raises
        ------
        Unproved
            When there are too many.
        """
        text = coq(expr)
        if text not in self.at:
            if len(self.gens) == REAL:
                raise Unproved("too many different terms for one proof")
            self.at[text] = len(self.gens)
            self.gens.append(Gen(kind, expr, inside))
            if kind == "exp":
                self.note(ring().gens()[self.at[text]], True, "apply exp_pos")
        return self.at[text]

    def tree(self, poly: Poly) -> Expr:
        """Return a polynomial in generators as a tree.

        Parameters
        ----------
        poly : fmpq_mpoly
            Polynomial.

        Returns
        -------
        Expr
        """
        terms = []
        for exps, c in poly.to_dict().items():
            powers = [(self.gens[v].expr, int(e)) for v, e in enumerate(exps) if e]
            factors: list[Expr] = [b if e == 1 else Pow(b, Num(Fraction(e))) for b, e in powers]
            value = fraction(c)
            if abs(value) != 1 or not factors:
                factors.insert(0, Num(abs(value)))
            body = factors[0] if len(factors) == 1 else Mul(tuple(factors))
            terms.append(Neg(body) if value < 0 else body)
        return Num(Fraction(0)) if not terms else terms[0] if len(terms) == 1 else Add(tuple(terms))

    def text(self, poly: Poly) -> str:
        """Return a polynomial in generators as Coq text.

        Parameters
        ----------
        poly : fmpq_mpoly
            Polynomial.

        Returns
        -------
        str
        """
        return coq(self.tree(poly))

    def quotient_tree(self, q: Quotient) -> Expr:
        """Return a quotient as a tree.

        Parameters
        ----------
        q : Quotient
            Quotient.

        Returns
        -------
        Expr
        """
        return self.tree(q.num) if q.den.is_one() else Div(self.tree(q.num), self.tree(q.den))

    # ---- signs, see `dltsym.formal.signs` ----

    def note(self, poly: Poly, strict: bool, tactic: str) -> Fact:
        """Add a sign to the context, once.

        Parameters
        ----------
        poly : fmpq_mpoly
            What is not negative.
        strict : bool
            Or positive.
        tactic : str
            Proof.

        Returns
        -------
        Fact
        """
        slot = (str(poly), strict)
        found = self.known.get(slot)
        if found is None:
            name = self.say(self.fresh("F"), f"0 {'<' if strict else '<='} {self.text(poly)}", tactic)
            found = self.known[slot] = Fact(name, poly, strict)
            self.facts.append(found)
        return found

    def hopeless(self, poly: Poly, strict: bool) -> bool:
        """Whether a polynomial is negative at some point inside the hypotheses.

        Parameters
        ----------
        poly : fmpq_mpoly
            Polynomial.
        strict : bool
            Whether 0 counts.

        Returns
        -------
        bool
        """
        for k, point in enumerate(self.points):
            for v in variables(poly):
                if (k, v) not in self.values:
                    self.values[k, v] = points.value(self.gens[v].expr, point)
            got = points.at(poly, {v: self.values[k, v] for v in variables(poly)})
            if got < 0 or (strict and got.contains(0)):
                return True
        return False

    def positive(self, poly: Poly) -> tuple[int, Fact] | None:
        """Return the strict sign of a polynomial: 1 or -1, and the fact that says so for the oriented one.

        Parameters
        ----------
        poly : fmpq_mpoly
            Polynomial.

        Returns
        -------
        tuple of (int, Fact) or None
        """
        from dltsym.formal.signs import prove

        for direction in (1, -1):
            fact = prove(self, poly * direction, True)
            if fact is not None:
                return direction, fact
        return None

    def nonzero(self, poly: Poly) -> None:
        """Put into the context what shows that no factor of a polynomial vanishes.

        Parameters
        ----------
        poly : fmpq_mpoly
            Denominator.

        Raises
        ------
        Unproved
            When a factor might vanish.
        """
        for factor, _ in poly.factor()[1]:
            monic = factor / factor.leading_coefficient()
            if monic not in self.apart and self.positive(factor) is None:
                raise Unproved(f"not proved that {self.tree(factor)} is not 0")

    # ---- normal forms ----

    def form(self, e: Expr) -> Quotient:
        """Return the normal form of a tree, and put the equations of its atoms into the context.

        Parameters
        ----------
        e : Expr
            Tree of whitelisted nodes.

        Returns
        -------
        Quotient

        Raises
        ------
        Refused
            For a node that is not exported, or a denominator that might vanish.
        """
        match e:
            case Num(value):
                return quotient(constant(value))
            case Sym() if f"root {coq(e)}" in self.scale:
                return quotient(ring().gens()[self._squared(e)] ** 2)
            case Sym():
                return quotient(ring().gens()[self.gen("symbol", e, e)])
            case Neg(arg):
                return self.form(arg) * quotient(constant(-1))
            case Add(args):
                return self.reduced(sum((self.form(a) for a in args[1:]), self.form(args[0])))
            case Mul(args):
                return self.reduced(math.prod((self.form(a) for a in args), start=quotient(constant(1))))
            case Div(a, b):
                bottom = self._bottom(b)
                return self.reduced(self.form(a) * bottom.inverse())
            case Pow(base, exponent):
                n = whole(exponent)
                if n is None:
                    return self.form(as_exp(e))
                return self.reduced((self._bottom(base) if n < 0 else self.form(base)) ** n)
            case Call():
                return self._atom(e)
        raise Refused(f"the node {type(e).__name__} is not exported ({e})")

    def _squared(self, e: Sym) -> int:
        """Return the root of a symbol, as whose square the symbol is read."""
        expr = Call("sqrt", (e,))
        new = coq(expr) not in self.at
        v = self.gen("sqrt", expr, e)
        if new:
            name = self.fresh("R")
            self.rules.append(self.say(name, f"{coq(expr)} ^ 2 = {coq(e)}", "apply pow2_sqrt; given"))
            strict = self.scale[f"root {coq(e)}"] == STRICT
            self.note(ring().gens()[v], strict, f"apply {'sqrt_lt_R0; given' if strict else 'sqrt_pos'}")
        return v

    def _bottom(self, e: Expr) -> Quotient:
        q = self.form(e)
        if q.num.is_zero():
            raise Unproved(f"{e} is 0")
        self.nonzero(q.num)
        return q

    def reduced(self, q: Quotient) -> Quotient:
        """Reduce squares of roots in the numerator.

        Parameters
        ----------
        q : Quotient
            Quotient.

        Returns
        -------
        Quotient
        """
        num = q.num
        for v in [v for v in variables(num) if v in self.roots]:
            inside, x = self.roots[v], ring().gens()[v]
            parts = coefficients(num, v).items()
            num = sum((c * inside ** (k // 2) * x ** (k % 2) for k, c in parts), constant(0))
        return q if num == q.num else quotient(num, q.den)

    def _atom(self, e: Call) -> Quotient:
        from dltsym.formal import atoms

        raw = coq(e)
        if raw not in self.atoms:
            self.atoms[raw] = atoms.normal(self, e)
        return self.atoms[raw][0]

    def equate(self, *sides: Expr) -> str:
        """Return a tactic for an equation that holds by the normal forms of the atoms in some trees.

        Parameters
        ----------
        *sides : Expr
            Trees in the equation; their forms have been computed.

        Returns
        -------
        str
        """
        raws = {coq(t) for side in sides for t in map(_as_call, subterms(side)) if isinstance(t, Call)}
        named = [(raw, self.atoms[raw][1]) for raw in raws if raw in self.atoms and self.atoms[raw][1]]
        order = [name for raw, name in sorted(named, key=lambda p: (-len(p[0]), p[0]))]
        rewrite = f"rewrite {', '.join('?' + n for n in order)}; " if order else ""
        rules = " ".join(self.rules)
        if not rules:
            return f"{rewrite}equal"
        return f"{rewrite}first [ equal | ring [{rules}] | field [{rules}]; repeat split; nonzero ]"


def _as_call(e: object) -> object:
    return as_exp(e) if isinstance(e, Pow) and whole(e.exponent) is None else e
