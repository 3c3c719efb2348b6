"""From trees to polynomials over atoms, with the facts that are known about every atom.

Whatever is not a polynomial (``exp(u)``, ``X[i]``, a `Sum`) becomes an atom; equal terms become the same atom. A fact
says ``polynomial op 0``. Facts come from hypotheses, from declarations and from axioms of atoms (``sqrt(a)**2 = a``).

Traps. (1) The axiom of a partial atom enters only after its domain is proved without that axiom: else ``p >= sqrt(B)``
would prove ``B >= 0``. `blocked` holds the atoms whose axioms may not be used; it grows with every nested proof, so no
two domains can rest on each other. (2) A denominator is cancelled only after it is proved not to vanish; otherwise the
whole quotient stays an atom. (3) A free index in a hypothesis means "for every"; it is used at the index at hand if
that one is proved to be in range, and as it stands only if the range is not empty.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import MISSING, dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property

from dltsym.errors import UnknownNode
from dltsym.notation.tree import (
    Add,
    Call,
    Const,
    Diff,
    Div,
    Expr,
    Index,
    Integral,
    Limit,
    Mul,
    Neg,
    Num,
    Pow,
    Rel,
    Sum,
    Sym,
)
from dltsym.notation.walk import key
from dltsym.prove.polynomials import (
    ONE,
    Frozen,
    Poly,
    Ratio,
    constant,
    factors,
    mul,
    names,
    power,
    ratio_add,
    ratio_inverse,
    ratio_mul,
    text_of,
    variable,
)
from dltsym.prove.shapes import BASE, FULL, ZERO, is_integer, rational, usable


@dataclass(frozen=True)
class Known:
    """A usable fact: ``poly op 0`` with `op` one of ``>=``, ``>``, ``=``, ``!=``, and where it comes from."""

    poly: Poly
    op: str
    name: str


@dataclass(frozen=True)
class Store:
    """Named relations that hold, and the index symbols that stand for one fixed index. Compared by `key`."""

    key: str
    rels: tuple[tuple[str, Rel], ...] = field(compare=False)
    fixed: frozenset[Sym] = field(compare=False)

    @cached_property
    def plain(self) -> bool:
        """Whether every relation may be used at level BASE."""
        return all(usable(rel, BASE) for _, rel in self.rels)


Prove = Callable[[Rel, tuple[Rel, ...], int, frozenset[str], bool], str | None]


@dataclass
class Atoms:
    """The atoms met so far and the facts about them.

    `level` limits the relations that are used: FULL all, BASE those without partial functions, quotients and sums,
    INTEGERS those over integer symbols only. `prove` answers a nested question with a grade, or None. `gathered` are
    the atoms whose laws are among the facts, `totals` the sums of non-negative terms, `terms` those of their terms
    that were looked at.
    """

    store: Store
    level: int
    blocked: frozenset[str]
    prove: Prove
    deep: bool = False
    exprs: dict[str, Expr] = field(default_factory=dict)
    args: dict[str, tuple[Ratio, ...]] = field(default_factory=dict)
    facts: list[Known] = field(default_factory=list)
    grades: set[str] = field(default_factory=set)
    needs: dict[str, str] = field(default_factory=dict)
    gathered: set[str] = field(default_factory=set)
    totals: list[Sum] = field(default_factory=list)
    terms: set[tuple[Sum, Expr]] = field(default_factory=set)

    def copy(self) -> Atoms:
        """Return atoms to which more may be added.

        Returns
        -------
        Atoms
        """
        own = {f.name: copy(getattr(self, f.name)) for f in fields(self) if f.default_factory is not MISSING}
        return replace(self, **own)

    def sub(self, rel: Rel, guard: str, local: tuple[Rel, ...] = (), deep: bool = True) -> bool:
        """Prove a nested relation, first from plain facts, then from all but those that rest on `guard`.

        Parameters
        ----------
        rel : Rel
            What is needed.
        guard : str
            Atom whose axioms may not be used.
        local : tuple of Rel
            Further hypotheses.
        deep : bool
            Whether z3 may be asked, if this question may ask it at all.

        Returns
        -------
        bool
        """
        grade = self.prove(rel, local, min(self.level, BASE), self.blocked, False)
        if grade is None and self.level == FULL and guard not in self.blocked and len(self.blocked) < 2:
            below = self.blocked | {guard}
            if not self.store.plain:
                grade = self.prove(rel, local, FULL, below, False)
            if grade is None and deep and self.deep:
                grade = self.prove(rel, local, FULL, below, True)
        if grade is not None:
            self.grades.add(grade)
            self.needs.setdefault(str(rel), grade)
        return grade is not None

    def atom(self, name: str, expr: Expr, args: tuple[Ratio, ...] = ()) -> Ratio:
        """Register an atom and return it as a quotient.

        Parameters
        ----------
        name : str
            Canonical key.
        expr : Expr
            What it stands for.
        args : tuple of Ratio
            Its arguments.

        Returns
        -------
        Ratio
        """
        if name not in self.exprs:
            self.exprs[name] = expr
            self.args[name] = args
        return Ratio(variable(name))

    def ratio(self, e: Expr) -> Ratio:
        """Write an expression as a quotient of polynomials over atoms.

        Parameters
        ----------
        e : Expr
            Tree without let-names.

        Returns
        -------
        Ratio

        Raises
        ------
        UnknownNode
            For ``oo`` and for polynomials that are too large.
        """
        match e:
            case Num(value):
                return Ratio(constant(value))
            case Const("pi"):
                return self.atom("#pi", e)
            case Sym() | Index() | Sum() | Diff() | Integral() | Limit():
                return self.atom(key(e), e)
            case Neg(arg):
                return ratio_mul(Ratio(constant(-1)), self.ratio(arg))
            case Add(terms):
                return self._fold(ratio_add, terms)
            case Mul(terms):
                return self._fold(ratio_mul, terms)
            case Div(num, den):
                return self._quotient(e, num, den)
            case Pow(base, exponent):
                return self._power(e, base, exponent)
            case Call(name, args):
                return self._call(e, name, tuple(self.ratio(a) for a in args))
        raise UnknownNode(f"{e} is not a number")

    def _fold(self, combine: Callable[[Ratio, Ratio], Ratio], terms: tuple[Expr, ...]) -> Ratio:
        out = self.ratio(terms[0])
        for term in terms[1:]:
            out = combine(out, self.ratio(term))
        return out

    def _quotient(self, e: Expr, num: Expr, den: Expr) -> Ratio:
        below = self.ratio(den)
        if not self.nonzero(below):
            return self.atom(f"({key(e)})", e)
        return ratio_mul(self.ratio(num), ratio_inverse(below))

    def nonzero(self, r: Ratio) -> bool:
        """Whether a denominator is proved not to vanish (and may be used).

        Parameters
        ----------
        r : Ratio
            Denominator.

        Returns
        -------
        bool
        """
        if not r.num:
            return False
        _, parts = factors(r.num)
        return all(f"1/{f}" not in self.blocked and self.sub(Rel(self.expr(f), "!=", ZERO), f"1/{f}") for f, _ in parts)

    def sign(self, f: Frozen) -> int:
        """Return the proved sign of a denominator factor, 0 if only known not to vanish.

        Parameters
        ----------
        f : Frozen
            Factor.

        Returns
        -------
        int
        """
        tree = self.expr(f)
        if isinstance(tree, Call) and tree.name == "exp":  # to ask would meet the hypothesis that is being read again
            return 1
        if self.sub(Rel(ZERO, "<", tree), f"1/{f}"):
            return 1
        return -1 if self.sub(Rel(tree, "<", ZERO), f"1/{f}") else 0

    def expr(self, f: Frozen) -> Expr:
        """Return a tree of a polynomial.

        Parameters
        ----------
        f : Frozen
            Polynomial.

        Returns
        -------
        Expr
        """
        terms = []
        for mono, c in f:
            powers = [self.exprs[n] if k == 1 else Pow(self.exprs[n], Num(Fraction(k))) for n, k in mono]
            parts = ([Num(c)] if c != 1 or not powers else []) + powers
            terms.append(parts[0] if len(parts) == 1 else Mul(tuple(parts)))
        return ZERO if not terms else terms[0] if len(terms) == 1 else Add(tuple(terms))

    def _power(self, e: Pow, base: Expr, exponent: Expr) -> Ratio:
        c = rational(exponent)
        if c is None:
            return self._symbolic_power(base, exponent)
        if c < 0:
            return self.ratio(Div(Num(Fraction(1)), Pow(base, Num(-c))))
        r = self.ratio(base)
        if c.denominator == 1:
            return Ratio(power(r.num, int(c)), tuple((f, k * int(c)) for f, k in r.den) if c else ())
        if c.denominator == 2:
            root = self._call(Call("sqrt", (base,)), "sqrt", (r,))
        else:
            tree = Pow(base, Num(Fraction(1, c.denominator)))
            root = self.atom(f"root{c.denominator}({text(r)})", tree, (r,))
        return Ratio(power(root.num, c.numerator), tuple((f, k * c.numerator) for f, k in root.den))

    def _symbolic_power(self, base: Expr, exponent: Expr) -> Ratio:
        b, x = self.ratio(base), self.ratio(exponent)
        return self.atom(f"pow({text(b)};{text(x)})", Pow(base, exponent), (b, x))

    def _call(self, e: Call, name: str, args: tuple[Ratio, ...]) -> Ratio:
        if name == "exp":
            (u,) = args
            if not u.num:
                return Ratio(ONE)
            if u.num[max(u.num)] < 0:  # exp(-u) = 1/exp(u): one atom for both
                positive = Call("exp", (Neg(e.args[0]),))
                return ratio_inverse(self._call(positive, name, (ratio_mul(Ratio(constant(-1)), u),)))
        return self.atom(f"{name}({','.join(map(text, args))})", e, args)

    def known(self, rel: Rel, name: str) -> Known:
        """Turn a relation into a fact with denominators cleared.

        Parameters
        ----------
        rel : Rel
            Relation that holds.
        name : str
            Where it comes from.

        Returns
        -------
        Known
        """
        rel = rel.flipped()
        poly = self.cleared(ratio_add(self.ratio(rel.rhs), self.ratio(rel.lhs), -1), rel.op)
        return Known(poly, {"<": ">", "<=": ">="}.get(rel.op, rel.op), name)

    def cleared(self, r: Ratio, op: str) -> Poly:
        """Return a polynomial with the sign of `r` (or, for ``=`` and ``!=``, with its zeros).

        Parameters
        ----------
        r : Ratio
            Quotient; its denominators do not vanish.
        op : str
            Relation.

        Returns
        -------
        Poly
        """
        out = r.num
        if op in ("=", "!="):
            return out
        for f, k in r.den:
            if k % 2:
                sign = self.sign(f)
                out = mul(out, dict(f)) if sign == 0 else mul(out, constant(sign))
        return out

    def integral(self, poly: Poly) -> bool:
        """Whether a polynomial takes integer values only.

        Parameters
        ----------
        poly : Poly
            Polynomial.

        Returns
        -------
        bool
        """
        whole = all(c.denominator == 1 for c in poly.values())
        return whole and all(is_integer(self.exprs[n]) for n in names(poly))


def text(r: Ratio) -> str:
    """Return a canonical text of a quotient.

    Parameters
    ----------
    r : Ratio
        Quotient.

    Returns
    -------
    str
    """
    return text_of(r.num, r.den)
