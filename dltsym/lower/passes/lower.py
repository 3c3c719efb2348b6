"""From the display tree to the tensor IR, through the constructors of `dltsym.lower.algebra.constructors`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.passes.calls import call, derivative, power
from dltsym.lower.passes.dependent import fold
from dltsym.lower.passes.integers import linear
from dltsym.lower.passes.loops import iteration, order, recurrence
from dltsym.lower.passes.places import Check, Env, Lin, Range, iota, place_of, slotted
from dltsym.lower.passes.truths import cases
from dltsym.lower.program import Input
from dltsym.lower.report import Finding
from dltsym.lower.sizes import Poly, at_least, name
from dltsym.notation.folds import Cases, Fold, Iterate, Order, Recurrence
from dltsym.notation.tree import Add, Call, Const, Diff, Div, Expr, Index, Mul, Neg, Num, Pow, Sum, Sym
from dltsym.notation.walk import free_symbols

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra

INTEGERS = ("integer", "index", "bound")
ONE = Fraction(1)


@dataclass
class Lowering:
    """One lowering: the constructors, what was met on the way, and a memo.

    Attributes
    ----------
    algebra : Algebra
        Constructors; owner of the table.
    inputs : mapping of str to Input
        Arguments by name.
    floors : mapping of str to int
        Smallest value of each size.
    findings : list of Finding
        What could not be made safe.
    checks : list of Check or Range
        What a call has to hold.
    """

    algebra: Algebra
    inputs: Mapping[str, Input]
    floors: Mapping[str, int]
    findings: list[Finding] = field(default_factory=list)
    checks: list[Check | Range] = field(default_factory=list)
    _memo: dict[Any, Node] = field(default_factory=dict)
    _free: dict[int, tuple[Expr, tuple[Sym, ...]]] = field(default_factory=dict)

    def free(self, e: Expr) -> tuple[Sym, ...]:
        """Return the free symbols of a tree, those of the definitions of let-names included.

        Parameters
        ----------
        e : Expr
            Tree.

        Returns
        -------
        tuple of Sym
        """
        known = self._free.get(id(e))
        if known is None:
            found = dict.fromkeys(free_symbols(e))
            for s in tuple(found):
                if s.decl.definition is not None:
                    found |= dict.fromkeys(self.free(s.decl.definition))
            known = self._free[id(e)] = (e, tuple(found))  # the tree is kept, so that its id stays its own
        return known[1]

    def expr(self, e: Expr, env: Env) -> Node:
        """Lower a tree.

        Parameters
        ----------
        e : Expr
            Tree without derivatives.
        env : Env
            What its names mean.

        Returns
        -------
        Node
        """
        bound = frozenset((s, env.names[s]) for s in self.free(e) if s in env.names)
        key = (id(e), bound, env.guards)
        done = self._memo.get(key)
        if done is None:
            done = self._memo[key] = self._expr(e, env)
        return done

    def _expr(self, e: Expr, env: Env) -> Node:
        make = self.algebra
        match e:
            case Num(value):
                return make.num(value)
            case Const(text):
                return make.const("inf" if text == "oo" else text)
            case Sym():
                return self.symbol(e, env)
            case Neg(arg):
                return make.neg(self.expr(arg, env))
            case Add(args):
                return make.add(*(self.expr(a, env) for a in args))
            case Mul(args):
                return make.mul(*(self.expr(a, env) for a in args))
            case Div(a, b):
                return make.div(self.expr(a, env), self.expr(b, env))
            case Pow():
                return power(self, e, env)
            case Call():
                return call(self, e, env)
            case Index():
                return self.entry(e, env)
            case Sum(body, limits):
                return fold(self, "sum", body, limits, env)
            case Fold(op, body, limits):
                return fold(self, op, body, limits, env)
            case Cases():
                return cases(self, e, env)
            case Recurrence():
                return recurrence(self, e, env)
            case Order():
                return order(self, e, env)
            case Iterate():
                return iteration(self, e, env)
            case Diff():
                return derivative(self, e, env)
        raise UnsupportedError(f"{type(e).__name__} has no tensor form: {e}")

    # Leaves

    def symbol(self, s: Sym, env: Env) -> Node:
        """Lower a name.

        Parameters
        ----------
        s : Sym
            Symbol.
        env : Env
            What names mean.

        Returns
        -------
        Node

        Raises
        ------
        UnsupportedError
            For an array without its indices, or an index that has no axis here.
        """
        meaning = env.names.get(s)
        if isinstance(meaning, Lin):
            return self.node(meaning)
        if meaning is not None:
            return meaning(())
        if s.decl.definition is not None:
            return self.expr(s.decl.definition, env)
        if s.decl.sort in ("array", "matrix"):
            raise UnsupportedError(f"{s.name} is used without its indices; write {s.name}[i, ...], as many as it has")
        if s.decl.uid or s.decl.sort == "index":
            raise UnsupportedError(f"the index {s.name} has no range here; declare it with one, v.index({s.name!r}, n)")
        if s.decl.sort == "integer":
            return self.node(Lin((), name(s.name)))
        return self.algebra.ref(s.name, ())

    def entry(self, e: Index, env: Env) -> Node:
        """Lower an array entry; a truth becomes 0 or 1.

        Parameters
        ----------
        e : Index
            Entry.
        env : Env
            What names mean.

        Returns
        -------
        Node
        """
        node, make = self.element(e, env), self.algebra
        if e.array.decl.entries != "bool":
            return node
        return make.where(node, make.num(ONE), make.num(Fraction(0)))

    def element(self, e: Index, env: Env) -> Node:
        """Lower an array entry as it is; that of a mask is a truth.

        Parameters
        ----------
        e : Index
            Entry.
        env : Env
            What names mean.

        Returns
        -------
        Node
        """
        places: list[Any] = []
        for at, (lo, hi) in zip(e.idx, e.array.decl.shape, strict=True):
            dim = (self.constant(lo), self.constant(hi))
            place, checks = place_of(e, self.integer(at, env), dim, self.floors, guarded=bool(env.guards))
            self.checks += checks
            places.append(place)
        known, slots = slotted(places, lambda p: self.guarded(p, env))
        state = env.names.get(e.array)
        if state is not None and not isinstance(state, Lin):
            return state(known, slots)
        return self.algebra.ref(e.array.name, known, *slots)

    def guarded(self, p: Lin, env: Env) -> Node:
        """Return the node of a computed place; where the conditions fail it is 0, and its entry is never used.

        Parameters
        ----------
        p : Lin
            Place.
        env : Env
            Environment.

        Returns
        -------
        Node
        """
        node, make = self.node(p), self.algebra
        return make.where(make.both(*env.guards), node, make.num(Fraction(0))) if env.guards else node

    # Integers

    def integer(self, e: Expr, env: Env) -> Lin:
        """Return an integer expression as a linear form; what is not linear becomes one node of it.

        Parameters
        ----------
        e : Expr
            Expression with integer values.
        env : Env
            What names mean.

        Returns
        -------
        Lin

        Raises
        ------
        UnsupportedError
            When the value need not be an integer.
        """
        form = linear(self, e, env)
        if form is not None:
            return form
        node = self.expr(e, env)
        if not self.algebra.facts(node).integer:
            raise UnsupportedError(f"{e} is used as an index, but need not be an integer")
        return Lin(((node, ONE),))

    def constant(self, e: Expr) -> Poly:
        """Return a size expression as a polynomial in size names.

        Parameters
        ----------
        e : Expr
            Expression without indices.

        Returns
        -------
        Poly

        Raises
        ------
        UnsupportedError
            When it is no polynomial.
        """
        form = linear(self, e, Env())
        if form is None or form.atoms:
            raise UnsupportedError(f"the size {e} is no polynomial in size names")
        return form.const

    def node(self, form: Lin) -> Node:
        """Return the node of a linear form.

        Parameters
        ----------
        form : Lin
            Integer.

        Returns
        -------
        Node
        """
        make = self.algebra
        terms = [make.mul(make.num(c), n) if c != 1 else n for n, c in form.atoms]
        for monomial, c in form.const.terms:
            terms.append(make.mul(make.num(c), *(self.number(text) for text in monomial)))
        return make.add(*terms) if terms else make.num(Fraction(0))

    def number(self, text: str) -> Node:
        """Return the value of an integer name: a size, or a parameter that may be 0 or negative.

        Parameters
        ----------
        text : str
            Name.

        Returns
        -------
        Node
        """
        return self.algebra.size(text) if self.floors.get(text, -1) >= 0 else self.algebra.ref(text, ())

    def need(self, least: Poly, says: str) -> None:
        """Let a call check that a size is not negative.

        Parameters
        ----------
        least : Poly
            What must not be negative.
        says : str
            What is wrong otherwise.
        """
        if not at_least(least, 0, self.floors):
            self.checks.append(Check(least.text, says))

    def inside(self, e: Expr, place: Lin, size: Poly, env: Env) -> None:
        """Let a call check that a place lies in a range, as far as sizes decide it.

        Parameters
        ----------
        e : Expr
            What reads it.
        place : Lin
            Place, from 0.
        size : Poly
            Number of places.
        env : Env
            Conditions that may keep the place in range.
        """
        _, checks = place_of(e, place, (Poly(), size - 1), self.floors, guarded=bool(env.guards))
        self.checks += checks


def lower(
    algebra: Algebra, floors: Mapping[str, int], outputs: Iterable[tuple[Expr, Mapping[Sym, Axis]]]
) -> tuple[list[Node], Lowering]:
    """Lower some trees.

    Parameters
    ----------
    algebra : Algebra
        Constructors, with the inputs.
    floors : mapping of str to int
        Smallest value of each size name.
    outputs : iterable of pairs
        Trees with the axes of their free indices.

    Returns
    -------
    tuple
        Their nodes, and what was met on the way.
    """
    low = Lowering(algebra, algebra.inputs, floors)
    nodes = []
    for tree, axes in outputs:
        names = {s: iota(algebra, a, low.constant(s.decl.lo)) for s, a in axes.items() if s.decl.lo is not None}
        nodes.append(low.expr(tree, Env(names)))
    return nodes, low
